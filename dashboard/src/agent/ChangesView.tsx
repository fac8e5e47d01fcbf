import { Button, VisuallyHidden } from "@mantine/core";
import { IconFilterOff, IconHistory } from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { inventoryChanges } from "../api/queries";
import type { Agent, InventoryChange } from "../api/types";
import { changeLines, type ChangeLine, changeName } from "../lib/changes";
import { SECTION_TITLES } from "../lib/inventory";
import { idOf } from "../lib/pages";
import { Age } from "../ui/Age";
import { FilterChip } from "../ui/Chip";
import { CHANGE } from "../ui/looks";
import { ListBody } from "../ui/ListBody";
import { Empty, Failure } from "../ui/Notice";
import { PlainTable } from "../ui/PlainTable";
import { State } from "../ui/State";
import { useLiveRows } from "../ui/useLiveRows";
import { WaitingChanges } from "../ui/WaitingChanges";
import styles from "./AgentPage.module.css";
import own from "./InventoryTab.module.css";

const FAILED = "The changes could not be loaded.";
const SECTIONS = Object.entries(SECTION_TITLES).map(([value, label]) => ({ value, label }));

/** Narrows the changes to one section. */
export function SectionFilter({ agent, section }: { agent: Agent; section: string | undefined }) {
  const navigate = useNavigate();
  const set = (value: string | undefined) =>
    void navigate({
      to: "/agents/$agentId/{-$tab}",
      params: { agentId: agent.id, tab: "inventory" },
      search: (previous) => ({ ...previous, section: value }),
      replace: true,
    });
  return <FilterChip label="Section" value={section} options={SECTIONS} onChange={set} />;
}

/** What changed in the inventory, newest first: what it was and what it is. None moves under the pointer or the focus. */
export function ChangesView({ agent, section }: { agent: Agent; section: string | undefined }) {
  const listed = inventoryChanges(agent.id, section);
  const list = useInfiniteQuery(listed);
  const { rows, waiting, hold, apply } = useLiveRows(listed.queryKey, list);
  return (
    <ListBody
      list={list}
      isEmpty={rows.length === 0}
      what={FAILED}
      failed={(error) => <Failure error={error} what={FAILED} retry={() => void list.refetch()} />}
      empty={
        section ? (
          <Empty icon={IconFilterOff} title={`Nothing of “${SECTION_TITLES[section] ?? section}” has changed`}>
            Take the filter off to see what changed elsewhere.
          </Empty>
        ) : (
          <Empty icon={IconHistory} title="Nothing has changed yet">
            The agent's first report is where the history begins. What changes after it is kept for a year.
          </Empty>
        )
      }
    >
      <div {...hold}>
        <WaitingChanges count={waiting} apply={apply} />
        <section className={styles.panel} aria-label="Changes" aria-busy={list.isPlaceholderData}>
          <PlainTable label="Changes" rows={rows} rowId={idOf} columns={COLUMNS} />
          <div className={own.more}>
            {list.hasNextPage ? (
              <Button variant="default" size="xs" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
                Load more
              </Button>
            ) : (
              <span className="muted">That is all of the last year.</span>
            )}
          </div>
        </section>
      </div>
    </ListBody>
  );
}

const COLUMNS: Parameters<typeof PlainTable<InventoryChange>>[0]["columns"] = [
  { header: "When", narrow: true, hideOnPhone: true, cell: (change) => <Age at={change.at} /> },
  { header: "What", narrow: true, hideOnPhone: true, cell: (change) => <State look={CHANGE[change.kind]} /> },
  { header: "Section", narrow: true, hideOnPhone: true, cell: (change) => SECTION_TITLES[change.section] ?? change.section },
  { header: "Change", cell: (change) => <What change={change} /> },
];

function What({ change }: { change: InventoryChange }) {
  const lines = changeLines(change);
  return (
    <>
      <div className={own.onPhone}>
        <State look={CHANGE[change.kind]} />
        <span>{SECTION_TITLES[change.section] ?? change.section}</span>
        <Age at={change.at} />
      </div>
      <div className={own.changed}>{changeName(change)}</div>
      {lines.length > 0 ? (
        <dl className={own.lines}>
          {lines.map((line) => (
            <Line key={line.field} line={line} />
          ))}
        </dl>
      ) : null}
    </>
  );
}

function Line({ line: { field, before, after } }: { line: ChangeLine }) {
  return (
    <div className={own.line}>
      {field === "" ? <VisuallyHidden component="dt">Value</VisuallyHidden> : <dt>{field}:</dt>}
      <dd>
        {before === undefined ? null : (
          <>
            <VisuallyHidden>was </VisuallyHidden>
            <span className={own.was}>{before}</span>
          </>
        )}
        {before !== undefined && after !== undefined ? <span aria-hidden> → </span> : null}
        {after === undefined ? null : (
          <>
            {before === undefined ? null : <VisuallyHidden>, is </VisuallyHidden>}
            <span>{after}</span>
          </>
        )}
      </dd>
    </div>
  );
}
