import type { AgentsFilter } from "./search";
import type { Run, RunPreview, RunTarget } from "../api/types";
import { type Draft, type Interpreter, interpretersFor } from "./draft";
import type { Selection } from "./selection";
import { formatCount } from "./units";

/** What a selection in the list of agents asks the server for: rows by their ids, "all" by the filter itself. */
export function targetOf({ all, ids }: Selection, filter: AgentsFilter): RunTarget {
  return all ? { filter, except: [...ids] } : { agent_ids: [...ids] };
}

/** Whether nothing at all is meant. */
export function isNothing({ all, ids }: Selection): boolean {
  return !all && ids.size === 0;
}

/** The shells to choose from for many machines: those of the one system that the filter names, or all. */
export function interpretersOf(filter: AgentsFilter): [Interpreter, ...Interpreter[]] {
  return filter.os_family === undefined ? ["powershell", "cmd", "sh"] : interpretersFor(filter.os_family);
}

/** A number of machines in words. */
export function machines(count: number): string {
  return `${formatCount(count)} ${count === 1 ? "machine" : "machines"}`;
}

/** How the machines of a preview would take it, as far as they are named. */
interface Outlook {
  /** Those that are online. */
  now: number;
  /** Those that are not: the command waits for them. */
  waiting: number;
  /** Machines that can run it and are not named. */
  unnamed: number;
  /** Machines that cannot and are not named. */
  unnamedRefused: number;
}

export function outlookOf({ agents, ready: all, refused }: RunPreview): Outlook {
  const ready = agents.filter(({ refusal }) => !refusal);
  const now = ready.filter(({ presence }) => presence.state === "online").length;
  return { now, waiting: ready.length - now, unnamed: all - ready.length, unnamedRefused: refused - (agents.length - ready.length) };
}

/** What became of a selection between two previews, as far as their machines are named. */
export interface SelectionChange {
  from: number;
  to: number;
  added: string[];
  removed: string[];
}

export function changeBetween(before: RunPreview, after: RunPreview): SelectionChange {
  // Where not all are named, one that is missing may only have moved behind the last that is.
  const whole = [before, after].every(({ agents, total }) => agents.length === total);
  const missing = (from: RunPreview, among: RunPreview) => {
    const ids = new Set(among.agents.map(({ agent_id }) => agent_id));
    return whole ? from.agents.filter(({ agent_id }) => !ids.has(agent_id)).map(({ name }) => name) : [];
  };
  return { from: before.total, to: after.total, added: missing(after, before), removed: missing(before, after) };
}

/** States of a run's machines, in the order in which they are told. */
export const RUN_STATES = [
  "running",
  "sent",
  "queued",
  "failed",
  "timed_out",
  "expired",
  "unknown",
  "cancelled",
  "refused",
  "succeeded",
] as const;
export type RunState = (typeof RUN_STATES)[number];

/** States of machines on which a run is worth a second try: it did not succeed there, and nobody stopped it. */
export const RETRIED = ["failed", "timed_out", "expired"] as const satisfies readonly RunState[];

/** On how many machines it is over, in whichever way. */
export function endedOf({ total, counts }: Pick<Run, "total" | "counts">): number {
  return total - counts.queued - counts.sent - counts.running;
}

/** How a run stands in a few words, and the state of which it has the look. */
export function outcomeOf(run: Pick<Run, "total" | "counts">): { like: RunState; words: string } {
  const { counts } = run;
  const open = run.total - endedOf(run);
  const failed = counts.failed + counts.timed_out + counts.expired + counts.unknown;
  const parts = [
    [failed, "failed"],
    [counts.refused, "not run"],
    [counts.cancelled, "cancelled"],
  ].filter(([count]) => Number(count) > 0);
  const words = parts.map(([count, word]) => `${formatCount(Number(count))} ${word}`).join(", ");
  if (failed > 0) return { like: "failed", words };
  if (counts.refused > 0) return { like: "refused", words };
  if (open > 0) return { like: counts.running > 0 ? "running" : "queued", words: words || `${formatCount(open)} open` };
  if (counts.cancelled > 0) return { like: "cancelled", words };
  return { like: "succeeded", words: "Succeeded" };
}

/** What was ordered, to be ordered again. Secret values are not known any more. */
export function draftOf(
  run: Pick<Run, "program" | "timeout_seconds" | "working_directory" | "environment" | "secret_names">,
): Partial<Draft> {
  const program: Partial<Draft> =
    run.program.kind === "shell"
      ? { kind: "shell", interpreter: run.program.interpreter, script: run.program.script }
      : run.program.kind === "exec"
        ? { kind: "exec", arguments: run.program.argv.join("\n") }
        : {};
  return {
    ...program,
    timeoutSeconds: run.timeout_seconds,
    workingDirectory: run.working_directory ?? "",
    environment: Object.entries(run.environment).map(([name, value]) => ({ name, value })),
    secrets: run.secret_names.map((name) => ({ name, value: "" })),
  };
}
