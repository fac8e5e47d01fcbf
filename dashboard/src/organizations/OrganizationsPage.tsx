import { Button } from "@mantine/core";
import { IconAlertTriangle, IconBuilding, IconFilterOff, IconPlus } from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useMemo, useState } from "react";
import { organizationList } from "../api/queries";
import type { Organization } from "../api/types";
import { idOf, mergePages } from "../lib/pages";
import { organizationsSearch } from "../lib/search";
import { formatCount } from "../lib/units";
import { Age } from "../ui/Age";
import { type Column, DataTable } from "../ui/DataTable";
import { FilterBar, ListTools } from "../ui/FilterBar";
import { GatedButton } from "../ui/GatedButton";
import { Empty } from "../ui/Notice";
import { ListBody } from "../ui/ListBody";
import { usePaging } from "../ui/ListEnd";
import { PageHeader } from "../ui/PageHeader";
import { SearchInput } from "../ui/SearchInput";
import { State } from "../ui/State";
import { useViews } from "../views/useViews";
import { ViewNotice } from "../views/ViewNotice";
import { ViewsMenu } from "../views/ViewsMenu";
import { NameDialog } from "./NameDialog";
import { createOrganization } from "./changes";

/** The customers. */
export function OrganizationsPage() {
  const search = useSearch({ from: "/frame/organizations" });
  const { q } = search;
  const views = useViews({ page: "organizations", search, parse: organizationsSearch });
  const navigate = useNavigate();
  const [making, setMaking] = useState(false);
  const listed = organizationList(q);
  const list = useInfiniteQuery(listed);
  const rows = useMemo(() => mergePages(list.data?.pages ?? []), [list.data]);
  const paging = usePaging(listed.queryKey, list);
  const setText = useCallback(
    (text: string | undefined) =>
      void navigate({ to: "/organizations", search: (previous) => ({ ...previous, q: text }), replace: true }),
    [navigate],
  );
  const add = (
    <GatedButton
      permission={list.data?.pages.at(-1)?.permissions.create}
      leftSection={<IconPlus size={16} aria-hidden />}
      onClick={() => setMaking(true)}
    >
      New organization
    </GatedButton>
  );
  return (
    <>
      <PageHeader
        title="Organizations"
        actions={
          <>
            <ListTools>
              <ViewsMenu views={views} />
            </ListTools>
            {add}
          </>
        }
      />
      <FilterBar>
        <SearchInput label="Find an organization by name" width={260} value={q} onChange={setText} />
      </FilterBar>
      <ViewNotice views={views} />
      <ListBody
        list={list}
        isEmpty={rows.length === 0}
        what="The organizations could not be loaded."
        empty={
          q ? (
            <Empty
              icon={IconFilterOff}
              title="No organization has this in its name"
              action={
                <Button variant="default" onClick={() => setText(undefined)}>
                  Show all organizations
                </Button>
              }
            />
          ) : (
            <Empty icon={IconBuilding} title="There is no organization yet" action={add}>
              An organization is a customer: it has sites, and machines join a site.
            </Empty>
          )
        }
      >
        <DataTable label="Organizations" columns={COLUMNS} rows={rows} rowId={idOf} {...paging} />
      </ListBody>
      {making ? (
        <NameDialog
          title="New organization"
          label="Name"
          action="Create the organization"
          save={createOrganization}
          onDone={(made) => {
            setMaking(false);
            void navigate({ to: "/organizations/$organizationId", params: { organizationId: made.id } });
          }}
          onClose={() => setMaking(false)}
        />
      ) : null}
    </>
  );
}

const COLUMNS: Column<Organization>[] = [
  {
    id: "name",
    header: "Name",
    grow: 5,
    cell: (each) => (
      <Link to="/organizations/$organizationId" params={{ organizationId: each.id }} data-row-link title={each.name}>
        {each.name}
      </Link>
    ),
  },
  { id: "attention", header: "Need attention", width: 130, cell: (each) => <Needing organization={each} /> },
  { id: "sites", header: "Sites", from: 560, width: 80, align: "right", cell: (each) => <span className="num">{formatCount(each.site_count)}</span> },
  { id: "agents", header: "Agents", width: 90, align: "right", cell: (each) => <span className="num">{formatCount(each.agent_count)}</span> },
  { id: "made", header: "Created", from: 560, width: 150, cell: (each) => <Age at={each.created_at} /> },
];

/** How many of its machines need somebody, and the way to them. */
function Needing({ organization: { id, attention_count, agent_count } }: { organization: Organization }) {
  if (attention_count === 0) return <span className="muted">{agent_count === 0 ? "–" : "none"}</span>;
  return (
    <Link to="/agents" search={{ organization_id: id, attention: "any" }} aria-label={`${formatCount(attention_count)} need attention`}>
      <State look={{ family: "warn", word: formatCount(attention_count), icon: IconAlertTriangle }} />
    </Link>
  );
}
