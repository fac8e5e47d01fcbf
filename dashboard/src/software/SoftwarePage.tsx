import { Button } from "@mantine/core";
import { IconFilterOff, IconPackages } from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";
import { softwareTitles } from "../api/queries";
import type { SoftwareTitle } from "../api/types";
import { idOf, mergePages } from "../lib/pages";
import { type SoftwareSearch, softwareSearch, TITLE_SOURCES, type VersionSearch } from "../lib/search";
import { SOURCE_WORDS, spreadWords, titlesWithIds } from "../lib/software";
import { formatCount } from "../lib/units";
import { FilterChip } from "../ui/Chip";
import { type Column, DataTable } from "../ui/DataTable";
import { FilterBar, ListTools } from "../ui/FilterBar";
import { Empty } from "../ui/Notice";
import { ListBody } from "../ui/ListBody";
import { usePaging } from "../ui/ListEnd";
import { PageHeader } from "../ui/PageHeader";
import { SearchInput } from "../ui/SearchInput";
import { TwoLines } from "../ui/TwoLines";
import { useViews } from "../views/useViews";
import { ViewNotice } from "../views/ViewNotice";
import { ViewsMenu } from "../views/ViewsMenu";
import { Coverage } from "./Coverage";
import { VersionFilters } from "./VersionFilters";

const SOURCE_OPTIONS = TITLE_SOURCES.map((value) => ({ value, label: SOURCE_WORDS[value] }));

/** What is installed in the fleet, by name: on how many agents, and in which versions. */
export function SoftwarePage() {
  const search = useSearch({ from: "/frame/software" });
  const navigate = useNavigate({ from: "/software" });
  const views = useViews({ page: "software", search, parse: softwareSearch });
  const listed = softwareTitles(search);
  const list = useInfiniteQuery(listed);
  const rows = useMemo(() => mergePages(titlesWithIds(list.data?.pages ?? [])), [list.data]);
  const set = useCallback(
    (change: Partial<SoftwareSearch>) =>
      void navigate({ to: ".", search: (previous: SoftwareSearch) => ({ ...previous, ...change }), replace: true }),
    [navigate],
  );
  const setName = useCallback((q: string | undefined) => set({ q }), [set]);
  const setPublisher = useCallback((publisher: string | undefined) => set({ publisher }), [set]);
  const { below, at_least } = search;
  const columns = useMemo(() => columnsFor({ below, at_least }), [below, at_least]);
  const paging = usePaging(listed.queryKey, list);
  return (
    <>
      <PageHeader
        title="Software"
        detail={<Coverage {...search} />}
        actions={
          <ListTools>
            <ViewsMenu views={views} />
          </ListTools>
        }
      />
      <FilterBar>
        <SearchInput label="Find a program" value={search.q} onChange={setName} />
        <VersionFilters search={search} set={set} />
        <SearchInput label="Publisher" width={160} value={search.publisher} onChange={setPublisher} />
        <FilterChip label="Source" value={search.source} options={SOURCE_OPTIONS} onChange={(source) => set({ source })} />
      </FilterBar>
      <ViewNotice views={views} />
      <ListBody
        list={list}
        isEmpty={rows.length === 0}
        what="The software could not be searched."
        lines={12}
        empty={<Nothing search={search} />}
      >
        <DataTable label="Software" columns={columns} rows={rows} rowId={idOf} {...paging} />
      </ListBody>
    </>
  );
}

function Nothing({ search }: { search: SoftwareSearch }) {
  const { organization_id, site_id, q, publisher, source, below, at_least } = search;
  if ([q, publisher, source, below, at_least].some((value) => value !== undefined)) {
    return (
      <Empty
        icon={IconFilterOff}
        title="No agent is known to have such software"
        action={
          <Button
            variant="default"
            renderRoot={(props) => <Link to="/software" search={{ organization_id, site_id }} {...props} />}
          >
            Remove the filters
          </Button>
        }
      >
        {below ?? at_least ? "Agents that cannot tell the version of a program are left out. " : ""}
        {organization_id ? "Only the chosen organization or site was searched." : "All organizations were searched."} Agents whose
        software is not known, as counted above, may have it all the same.
      </Empty>
    );
  }
  return (
    <Empty icon={IconPackages} title="No agent here has reported its software yet">
      Each agent does so within minutes after it has connected.
    </Empty>
  );
}

function columnsFor(versions: VersionSearch): Column<SoftwareTitle & { id: string }>[] {
  return [
    {
      id: "name",
      header: "Name",
      grow: 3.4,
      cell: (title) => (
        <TwoLines below={spreadWords(title)}>
          <Link to="/software/title" search={{ title: title.name, source: title.source, ...versions }} data-row-link title={title.name}>
            {title.name}
          </Link>
        </TwoLines>
      ),
    },
    { id: "agents", header: "Agents", width: 84, align: "right", cell: (title) => <span className="num">{formatCount(title.agents)}</span> },
    {
      id: "versions",
      header: "Versions",
      from: 560,
      grow: 3.2,
      cell: (title) => {
        const words = spreadWords(title);
        return (
          <span className="num" title={words}>
            {words}
          </span>
        );
      },
    },
    {
      id: "publisher",
      header: "Publisher",
      from: 960,
      grow: 2,
      cell: (title) => {
        const words = title.publishers.join(", ");
        return <span title={words || undefined}>{words || <span className="muted">–</span>}</span>;
      },
    },
    { id: "source", header: "Source", from: 760, width: 92, cell: (title) => SOURCE_WORDS[title.source] },
  ];
}
