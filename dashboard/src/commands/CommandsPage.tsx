import { IconFilterOff, IconTerminal2 } from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { api } from "../api/client";
import { commands } from "../api/queries";
import { useScope } from "../frame/useScope";
import { exportedColumns } from "../lib/columns";
import { COMMAND_STATES, commandsSearch } from "../lib/search";
import { FilterChip } from "../ui/Chip";
import { ExportButton, ExportNotice } from "../ui/Export";
import { FilterBar, ListTools } from "../ui/FilterBar";
import { COMMAND_STATE } from "../ui/looks";
import { Empty } from "../ui/Notice";
import { PageHeader } from "../ui/PageHeader";
import { useExport } from "../ui/useExport";
import { useViews } from "../views/useViews";
import { ViewNotice } from "../views/ViewNotice";
import { ViewsMenu } from "../views/ViewsMenu";
import { CommandList, FLEET_COLUMNS } from "./CommandList";
import { CommandTabs } from "./CommandTabs";

const STATE_OPTIONS = COMMAND_STATES.map((value) => ({ value, label: COMMAND_STATE[value].word }));

/** What was run on all machines, and how it went. */
export function CommandsPage() {
  const search = useSearch({ from: "/frame/commands" });
  const { state } = search;
  const views = useViews({ page: "commands", search, parse: commandsSearch });
  const { organization_id, site_id } = useScope();
  const navigate = useNavigate();
  const { isLoadingError } = useInfiniteQuery(commands({ state, organization_id, site_id }));
  const file = useExport((signal) => {
    const query = { state, organization_id, site_id, columns: exportedColumns(FLEET_COLUMNS) };
    return api.GET("/api/commands/export", { signal, parseAs: "stream", params: { query } });
  });
  return (
    <>
      <PageHeader
        title="Commands"
        detail="newest first"
        actions={
          <ListTools>
            <ViewsMenu views={views} />
            {isLoadingError ? null : <ExportButton file={file} />}
          </ListTools>
        }
      />
      <CommandTabs />
      <FilterBar>
        <FilterChip
          label="State"
          value={state}
          options={STATE_OPTIONS}
          onChange={(value) =>
            void navigate({ to: "/commands", search: (previous) => ({ ...previous, state: value }), replace: true })
          }
        />
      </FilterBar>
      <ExportNotice file={file} />
      <ViewNotice views={views} />
      <CommandList
        query={{ state, organization_id, site_id }}
        withAgent
        empty={
          state || organization_id ? (
            <Empty icon={IconFilterOff} title="No command matches">
              Choose another state or scope.
            </Empty>
          ) : (
            <Empty icon={IconTerminal2} title="Nothing was run yet">
              Open an agent and choose Run a command. Each command is kept here with its output and its end.
            </Empty>
          )
        }
      />
    </>
  );
}
