/** What came of a check, from the one to act on first to the one that says least. */
const CHECK_STATES = ["failed", "warning", "ok", "skipped"] as const;
export type CheckState = (typeof CHECK_STATES)[number];

export interface SelftestCheck {
  name: string;
  state: CheckState;
  code: string;
  reason: string;
  fix: string | undefined;
  evidence: string[];
}

export interface SelftestReport {
  agentVersion: string;
  system: string;
  durationMs: number;
  /** The worst of the checks. */
  overall: CheckState;
  /** Those to act on first. */
  checks: SelftestCheck[];
}

/** The form that is understood here. */
const SCHEMA = 1;
/** Bounds that every honest report keeps (protocol/src/selftest.rs), with room to spare. */
const LONGEST_REPORT = 512 * 1024;
const MOST_CHECKS = 32;
const MOST_EVIDENCE = 16;
const LONGEST_TEXT = 1_000;

/** Control characters, and those that reorder or hide text. */
const DECEPTIVE = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

const WORDS: Record<string, string> = {
  permissions: "Permissions",
  disk: "Disk",
  enrollment: "Enrollment",
  service_manager: "Service manager",
  name_resolution: "Name resolution",
  proxy: "Proxy",
  tls: "TLS",
  reachability: "Reachability",
  server_identity: "Server identity",
  agent_socket: "Agent socket",
  clock: "Clock",
  wmi: "WMI",
  task_scheduler: "Task scheduler",
};

/** A check's name in words; one of a newer agent as it is. */
export function checkWords(name: string): string {
  return Object.hasOwn(WORDS, name) ? (WORDS[name] ?? name) : name.replaceAll("_", " ");
}

/** The report in the output of a self-test; null when it is none that can be shown, which an agent may well send. */
export function parseSelftest(output: string): SelftestReport | null {
  if (output.length > LONGEST_REPORT) return null;
  let raw: unknown;
  try {
    raw = JSON.parse(output);
  } catch {
    return null;
  }
  if (!isRecord(raw) || raw.schema !== SCHEMA || !Array.isArray(raw.checks)) return null;
  if (raw.checks.length === 0 || raw.checks.length > MOST_CHECKS) return null;
  const agentVersion = text(raw.agent_version);
  const system = text(raw.system);
  const checks = raw.checks.map(check);
  if (agentVersion === null || system === null || !isLength(raw.duration_ms) || !checks.every((each) => each !== null)) return null;
  const sorted = checks.toSorted((a, b) => CHECK_STATES.indexOf(a.state) - CHECK_STATES.indexOf(b.state));
  return { agentVersion, system, durationMs: raw.duration_ms, overall: worst(sorted), checks: sorted };
}

/** Not as the report says, but as its checks say. */
function worst(sorted: readonly SelftestCheck[]): CheckState {
  const [first] = sorted;
  return first && first.state !== "skipped" ? first.state : "ok";
}

function check(raw: unknown): SelftestCheck | null {
  if (!isRecord(raw)) return null;
  const name = text(raw.name);
  const code = text(raw.code);
  const reason = text(raw.reason);
  const state = CHECK_STATES.find((each) => each === raw.state);
  const fix = raw.fix === undefined || raw.fix === null ? undefined : text(raw.fix);
  const evidence = lines(raw.evidence);
  if (!name || code === null || reason === null || state === undefined || fix === null || evidence === null) return null;
  return { name, state, code, reason, fix: fix || undefined, evidence };
}

function lines(raw: unknown): string[] | null {
  if (raw === undefined) return [];
  if (!Array.isArray(raw) || raw.length > MOST_EVIDENCE) return null;
  const all = raw.map(text);
  return all.every((line) => line !== null) ? all : null;
}

function text(raw: unknown): string | null {
  return typeof raw === "string" && raw.length <= LONGEST_TEXT ? raw.replace(DECEPTIVE, "") : null;
}

function isLength(raw: unknown): raw is number {
  return typeof raw === "number" && Number.isFinite(raw) && raw >= 0;
}

function isRecord(raw: unknown): raw is Record<string, unknown> {
  return typeof raw === "object" && raw !== null && !Array.isArray(raw);
}
