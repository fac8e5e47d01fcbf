import { keepPreviousData, useQueries, useQuery } from "@tanstack/react-query";
import { useMatch } from "@tanstack/react-router";
import { type KeyboardEvent, useRef, useState } from "react";
import { agent, organizations, sites } from "../api/queries";
import type { Site } from "../api/types";
import { scopeOfNode, type SiteList, type TreeLine, treeKey, treeLines } from "../lib/tree";
import { Failure } from "../ui/Notice";
import { SearchInput } from "../ui/SearchInput";
import { spine } from "./queries";
import styles from "./ScopeTree.module.css";
import { TreeItem } from "./TreeItem";
import { useScope, useSetScope } from "./useScope";

/** Organizations, their sites and the servers in them, with their state. Choosing a place scopes the page that is open. */
export function ScopeTree({ onChoose }: { onChoose?: () => void }) {
  const [q, setQ] = useState<string>();
  const scope = useScope();
  const setScope = useSetScope();
  const here = useHere();
  const list = useQuery({ ...organizations(q), placeholderData: keepPreviousData });
  const { lines, open } = useLines(list.data?.items, here);
  const tree = useRef<HTMLDivElement>(null);
  const [focus, setFocus] = useState("all");
  const focused = lines.some(({ key }) => key === focus) ? focus : "all";

  const choose = ({ node }: TreeLine) => {
    const next = scopeOfNode(node);
    if (next) setScope(next);
    onChoose?.();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const change = treeKey(lines, focused, event.key);
    if (!change) return;
    event.preventDefault();
    if (change.open !== undefined) open(focused, change.open);
    if (change.focus === undefined) return;
    setFocus(change.focus);
    tree.current?.querySelector<HTMLElement>(`[data-line="${CSS.escape(change.focus)}"]`)?.focus();
  };
  return (
    <div className={styles.tree}>
      <SearchInput label="Find an organization" width="100%" value={q} onChange={setQ} />
      <div ref={tree} role="tree" aria-label="Places" className={styles.list} onKeyDown={onKeyDown}>
        {lines.map((line) => (
          <TreeItem
            key={line.key}
            line={line}
            tabbable={line.key === focused}
            chosen={isHere(line, scope, here.agentId)}
            onFocus={() => setFocus(line.key)}
            choose={() => choose(line)}
            fold={() => open(line.key, !line.open)}
          />
        ))}
      </div>
      {list.error && !list.data ? (
        <Failure error={list.error} what="The organizations could not be loaded." retry={() => void list.refetch()} />
      ) : null}
      {list.data?.items.length === 0 ? (
        <p className={styles.note}>{q ? "No organization has this in its name." : "There is no organization yet."}</p>
      ) : null}
      {list.data?.next_cursor ? <p className={styles.note}>There are more: type a part of the name.</p> : null}
    </div>
  );
}

interface Here {
  organizationId: string | undefined;
  siteId: string | undefined;
  agentId: string | undefined;
}

/** Where the reader is: the chosen scope, or the place of the agent whose page is open. */
function useHere(): Here {
  const scope = useScope();
  const agentId = useMatch({ from: "/frame/agents/$agentId/{-$tab}", shouldThrow: false, select: ({ params }) => params.agentId });
  const { data: machine } = useQuery({
    ...agent(agentId ?? ""),
    enabled: agentId !== undefined,
    select: ({ organization_id, site_id }) => ({ organization_id, site_id }),
  });
  const place = agentId === undefined ? scope : (machine ?? scope);
  return { organizationId: place.organization_id, siteId: place.site_id, agentId };
}

function isHere({ node, key }: TreeLine, scope: ReturnType<typeof useScope>, agentId: string | undefined): boolean {
  if (agentId !== undefined) return key === agentId;
  const own = scopeOfNode(node);
  return own !== undefined && own.organization_id === scope.organization_id && own.site_id === scope.site_id;
}

const toSites = ({ items, next_cursor }: { items: Site[]; next_cursor?: string | null }): SiteList => ({ items, more: Boolean(next_cursor) });

/** What was answered, also when asking again failed. */
function known<T, R>(query: { data: T | undefined; isError: boolean } | undefined, of: (data: T) => R): R | "failed" | undefined {
  if (query?.data !== undefined) return of(query.data);
  return query?.isError ? "failed" : undefined;
}

/** The lines that are shown, with what is open asked for. What one looks at is open until it is closed. */
function useLines(all: Parameters<typeof treeLines>[0]["organizations"] | undefined, { organizationId, siteId }: Here) {
  const [opened, setOpened] = useState<ReadonlyMap<string, boolean>>(new Map());
  const isOpen = (id: string) => opened.get(id) ?? (id === organizationId || id === siteId);
  const openOrganizations = (all ?? []).map(({ id }) => id).filter(isOpen);
  const siteLists = useQueries({ queries: openOrganizations.map((id) => sites(id)) });
  const sitesOf = new Map(openOrganizations.map((id, index) => [id, known(siteLists[index], toSites)]));
  const openSites = siteLists.flatMap(({ data }) => (data?.items ?? []).map(({ id }) => id).filter(isOpen));
  const spines = useQueries({ queries: openSites.map((id) => spine(id)) });
  const spineOf = new Map(openSites.map((id, index) => [id, known(spines[index], (spine) => spine)]));
  const lines = treeLines({
    organizations: all ?? [],
    sitesOf: (id) => sitesOf.get(id),
    spineOf: (id) => spineOf.get(id),
    isOpen,
  });
  return { lines, open: (key: string, wanted: boolean) => setOpened(new Map(opened).set(key, wanted)) };
}
