import { IconArrowLeft, IconCircleCheck, IconDevicesOff } from "@tabler/icons-react";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import { softwareCoverage, softwareUnknown } from "../api/queries";
import type { UnknownSoftware } from "../api/types";
import { idOf, mergePages } from "../lib/pages";
import { UNKNOWN_STANDINGS, type UnknownSearch } from "../lib/search";
import { unknownWithIds } from "../lib/software";
import { Age } from "../ui/Age";
import { FilterChip } from "../ui/Chip";
import { type Column, DataTable } from "../ui/DataTable";
import { FilterBar } from "../ui/FilterBar";
import { AGENT_STATE, STANDING } from "../ui/looks";
import { Empty } from "../ui/Notice";
import { ListBody } from "../ui/ListBody";
import { usePaging } from "../ui/ListEnd";
import { PageHeader } from "../ui/PageHeader";
import { State } from "../ui/State";
import { TwoLines } from "../ui/TwoLines";
import { Coverage } from "./Coverage";
import styles from "./Software.module.css";

const STANDING_OPTIONS = UNKNOWN_STANDINGS.map((value) => ({ value, label: STANDING[value].word }));

/** The agents whose software is not known, and why: they may have what the search does not list. */
export function UnknownPage() {
  const search = useSearch({ from: "/frame/software/unknown" });
  const navigate = useNavigate({ from: "/software/unknown" });
  const listed = softwareUnknown(search);
  const list = useInfiniteQuery(listed);
  const rows = useMemo(() => mergePages(unknownWithIds(list.data?.pages ?? [])), [list.data]);
  const paging = usePaging(listed.queryKey, list);
  return (
    <>
      <div className={styles.back}>
        <Link to="/software">
          <IconArrowLeft size={13} aria-hidden /> Software
        </Link>
      </div>
      <PageHeader title="Agents whose software is not known" detail={<Coverage {...search} />} />
      <FilterBar>
        <FilterChip
          label="Why"
          value={search.standing}
          options={STANDING_OPTIONS}
          onChange={(standing) =>
            void navigate({ to: ".", search: (previous: UnknownSearch) => ({ ...previous, standing }), replace: true })
          }
        />
      </FilterBar>
      <ListBody
        list={list}
        isEmpty={rows.length === 0}
        what="The agents could not be loaded."
        lines={10}
        empty={<NoneUnknown search={search} />}
      >
        <DataTable label="Agents whose software is not known" columns={COLUMNS} rows={rows} rowId={idOf} {...paging} />
      </ListBody>
    </>
  );
}

/** Why the list is empty: where there are no agents at all, nothing is known of them either. */
function NoneUnknown({ search }: { search: UnknownSearch }) {
  const { organization_id, site_id, standing } = search;
  const { data } = useQuery(softwareCoverage({ organization_id, site_id }));
  if (data?.agents === 0) {
    return (
      <Empty icon={IconDevicesOff} title="No agents here">
        {organization_id ? "The chosen organization or site has none. Enroll one, or look elsewhere." : "Enroll a machine, and its software is listed within minutes."}
      </Empty>
    );
  }
  return (
    <Empty icon={IconCircleCheck} title={standing ? "No agent for this reason" : "The software of every agent here is known"}>
      {organization_id ? "Only the chosen organization or site was looked at." : "All organizations were looked at."}
    </Empty>
  );
}

type Row = UnknownSoftware & { id: string };

const COLUMNS: Column<Row>[] = [
  {
    id: "agent",
    header: "Agent",
    grow: 2.4,
    cell: (row) => (
      <TwoLines
        below={
          <>
            {row.organization_name} › {row.site_name}
          </>
        }
      >
        <Link to="/agents/$agentId/{-$tab}" params={{ agentId: row.agent_id, tab: "inventory" }} data-row-link title={row.agent_name}>
          {row.agent_name}
        </Link>
      </TwoLines>
    ),
  },
  {
    id: "standing",
    header: "Its software",
    width: 170,
    cell: (row) => <State look={row.state === "active" ? STANDING[row.standing] : AGENT_STATE[row.state]} />,
  },
  {
    id: "problem",
    header: "Problem",
    from: 760,
    grow: 3,
    cell: (row) => <span title={row.problem ?? undefined}>{row.problem ?? <span className="muted">–</span>}</span>,
  },
  { id: "seen", header: "Last seen", from: 560, width: 130, cell: (row) => <Moment at={row.last_seen_at} /> },
  { id: "read", header: "Last reported", from: 960, width: 130, cell: (row) => <Moment at={row.collected_at} /> },
  { id: "organization", header: "Organization", from: 760, grow: 1.6, cell: (row) => <span title={row.organization_name}>{row.organization_name}</span> },
  { id: "site", header: "Site", from: 960, grow: 1.4, cell: (row) => <span title={row.site_name}>{row.site_name}</span> },
];

function Moment({ at }: { at: string | null | undefined }) {
  return at ? <Age at={at} /> : <span className="muted">never</span>;
}
