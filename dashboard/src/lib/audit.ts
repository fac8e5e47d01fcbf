import type { AuditEntry } from "../api/types";
import { inWords } from "./age";
import { machines } from "./runs";

/** What was done, in words, by the code of the action. */
const ACTIONS: Record<string, string> = {
  "agent.decommission": "Decommission ordered",
  "agent.decommission_refused": "Decommission refused by the agent",
  "agent.decommissioned": "Agent decommissioned",
  "agent.enroll": "Agent enrolled",
  "agent.merge": "Records merged",
  "agent.quarantine": "Agent quarantined",
  "agent.release": "Agent released",
  "agent.update": "Agent changed",
  "agents.export": "Agents exported",
  "audit.export": "Audit log exported",
  "command.cancel": "Command cancelled",
  "command.create": "Command ordered",
  "command.envelope_refused": "Command refused by the agent",
  "command.void": "Commands made void",
  "commands.export": "Commands exported",
  "enrollment_token.create": "Enrollment token created",
  "enrollment_token.revoke": "Enrollment token revoked",
  "organization.create": "Organization created",
  "organization.delete": "Organization deleted",
  "organization.rename": "Organization renamed",
  "run.cancel": "Run cancelled",
  "run.create": "Run ordered",
  "site.create": "Site created",
  "site.delete": "Site deleted",
  "site.rename": "Site renamed",
  "user.bootstrap": "First account created",
  "user.login": "Logged in",
  "user.login_failed": "Login failed",
  "user.logout": "Logged out",
  "view.create": "View saved",
  "view.delete": "View deleted",
  "view.update": "View changed",
};

/** What was done, in words; an action of a newer server as it is. */
export function actionWords(action: string): string {
  return Object.hasOwn(ACTIONS, action) ? (ACTIONS[action] ?? action) : action;
}

type Of = Pick<AuditEntry, "action" | "actor" | "target" | "detail" | "outcome" | "address">;

/** The name of what it was done to: of a command, the machine it was for. Nothing where that is who did it. */
export function objectOf({ actor, target, detail }: Of): string | undefined {
  if (target.kind !== "command") return target.id && target.id === actor.id ? undefined : target.label || undefined;
  const { agent } = detail as Facts;
  return typeof agent === "string" ? agent : undefined;
}

// The server passes on what was recorded, so each fact is looked at before it is used.
type Facts = Record<string, unknown>;

/** What it changed, as far as the entry says so: the field, what it was where that is recorded, and what it became. */
export function changeWords(entry: Of): string {
  const facts = entry.detail as Facts;
  const words = [entry.outcome === "refused" ? text(facts.reason) : undefined, ...(CHANGES[entry.action]?.(facts, entry) ?? [])];
  return words.filter((each) => each !== undefined && each !== "").join("; ");
}

const CHANGES: Record<string, (facts: Facts, entry: Of) => (string | undefined)[]> = {
  "agent.decommission": ({ uninstall, cancelled_commands }) => [
    uninstall === true ? "the agent is removed from the machine" : undefined,
    many(cancelled_commands, "command cancelled", "commands cancelled"),
  ],
  "agent.decommission_refused": ({ refusal }) => [text(refusal)],
  "agent.enroll": ({ rekeyed, duplicate_of }) => [
    rekeyed === true ? "a new key for a known record" : undefined,
    text(duplicate_of) ? "seems to be enrolled twice" : undefined,
  ],
  "agent.merge": ({ into_name }) => [text(into_name) && `into ${text(into_name)}`],
  "agent.quarantine": ({ reason }) => [text(reason)],
  "agent.update": (facts, { target }) => [
    "display_name" in facts ? (facts.display_name === null ? "display name: removed" : fromTo("display name", target.label, facts.display_name)) : undefined,
    "site" in facts ? fromTo("site", undefined, facts.site) : undefined,
    "duplicate_of" in facts ? "kept apart from the other record" : undefined,
  ],
  "command.envelope_refused": ({ refusal }) => [text(refusal)],
  "enrollment_token.create": ({ expires_in_hours, max_uses }) => [
    typeof expires_in_hours === "number" ? `valid for ${inWords(expires_in_hours * 3_600)}` : undefined,
    typeof max_uses === "number" ? `for ${machines(max_uses)}` : "for any number of machines",
  ],
  "organization.delete": ({ revoked_tokens }) => [many(revoked_tokens, "token revoked", "tokens revoked")],
  "organization.rename": ({ name }, { target }) => [fromTo("name", target.label, name)],
  "run.create": ({ agents, refused_agents }) => [
    typeof agents === "number" ? `on ${machines(agents)}` : undefined,
    typeof refused_agents === "number" && refused_agents > 0 ? `not run on ${machines(refused_agents)}` : undefined,
  ],
  "site.delete": ({ revoked_tokens }) => [many(revoked_tokens, "token revoked", "tokens revoked")],
  "site.rename": ({ name }, { target }) => [fromTo("name", target.label, name)],
  "user.login": (_, { address }) => [address ? `from ${address}` : undefined],
  "user.login_failed": ({ failures, network }) => [
    many(failures, "failure", "failures"),
    text(network) && `from ${text(network)}`,
  ],
  "view.update": ({ name }, { target }) => [text(name) === target.label ? undefined : fromTo("name", target.label, name)],
};

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function many(value: unknown, one: string, more: string): string | undefined {
  return typeof value === "number" && value > 0 ? `${value} ${value === 1 ? one : more}` : undefined;
}

function fromTo(field: string, before: string | undefined, after: unknown): string | undefined {
  const now = text(after);
  if (now === undefined) return undefined;
  return before && before !== now ? `${field}: ${before} → ${now}` : `${field}: ${now}`;
}
