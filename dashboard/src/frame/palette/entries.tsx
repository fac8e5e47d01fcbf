import {
  IconActivity,
  IconApi,
  IconBuilding,
  IconDeviceDesktop,
  IconDevicesPlus,
  IconEdit,
  IconKeyboard,
  IconListDetails,
  IconMapPin,
  IconStethoscope,
  IconTerminal2,
  IconTrash,
  IconUser,
} from "@tabler/icons-react";
import type { Icon } from "@tabler/icons-react";
import type { useNavigate } from "@tanstack/react-router";
import type { Agent, Permission, SearchResult } from "../../api/types";
import { selftestPermission } from "../../agent/useSelftest";
import type { AgentSearch, AgentTab } from "../../lib/agentPage";
import type { Scope } from "../../lib/search";
import type { Visit } from "../../lib/visits";
import { PRESENCE } from "../../ui/looks";
import type { StateLook } from "../../ui/State";
import { FUNCTIONS } from "../functions";

/** Something that can be chosen in the palette. */
export interface Entry {
  id: string;
  icon: Icon;
  title: string;
  /** Where it is, or what it belongs to. */
  detail?: string;
  state?: StateLook;
  /** Keys that do the same. */
  keys?: readonly string[];
  /** What may not be chosen stays, with its reason. */
  permission?: Permission;
  /** What it takes a while for keeps the palette open until it is done. */
  run: () => unknown;
}

export interface Group {
  title: string;
  entries: Entry[];
}

type Navigate = ReturnType<typeof useNavigate>;

/** All pages. */
export function pageEntries(navigate: Navigate, openKeyMap: () => void): Entry[] {
  return [
    ...FUNCTIONS.map(
      ({ to, word, icon, key }): Entry => ({ id: `page-${to}`, icon, title: word, keys: ["g", key], run: () => void navigate({ to }) }),
    ),
    { id: "page-api", icon: IconApi, title: "API", keys: ["g", "p"], run: () => void navigate({ to: "/reference" }) },
    { id: "keys", icon: IconKeyboard, title: "Keyboard shortcuts", keys: ["?"], run: openKeyMap },
  ];
}

/** What can be done with the agent one looks at. */
export function agentActions(agent: Agent, navigate: Navigate, selftest: (agentId: string) => Promise<unknown>): Entry[] {
  const { command, edit, decommission } = agent.permissions;
  const go = (tab: AgentTab | undefined, dialog?: AgentSearch["dialog"]) => () =>
    void navigate({ to: "/agents/$agentId/{-$tab}", params: { agentId: agent.id, tab }, search: { dialog } });
  const on = { detail: agent.name };
  return [
    { id: "run", icon: IconTerminal2, title: "Run a command", permission: command, run: go("commands"), ...on },
    {
      id: "selftest",
      icon: IconStethoscope,
      title: "Self-test",
      permission: selftestPermission(agent, false),
      run: () => selftest(agent.id),
      ...on,
    },
    { id: "rename", icon: IconEdit, title: "Change the display name", permission: edit, run: go(undefined, "rename"), ...on },
    { id: "move", icon: IconMapPin, title: "Move to another site", permission: edit, run: go(undefined, "move"), ...on },
    { id: "inventory", icon: IconListDetails, title: "Inventory", run: go("inventory"), ...on },
    { id: "activity", icon: IconActivity, title: "Activity", run: go("activity"), ...on },
    { id: "decommission", icon: IconTrash, title: "Decommission", permission: decommission, run: go(undefined, "decommission"), ...on },
  ];
}

/** What can be done wherever one is. */
export function generalActions(scope: Scope, navigate: Navigate, enroll: Permission | undefined): Entry[] {
  return [
    {
      id: "enroll",
      icon: IconDevicesPlus,
      title: "Enroll a machine",
      ...(enroll ? { permission: enroll } : {}),
      run: () => void navigate({ to: "/agents/enroll", search: scope }),
    },
  ];
}

function agentEntry(id: string, title: string, detail: string, navigate: Navigate): Entry {
  return {
    id: `agent-${id}`,
    icon: IconDeviceDesktop,
    title,
    detail,
    run: () => void navigate({ to: "/agents/$agentId/{-$tab}", params: { agentId: id }, search: {} }),
  };
}

function placeEntry(kind: "organization" | "site", id: string, title: string, scope: Scope, detail: string, navigate: Navigate): Entry {
  return {
    id: `${kind}-${id}`,
    icon: kind === "site" ? IconMapPin : IconBuilding,
    title,
    detail,
    run: () => void navigate({ to: "/agents", search: scope }),
  };
}

/** What was looked at lately. */
export function visitEntries(visits: readonly Visit[], navigate: Navigate): Entry[] {
  return visits.map(({ kind, id, name, place }) =>
    kind === "agent"
      ? agentEntry(id, name, place, navigate)
      : placeEntry("organization", id, name, { organization_id: id }, place, navigate),
  );
}

/** What the server found, by kind. */
export function foundGroups({ agents, organizations, sites, users }: SearchResult, navigate: Navigate): Group[] {
  const groups: Group[] = [
    {
      title: "Agents",
      entries: agents.map(({ id, name, hostname, organization_name, site_name, presence }) => ({
        ...agentEntry(id, name, `${name === hostname ? "" : `${hostname}, `}${organization_name} › ${site_name}`, navigate),
        state: PRESENCE[presence],
      })),
    },
    {
      title: "Organizations",
      entries: organizations.map(({ id, name }) => placeEntry("organization", id, name, { organization_id: id }, "", navigate)),
    },
    {
      title: "Sites",
      entries: sites.map(({ id, name, organization_id, organization_name }) =>
        placeEntry("site", id, name, { organization_id, site_id: id }, organization_name, navigate),
      ),
    },
    {
      title: "Users",
      entries: users.map(({ id, name, email }) => ({
        id: `user-${id}`,
        icon: IconUser,
        title: name,
        detail: `${email}, what they did`,
        run: () => void navigate({ to: "/audit", search: { actor: email } }),
      })),
    },
  ];
  return groups.filter(({ entries }) => entries.length > 0);
}
