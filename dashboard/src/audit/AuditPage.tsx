import { IconFilterOff, IconHistory } from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback } from "react";
import { api, ApiError } from "../api/client";
import { audit, auditQuery } from "../api/queries";
import { useScope } from "../frame/useScope";
import { type AuditSearch, auditSearch, OUTCOMES } from "../lib/search";
import { sentence } from "../lib/words";
import { FilterChip } from "../ui/Chip";
import { ExportButton, ExportNotice } from "../ui/Export";
import { FilterBar, ListTools } from "../ui/FilterBar";
import { Empty } from "../ui/Notice";
import { PageHeader } from "../ui/PageHeader";
import { SearchInput } from "../ui/SearchInput";
import { useExport } from "../ui/useExport";
import { DayInput } from "../ui/DayInput";
import { useViews } from "../views/useViews";
import { ViewNotice } from "../views/ViewNotice";
import { ViewsMenu } from "../views/ViewsMenu";
import { AgentChip } from "./AgentChip";
import { OUTCOMES as OUTCOME_LOOKS } from "./AuditEntry";
import { AuditList } from "./AuditList";

const OUTCOME_OPTIONS = OUTCOMES.map((value) => ({ value, label: OUTCOME_LOOKS[value].word }));

/** Who did what, when, and whether they were let. */
export function AuditPage() {
  const search = useSearch({ from: "/frame/audit" });
  const views = useViews({ page: "audit", search, parse: auditSearch });
  const { organization_id } = useScope();
  const navigate = useNavigate();
  const set = useCallback(
    (change: AuditSearch) =>
      void navigate({ to: "/audit", search: (previous) => ({ ...previous, ...change }), replace: true }),
    [navigate],
  );
  const setAction = useCallback((action: string | undefined) => set({ action }), [set]);
  const setActor = useCallback((actor: string | undefined) => set({ actor }), [set]);
  const { action, actor, outcome, agent_id, from, to } = search;
  const filtered = [action, actor, outcome, agent_id, from, to, organization_id].some((value) => value !== undefined);
  const query = auditQuery({ ...search, organization_id });
  const { isLoadingError } = useInfiniteQuery(audit(query));
  const file = useExport((signal) =>
    api.GET("/api/audit/export", { signal, parseAs: "stream", params: { query } }),
  );
  return (
    <>
      <PageHeader
        title="Audit"
        detail="newest first; sealed entries are chained, so that any later change shows"
        actions={
          <ListTools>
            <ViewsMenu views={views} />
            {isLoadingError ? null : <ExportButton file={file} />}
          </ListTools>
        }
      />
      <FilterBar>
        <SearchInput label="Action, like agent." value={action} onChange={setAction} />
        <SearchInput label="Who" value={actor} onChange={setActor} />
        <FilterChip label="Result" value={outcome} options={OUTCOME_OPTIONS} onChange={(value) => set({ outcome: value })} />
        <DayInput label="From" value={from} max={to} onChange={(value) => set({ from: value })} />
        <DayInput label="To" value={to} min={from} onChange={(value) => set({ to: value })} />
        {agent_id ? <AgentChip id={agent_id} remove={() => set({ agent_id: undefined })} /> : null}
      </FilterBar>
      <ExportNotice file={file} />
      <ViewNotice views={views} />
      <AuditList
        query={query}
        what="The audit log could not be loaded."
        empty={
          filtered ? (
            <Empty icon={IconFilterOff} title="No entry matches">
              Remove a filter or choose another scope.
            </Empty>
          ) : (
            <Empty icon={IconHistory} title="Nothing was recorded yet">
              Every change, and every refused attempt at one, is listed here.
            </Empty>
          )
        }
        failed={(error) =>
          error instanceof ApiError && error.status === 403 ? (
            <Empty icon={IconHistory} title="You may not read the audit log">
              {sentence(error.message)}
            </Empty>
          ) : null
        }
      />
    </>
  );
}
