import type { Draft } from "./draft";

/** Drafts live in the tab, by user and agent: whoever else signs in sees none of them. */
const PREFIX = "gururmm-draft:";

const keyOf = (userId: string, agentId: string) => `${PREFIX}${userId}:${agentId}`;

/** What this user left under a name in this tab; undefined when there is nothing. */
export function readKept(userId: string, name: string): unknown {
  try {
    return JSON.parse(sessionStorage.getItem(keyOf(userId, name)) ?? "null") ?? undefined;
  } catch {
    return undefined;
  }
}

/** Keeps what is needed again after a reload or a login. A browser that keeps nothing is no reason to fail. */
export function writeKept(userId: string, name: string, value: unknown): void {
  try {
    sessionStorage.setItem(keyOf(userId, name), JSON.stringify(value));
  } catch {
    return;
  }
}

/** What this user last typed for this agent, without secret values; undefined when there is nothing usable. */
export function readDraft(userId: string, agentId: string): Partial<Draft> | undefined {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(keyOf(userId, agentId)) ?? "null");
    return kept !== null && typeof kept === "object" ? kept : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps what is typed. A browser that keeps nothing is no reason to fail. */
export function writeDraft(userId: string, agentId: string, draft: Draft): void {
  try {
    sessionStorage.setItem(keyOf(userId, agentId), JSON.stringify(withoutSecrets(draft)));
  } catch {
    return;
  }
}

/** What this user last typed into a form; undefined when there is nothing usable. */
export function readForm(userId: string, form: string): Record<string, unknown> | undefined {
  return readDraft(userId, form);
}

/** Keeps what is typed into a form, which must hold no secrets; forgets it when there is nothing to keep. */
export function writeForm(userId: string, form: string, values: Record<string, unknown> | undefined): void {
  try {
    if (values === undefined) sessionStorage.removeItem(keyOf(userId, form));
    else sessionStorage.setItem(keyOf(userId, form), JSON.stringify(values));
  } catch {
    return;
  }
}

/** The draft as it may be kept: the names of its secrets, never their values. */
export function withoutSecrets(draft: Draft): Draft {
  return { ...draft, secrets: draft.secrets.map(({ name }) => ({ name, value: "" })) };
}

/** Forgets the drafts of everybody, or of everybody but one user. */
export function forgetDrafts(exceptUserId?: string): void {
  const kept = exceptUserId === undefined ? undefined : `${PREFIX}${exceptUserId}:`;
  try {
    for (const key of Object.keys(sessionStorage)) {
      if (key.startsWith(PREFIX) && !(kept && key.startsWith(kept))) sessionStorage.removeItem(key);
    }
  } catch {
    return;
  }
}
