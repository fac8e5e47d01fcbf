import { Button } from "@mantine/core";
import { IconCircleCheck, IconDevicesOff, IconDevicesPlus, IconFilterOff, IconPlayerPlay } from "@tabler/icons-react";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, Outlet, useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";
import { api } from "../api/client";
import type { Hint } from "../api/events";
import { agentCount, agents } from "../api/queries";
import type { Permission } from "../api/types";
import { useRefreshOn } from "../api/useRefreshOn";
import { exportedColumns } from "../lib/columns";
import { idOf } from "../lib/pages";
import { AGENT_ORDER, agentsFilter, agentsSearch, type AgentsSearch } from "../lib/search";
import { BulkBar } from "../ui/BulkBar";
import { ColumnsMenu } from "../ui/ColumnsMenu";
import { ExportButton, ExportNotice } from "../ui/Export";
import { ListTools } from "../ui/FilterBar";
import { GatedButton } from "../ui/GatedButton";
import { LiveTable } from "../ui/LiveTable";
import { NOBODY_MISSED } from "../ui/looks";
import { Empty } from "../ui/Notice";
import { ListBody } from "../ui/ListBody";
import { usePaging } from "../ui/ListEnd";
import { PageHeader } from "../ui/PageHeader";
import { useColumns } from "../ui/useColumns";
import { useExport } from "../ui/useExport";
import { useLiveRows } from "../ui/useLiveRows";
import { useSelection } from "../ui/useSelection";
import { useViews } from "../views/useViews";
import { ViewNotice } from "../views/ViewNotice";
import { ViewsMenu } from "../views/ViewsMenu";
import { agentName, columnsIn } from "./columns";
import { AgentFilters } from "./AgentFilters";
import { FleetCounts } from "./FleetCounts";

const concernsAgents = (hint: Hint) => hint.kind === "agent" || hint.kind === "fleet";

/** The list of machines: filtered, sorted and paged by the server, live. */
export function AgentsPage() {
  const search = useSearch({ from: "/frame/agents" });
  const navigate = useNavigate({ from: "/agents" });
  const listed = agents(search);
  const list = useInfiniteQuery(listed);
  const count = useQuery(agentCount(search));
  const pages = list.data?.pages;
  const enroll = pages?.at(-1)?.permissions.create;
  // A list that was scrolled far is asked for less often: each refresh reads all of its pages.
  useRefreshOn(concernsAgents, ["agents", "list"], 2_000 + 1_000 * (pages?.length ?? 0));
  useRefreshOn(concernsAgents, ["agents", "count"], 2_000);

  const live = useLiveRows(listed.queryKey, list);
  const set = useCallback(
    (change: Partial<AgentsSearch>) =>
      void navigate({ to: ".", search: (previous: AgentsSearch) => ({ ...previous, ...change }), replace: true }),
    [navigate],
  );
  const { organization_id, site_id } = search;
  const columns = useColumns("agents", useMemo(() => columnsIn({ organization_id, site_id }), [organization_id, site_id]));
  const views = useViews({ page: "agents", search, parse: agentsSearch, columns });
  const file = useExport((signal) => {
    const query = { ...agentsFilter(search), sort: search.sort ?? AGENT_ORDER, columns: exportedColumns(columns.shown) };
    return api.GET("/api/agents/export", { signal, parseAs: "stream", params: { query } });
  });
  const { selection, cleared, dispatch } = useSelection("agents", agentsFilter(search));
  const selecting = useMemo(() => ({ selection, dispatch, nameOf: agentName }), [selection, dispatch]);
  const paging = usePaging(listed.queryKey, list);

  return (
    <>
      <PageHeader
        title="Agents"
        detail={<FleetCounts count={count.data} search={search} />}
        actions={
          <ListTools>
            <ViewsMenu views={views} />
            {list.isLoadingError ? null : (
              <>
                <ColumnsMenu {...columns} />
                <ExportButton file={file} />
              </>
            )}
            <GatedButton
              permission={enroll}
              leftSection={<IconDevicesPlus size={16} aria-hidden />}
              renderRoot={(props) => <Link to="/agents/enroll" search={search} {...props} />}
            >
              Enroll a machine
            </GatedButton>
          </ListTools>
        }
      />
      <AgentFilters search={search} set={set} />
      <ExportNotice file={file} />
      <ViewNotice views={views} />
      <ListBody
        list={list}
        isEmpty={live.rows.length === 0}
        what="The agents could not be loaded."
        lines={12}
        empty={<NoAgents search={search} enroll={enroll} />}
      >
        <LiveTable
          label="Agents"
          columns={columns.shown}
          live={live}
          rowId={idOf}
          selecting={selecting}
          total={count.data?.total}
          sort={{
            by: search.sort ?? AGENT_ORDER,
            set: (sort) => set({ sort: sort === AGENT_ORDER ? undefined : (sort as AgentsSearch["sort"]) }),
          }}
          {...paging}
        />
      </ListBody>
      <BulkBar selection={selection} matching={count.data?.total} cleared={cleared} dispatch={dispatch}>
        <Button
          leftSection={<IconPlayerPlay size={16} aria-hidden />}
          renderRoot={(props) => <Link to="/agents/run" search={search} {...props} />}
        >
          Run a command
        </Button>
      </BulkBar>
      <Outlet />
    </>
  );
}

function NoAgents({ search, enroll }: { search: AgentsSearch; enroll: Permission | undefined }) {
  const { organization_id, site_id, sort, q, presence, os_family, role, state, attention } = search;
  const others = q ?? presence ?? os_family ?? role ?? state;
  const filtered = others ?? attention;
  if (attention === "any" && others === undefined) {
    return (
      <Empty
        icon={IconCircleCheck}
        title="No machine needs attention"
        action={
          <Button
            variant="default"
            renderRoot={(props) => <Link to="/agents" search={{ organization_id, site_id, sort }} {...props} />}
          >
            Show all machines
          </Button>
        }
      >
        {NOBODY_MISSED}
      </Empty>
    );
  }
  if (filtered) {
    return (
      <Empty
        icon={IconFilterOff}
        title="No agent matches these filters"
        action={
          <Button
            variant="default"
            renderRoot={(props) => <Link to="/agents" search={{ organization_id, site_id, sort }} {...props} />}
          >
            Remove the filters
          </Button>
        }
      >
        {organization_id ? "Only the chosen organization or site is searched." : "All organizations were searched."}
      </Empty>
    );
  }
  return (
    <Empty
      icon={IconDevicesOff}
      title={site_id ? "No machine is enrolled at this site" : organization_id ? "No machine of this organization is enrolled" : "No machine is enrolled yet"}
      action={
        <GatedButton permission={enroll} renderRoot={(props) => <Link to="/agents/enroll" search={search} {...props} />}>
          Enroll a machine
        </GatedButton>
      }
    >
      An enrollment token lets a machine join a site. Make one, run its one-line command on the machine, and the machine
      appears here within seconds.
    </Empty>
  );
}
