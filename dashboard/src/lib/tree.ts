import type { Organization, Site, Spine, SpineAgent } from "../api/types";
import type { Scope } from "./search";

/** What a line of the tree stands for. */
export type TreeNode =
  | { kind: "all" }
  | { kind: "organization"; organization: Organization }
  | { kind: "site"; site: Site }
  | { kind: "server"; server: SpineAgent }
  /** Servers of a site beyond those that are named, or all its other machines. */
  | { kind: "rest"; site: Site; total: number; attention: number; servers: boolean }
  | { kind: "note"; words: string };

/** A line of the tree as it is shown, with its place in it. */
export interface TreeLine {
  key: string;
  parent: string | undefined;
  level: number;
  /** Among its siblings, from 1. */
  position: number;
  siblings: number;
  /** Absent: nothing can be below it. */
  open?: boolean;
  node: TreeNode;
}

/** The sites of an organization, as far as they are listed. */
export interface SiteList {
  items: readonly Site[];
  /** Whether there are others. */
  more: boolean;
}

/** What is known of the places; absent while it is loaded, `failed` where it could not be. */
export interface Places {
  organizations: readonly Organization[];
  sitesOf: (organizationId: string) => SiteList | "failed" | undefined;
  spineOf: (siteId: string) => Spine | "failed" | undefined;
  isOpen: (id: string) => boolean;
}

type Child = Pick<TreeLine, "key" | "node"> & { open?: boolean; below?: () => Child[] };

const FAILED = "Could not be loaded. It is asked for again when you open this again.";

function noteBelow(id: string, words: string): Child {
  return { key: `note-${id}`, node: { kind: "note", words } };
}

function spineChildren(site: Site, spine: Spine | "failed" | undefined): Child[] {
  if (!spine || spine === "failed") return [noteBelow(site.id, spine ? FAILED : "Loading…")];
  const { servers, more_servers, others } = spine;
  const rest = (name: string, total: number, attention: number, isServers: boolean): Child[] =>
    total > 0 ? [{ key: `${name}-${site.id}`, node: { kind: "rest", site, total, attention, servers: isServers } }] : [];
  const children = [
    ...servers.map((server): Child => ({ key: server.id, node: { kind: "server", server } })),
    ...rest("more", more_servers, 0, true),
    ...rest("others", others.total, others.attention, false),
  ];
  return children.length > 0 ? children : [noteBelow(site.id, "No machine is enrolled here.")];
}

function siteChildren(organization: Organization, { sitesOf, spineOf, isOpen }: Places): Child[] {
  const sites = sitesOf(organization.id);
  if (!sites || sites === "failed") return [noteBelow(organization.id, sites ? FAILED : "Loading…")];
  const children = sites.items.map(
    (site): Child => ({
      key: site.id,
      node: { kind: "site", site },
      open: isOpen(site.id),
      below: () => spineChildren(site, spineOf(site.id)),
    }),
  );
  if (children.length === 0) return [noteBelow(organization.id, "No sites yet.")];
  return sites.more ? [...children, noteBelow(organization.id, "There are more sites: find one by its name with Ctrl+K.")] : children;
}

function lines(children: Child[], level: number, parent: string | undefined): TreeLine[] {
  return children.flatMap(({ key, node, open, below }, index) => [
    { key, parent, level, position: index + 1, siblings: children.length, node, ...(open === undefined ? {} : { open }) },
    ...(open && below ? lines(below(), level + 1, key) : []),
  ]);
}

/** The lines of the tree: organizations, in open ones their sites, in open sites their servers and a count of the rest. */
export function treeLines(places: Places): TreeLine[] {
  const organizations = places.organizations.map(
    (organization): Child => ({
      key: organization.id,
      node: { kind: "organization", organization },
      open: places.isOpen(organization.id),
      below: () => siteChildren(organization, places),
    }),
  );
  return lines([{ key: "all", node: { kind: "all" } }, ...organizations], 1, undefined);
}

/** What a key does in the tree: where the focus goes, or what opens or closes. */
export function treeKey(all: readonly TreeLine[], at: string, key: string): { focus?: string; open?: boolean } | undefined {
  const index = Math.max(0, all.findIndex((line) => line.key === at));
  const line = all[index];
  const focus = (target: TreeLine | undefined) => (target ? { focus: target.key } : {});
  switch (key) {
    case "ArrowDown":
      return focus(all[index + 1]);
    case "ArrowUp":
      return focus(all[index - 1]);
    case "Home":
      return focus(all[0]);
    case "End":
      return focus(all.at(-1));
    case "ArrowRight":
      if (line?.open === undefined) return {};
      return line.open ? focus(all[index + 1]) : { open: true };
    case "ArrowLeft":
      return line?.open ? { open: false } : focus(all.find((each) => each.key === line?.parent));
    default:
      return undefined;
  }
}

/** The scope that a line stands for; undefined when it stands for none. */
export function scopeOfNode(node: TreeNode): Scope | undefined {
  if (node.kind === "all") return {};
  if (node.kind === "organization") return { organization_id: node.organization.id };
  if (node.kind === "site") return { organization_id: node.site.organization_id, site_id: node.site.id };
  return undefined;
}
