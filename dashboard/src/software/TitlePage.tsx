import { Button } from "@mantine/core";
import { IconArrowLeft, IconFilterOff, IconPackageOff } from "@tabler/icons-react";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useMemo, useState } from "react";
import { softwareAgents, softwareVersions, type TitleAsked } from "../api/queries";
import type { InstalledSoftware, VersionCount } from "../api/types";
import { formatAbsolute } from "../lib/age";
import { idOf, mergePages } from "../lib/pages";
import type { TitleSearch } from "../lib/search";
import { installedWithIds, SOURCE_WORDS, versionWords } from "../lib/software";
import { formatCount } from "../lib/units";
import { Age } from "../ui/Age";
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
import { VersionFilters } from "./VersionFilters";

/** Versions that are shown before the reader asks for all. */
const FIRST_VERSIONS = 12;

/** One title: which agents have it, in which versions. */
export function TitlePage() {
  const search = useSearch({ from: "/frame/software/title" });
  const { title, source } = search;
  if (title === undefined || source === undefined) {
    return (
      <>
        <PageHeader title="No such software" />
        <Empty icon={IconPackageOff} title="The address names no software" action={<BackButton />} />
      </>
    );
  }
  return <Title key={`${source} ${title}`} search={{ ...search, title, source }} />;
}

function BackButton() {
  return (
    <Button variant="default" renderRoot={(props) => <Link to="/software" {...props} />}>
      All software
    </Button>
  );
}

function Title({ search }: { search: TitleAsked }) {
  const navigate = useNavigate({ from: "/software/title" });
  const listed = softwareAgents(search);
  const list = useInfiniteQuery(listed);
  const rows = useMemo(() => mergePages(installedWithIds(list.data?.pages ?? [])), [list.data]);
  const set = useCallback(
    (change: Partial<TitleSearch>) =>
      void navigate({ to: ".", search: (previous: TitleSearch) => ({ ...previous, ...change }), replace: true }),
    [navigate],
  );
  const paging = usePaging(listed.queryKey, list);
  const filtered = search.below ?? search.at_least ?? search.version;
  return (
    <>
      <div className={styles.back}>
        <Link to="/software">
          <IconArrowLeft size={13} aria-hidden /> Software
        </Link>
      </div>
      <PageHeader
        title={search.title}
        detail={
          <>
            <span>{SOURCE_WORDS[search.source]}</span>
            <Coverage {...search} />
          </>
        }
      />
      <FilterBar>
        <VersionFilters search={search} set={set} />
      </FilterBar>
      <Versions search={search} />
      <ListBody
        list={list}
        isEmpty={rows.length === 0}
        what="The agents could not be loaded."
        lines={10}
        empty={
          filtered ? (
            <Empty
              icon={IconFilterOff}
              title="No agent is known to have such a version"
              action={
                <Button variant="default" onClick={() => set({ below: undefined, at_least: undefined, version: undefined })}>
                  Show every version
                </Button>
              }
            >
              Agents that cannot tell the version, and agents whose software is not known, may have it all the same.
            </Empty>
          ) : (
            <Empty icon={IconPackageOff} title="No agent here is known to have it" action={<BackButton />}>
              {search.organization_id ? "Only the chosen organization or site was searched." : "All organizations were searched."}
            </Empty>
          )
        }
      >
        <DataTable label="Agents that have it" columns={COLUMNS} rows={rows} rowId={idOf} {...paging} />
      </ListBody>
    </>
  );
}

/** Every version with its agents, the newest first; each narrows the list to itself. */
function Versions({ search }: { search: TitleAsked }) {
  const { data } = useQuery(softwareVersions(search));
  const [all, setAll] = useState(false);
  if (!data || data.items.length < 2) return null;
  const shown = all ? data.items : data.items.slice(0, FIRST_VERSIONS);
  const hidden = data.items.length - shown.length;
  return (
    <ul className={styles.versions} aria-label="Versions">
      {shown.map((each) => (
        <li key={each.version ?? ""}>
          <Version each={each} search={search} />
        </li>
      ))}
      {hidden > 0 ? (
        <li>
          <Button variant="default" size="compact-xs" onClick={() => setAll(true)}>
            {data.next_cursor ? `Show the newest ${formatCount(data.items.length)} versions` : `Show all ${formatCount(data.items.length)} versions`}
          </Button>
        </li>
      ) : null}
    </ul>
  );
}

function Version({ each, search }: { each: VersionCount; search: TitleAsked }) {
  const words = (
    <>
      {versionWords(each.version)} <span className={styles.count}>× {formatCount(each.agents)}</span>
    </>
  );
  // Agents that cannot tell the version are no version to be narrowed to.
  if (each.version == null) return <span className={styles.version}>{words}</span>;
  const chosen = search.version === each.version;
  return (
    <Link
      to="/software/title"
      search={{ ...search, version: chosen ? undefined : each.version }}
      replace
      className={styles.version}
      aria-current={chosen || undefined}
    >
      {words}
    </Link>
  );
}

type Row = InstalledSoftware & { id: string };

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
    id: "version",
    header: "Version",
    grow: 2.2,
    cell: (row) => (
      <TwoLines below={<Evidence row={row} />}>
        <span className="num" title={row.version ?? undefined}>
          {row.version ?? <span className="muted">unknown</span>}
        </span>
      </TwoLines>
    ),
  },
  {
    id: "standing",
    header: "Its software",
    from: 760,
    width: 170,
    cell: (row) => <State look={row.state === "active" ? STANDING[row.standing] : AGENT_STATE[row.state]} />,
  },
  { id: "evidence", header: "As of", from: 560, width: 130, cell: (row) => <Evidence row={row} /> },
  { id: "organization", header: "Organization", from: 760, grow: 1.6, cell: (row) => <span title={row.organization_name}>{row.organization_name}</span> },
  { id: "site", header: "Site", from: 960, grow: 1.4, cell: (row) => <span title={row.site_name}>{row.site_name}</span> },
  {
    id: "publisher",
    header: "Publisher",
    from: 1180,
    grow: 1.6,
    cell: (row) => <span title={row.publisher ?? undefined}>{row.publisher ?? <span className="muted">–</span>}</span>,
  },
];

/** Until when it is known to have been so: an agent tells its software when it changes, so its last sign of life counts. */
function Evidence({ row }: { row: Row }) {
  const read = row.standing === "unread";
  return (
    <span title={`reported ${formatAbsolute(Date.parse(row.collected_at))}`}>
      <Age at={read ? row.collected_at : row.last_seen_at} />
    </span>
  );
}
