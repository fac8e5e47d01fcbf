import { useInfiniteQuery } from "@tanstack/react-query";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import { audit, type AuditQuery } from "../api/queries";
import type { AuditEntry } from "../api/types";
import { idOf } from "../lib/pages";
import { ListBody } from "../ui/ListBody";
import { usePaging } from "../ui/ListEnd";
import { useActiveRow } from "../ui/useActiveRow";
import { type LiveTableRows, useLiveRows } from "../ui/useLiveRows";
import { usePlace } from "../ui/usePlace";
import { WaitingChanges } from "../ui/WaitingChanges";
import { Entry, EntryHeads } from "./AuditEntry";
import styles from "./AuditList.module.css";

const LABEL = "Audit entries";
/** How high an entry is before it is measured, in pixels. */
const LINE = 33;

/** Audit entries, newest first. None moves under the pointer or the focus, and only those in sight are in the page. */
export function AuditList({ query, ofOne = false, what, empty, failed }: {
  query: AuditQuery;
  /** It is about one agent alone. */
  ofOne?: boolean;
  /** What is said when they could not be loaded. */
  what: string;
  empty: ReactNode;
  failed: (error: unknown) => ReactNode;
}) {
  const listed = audit(query);
  const list = useInfiniteQuery(listed);
  const live = useLiveRows(listed.queryKey, list);
  const paging = usePaging(listed.queryKey, list);
  return (
    <ListBody list={list} isEmpty={live.rows.length === 0} what={what} empty={empty} failed={failed}>
      <Entries live={live} ofOne={ofOne} paging={paging} isWhole={!list.hasNextPage} />
    </ListBody>
  );
}

function Entries({ live: { rows, waiting, hold, apply }, ofOne, paging: { of, isOld, onEnd, footer }, isWhole }: {
  live: LiveTableRows<AuditEntry>;
  ofOne: boolean;
  paging: ReturnType<typeof usePaging>;
  /** There is nothing after the last row. */
  isWhole: boolean;
}) {
  const scroller = useRef<HTMLDivElement>(null);
  const [placed, setPlaced] = useState(false);
  const { top, ...place } = usePlace({ label: LABEL, of, isOld, scroller, shown: placed });
  const ids = useMemo(() => rows.map(idOf), [rows]);
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set());
  const virtual = useVirtualizer({
    count: rows.length,
    initialOffset: top,
    getScrollElement: () => scroller.current,
    estimateSize: () => LINE,
    getItemKey: (index) => ids[index] ?? index,
    overscan: 12,
  });
  const items = virtual.getVirtualItems();
  if (!placed && items.length > 0) setPlaced(true);
  const last = items.at(-1)?.index ?? -1;
  useEffect(() => {
    if (last >= rows.length - 1 - 30) onEnd();
  }, [last, rows.length, onEnd]);
  const keys = useActiveRow({ scroller, ids: isOld ? NO_IDS : ids, virtual, height: LINE, selectable: false, toggle: nothing, extend: nothing });
  const turn = (id: string) =>
    setOpened((known) => {
      const next = new Set(known);
      if (!next.delete(id)) next.add(id);
      return next;
    });
  return (
    <div className={styles.hold} {...hold}>
      <div ref={scroller} className={styles.scroller} tabIndex={0} role="region" aria-label={LABEL} aria-busy={isOld} {...place} {...keys}>
        <EntryHeads />
        <WaitingChanges count={waiting} apply={apply} />
        <ol
          className={styles.list}
          inert={isOld}
          style={{ paddingTop: items[0]?.start ?? 0, paddingBottom: virtual.getTotalSize() - (items.at(-1)?.end ?? 0) }}
        >
          {items.map(({ index }) => {
            const [entry, id] = [rows[index], ids[index]];
            if (entry === undefined || id === undefined) return null;
            return (
              <li
                key={id}
                ref={virtual.measureElement}
                data-index={index}
                data-row={id}
                aria-posinset={index + 1}
                aria-setsize={isWhole ? rows.length : -1}
                className={styles.entry}
              >
                <Entry entry={entry} ofOne={ofOne} isOpen={opened.has(id)} turn={() => turn(id)} />
              </li>
            );
          })}
        </ol>
        <div className={styles.end}>
          {footer}
          {isWhole && !isOld ? <span className="muted">That is all.</span> : null}
        </div>
      </div>
    </div>
  );
}

const NO_IDS: string[] = [];
/** Entries are not selected. */
const nothing = () => undefined;
