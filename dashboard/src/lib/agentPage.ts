import { SECTION_TITLES } from "./inventory";
import { ATTENTION_REASONS, id, oneOf } from "./search";
import { type Task, TASKS } from "./tasks";

/** The tabs of an agent's page; each has its own address. The first is shown when the address names none. */
export const AGENT_TABS = ["overview", "inventory", "commands", "activity"] as const;
export type AgentTab = (typeof AGENT_TABS)[number];

/** The dialogs of an agent's page that have an address. */
const DIALOGS = ["rename", "move", "decommission"] as const;

/** How far back the charts look. */
export const CHART_SPANS = ["24h", "7d", "30d"] as const;
export type ChartSpan = (typeof CHART_SPANS)[number];
export const SPAN_HOURS: Record<ChartSpan, number> = { "24h": 24, "7d": 168, "30d": 720 };

/** What stands in the address of an agent's page besides the agent and the tab. */
export interface AgentSearch {
  dialog?: (typeof DIALOGS)[number] | undefined;
  /** The reason for which it needs somebody whose evidence is open. */
  evidence?: (typeof ATTENTION_REASONS)[number] | undefined;
  span?: ChartSpan | undefined;
  /** The command whose output is shown on the commands tab. */
  command?: string | undefined;
  /** The prepared command that the commands tab begins with. */
  task?: Task | undefined;
  /** The earlier command that the commands tab begins with. */
  again?: string | undefined;
  /** What the inventory tab shows: what is, or what changed. */
  view?: "changes" | undefined;
  /** The section whose changes are shown. */
  section?: string | undefined;
}

export function agentSearch(raw: Record<string, unknown>): AgentSearch {
  return {
    dialog: oneOf(raw, "dialog", DIALOGS),
    evidence: oneOf(raw, "evidence", ATTENTION_REASONS),
    span: oneOf(raw, "span", CHART_SPANS),
    command: id(raw, "command"),
    task: oneOf(raw, "task", TASKS),
    again: id(raw, "again"),
    view: oneOf(raw, "view", ["changes"]),
    section: oneOf(raw, "section", Object.keys(SECTION_TITLES)),
  };
}
