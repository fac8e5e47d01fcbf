import { useMediaQuery } from "@mantine/hooks";
import { IconArrowDown, IconArrowUp } from "@tabler/icons-react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { isSelected, rangeOf, type Selection, type SelectionAction } from "../lib/selection";
import { roomOf } from "../lib/room";
import styles from "./DataTable.module.css";
import { DataRow } from "./DataRow";
import { useActiveRow } from "./useActiveRow";
import { usePlace } from "./usePlace";

/** A column: what stands in its cells, and how much room it wants. */
export interface Column<T> {
  id: string;
  header: string;
  cell: (row: T) => ReactNode;
  /** Share of the room that is left; a column with `width` has that many pixels instead. One with neither takes the rest. */
  grow?: number;
  width?: number;
  /** From which width of the table on (in pixels) the column is shown. */
  from?: 560 | 760 | 960 | 1180;
  align?: "right";
  /** What the server calls the same in a file of the list; without it the file has nothing of it. */
  exports?: readonly string[];
  /** The name that the server sorts this column by. */
  sort?: string;
  /** The first press sorts from the end: the most is what one looks for. */
  mostFirst?: boolean;
  /** What the row is called; it cannot be left out. */
  fixed?: boolean;
  /** Shown only when it is chosen. */
  off?: boolean;
  /** Not there in every scope: where all rows would say the same it is left out. */
  scoped?: boolean;
}

const NO_IDS: string[] = [];
const ROW = 32;
const ROW_ON_PHONE = 52;
const HEADER = 32;
/** Widest fixed column on a phone, where cells have two lines. */
const WIDTH_ON_PHONE = 150;
/** The column of boxes. */
const BOX = 44;

interface Sorting {
  by: string;
  set: (by: string) => void;
}

/** Rows can be selected: what is, and how it changes. */
interface Selecting<T> {
  selection: Selection;
  dispatch: (action: SelectionAction) => void;
  /** What a row is called. The same function between renderings. */
  nameOf: (row: T) => string;
}

/** What a table shows, and how. */
export interface TableProps<T> {
  label: string;
  /** The same array as long as the columns stay the same: a new one renders every row anew. */
  columns: readonly Column<T>[];
  rows: readonly T[];
  /** The same function between renderings. */
  rowId: (row: T) => string;
  /** How many rows there are in all, where it is known. */
  total?: number | undefined;
  sort?: Sorting;
  selecting?: Selecting<T> | undefined;
  /** Which list the rows are of, filter and order included: another one begins at its top. */
  of: string;
  /** The rows are still those of the list before. They stay in sight, and nothing can be done with them. */
  isOld?: boolean;
  /** Called when the reader nears the end. */
  onEnd?: () => void;
  /** Stands above the rows, inside the part that must not jump. */
  notice?: ReactNode;
  /** Stands below the last row. */
  footer?: ReactNode;
}

/**
 * A table that keeps only the visible rows in the page; the rows' order is the server's. Back leads to the same place in
 * it. A row is rendered again only when it, or whether it is selected, changed.
 */
export function DataTable<T>({ label, columns, rows, rowId, total, sort, selecting, of, isOld = false, onEnd, notice, footer }: TableProps<T>) {
  const scroller = useRef<HTMLDivElement>(null);
  const phone = useMediaQuery("(max-width: 640px)", false, { getInitialValueInEffect: false });
  const height = phone ? ROW_ON_PHONE : ROW;
  const [placed, setPlaced] = useState(false);
  const { top, ...place } = usePlace({ label, of, isOld, scroller, shown: placed });
  const virtual = useVirtualizer({
    count: rows.length,
    initialOffset: top,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    overscan: 12,
    // The header lies over the first rows and takes its height from the end.
    scrollPaddingEnd: HEADER,
  });
  useEffect(() => virtual.measure(), [virtual, height]);

  const items = virtual.getVirtualItems();
  if (!placed && items.length > 0) setPlaced(true);
  const last = items.at(-1)?.index ?? -1;
  useEffect(() => {
    if (last >= rows.length - 1 - 30) onEnd?.();
  }, [last, rows.length, onEnd]);

  const before = items[0]?.start ?? 0;
  const after = virtual.getTotalSize() - (items.at(-1)?.end ?? 0);

  const ids = useMemo(() => rows.map(rowId), [rows, rowId]);
  const selection = selecting?.selection;
  const selectable = selecting !== undefined;
  const room = useMemo(() => roomOf(columns, selectable ? BOX : 0, phone ? WIDTH_ON_PHONE : undefined), [columns, selectable, phone]);
  const { toggle, extend } = usePicking(ids, selecting);
  const keys = useActiveRow({ scroller, ids: isOld ? NO_IDS : ids, virtual, height, selectable: selecting !== undefined, toggle, extend });

  return (
    <div ref={scroller} className={styles.scroller} tabIndex={0} role="region" aria-label={label} aria-busy={isOld} {...place} onKeyDown={keys.onKeyDown}>
      {notice}
      <p className="sr" role="status">
        {isOld ? "Loading other rows" : ""}
      </p>
      <table className={styles.table} data-room={room ? true : undefined} style={room} aria-rowcount={total === undefined ? -1 : total + 1}>
        <colgroup>
          {selection ? <col style={{ width: BOX }} /> : null}
          {columns.map(({ id, from, width, grow }) => (
            <col key={id} data-from={from} style={{ width: widthOf(width, grow, room !== undefined, phone) }} />
          ))}
        </colgroup>
        <thead>
          <tr aria-rowindex={1}>
            {selecting ? <HeaderBox ids={isOld ? NO_IDS : ids} selecting={selecting} /> : null}
            {columns.map((column) => (
              <HeaderCell key={column.id} column={column} sort={sort} />
            ))}
          </tr>
        </thead>
        <tbody inert={isOld}>
          {before > 0 ? <Spacer height={before} /> : null}
          {items.map((item) => {
            const row = rows[item.index];
            const id = ids[item.index];
            if (row === undefined || id === undefined) return null;
            return (
              <DataRow
                key={id}
                id={id}
                row={row}
                index={item.index}
                height={height}
                columns={columns}
                selected={selection ? isSelected(selection, id) : undefined}
                nameOf={selecting?.nameOf}
                toggle={toggle}
              />
            );
          })}
          {after > 0 ? <Spacer height={after} /> : null}
        </tbody>
      </table>
      {footer}
    </div>
  );
}

/** How rows are selected one by one and in ranges. The functions stay the same between renderings. */
function usePicking<T>(ids: readonly string[], selecting: Selecting<T> | undefined) {
  /** The row that was picked last, from which a range begins, and what came of it. */
  const anchor = useRef<{ id: string; on: boolean }>(undefined);
  const latest = useRef({ ids, selecting });
  useEffect(() => {
    latest.current = { ids, selecting };
  });
  /** Turns a row over; in a range, all from the row that was turned over last take that one's state. */
  const toggle = useCallback((id: string, range: boolean) => {
    const { ids, selecting } = latest.current;
    if (!selecting) return;
    const { selection, dispatch } = selecting;
    if (range && anchor.current) {
      dispatch({ type: "set", ids: rangeOf(ids, anchor.current.id, id), on: anchor.current.on });
      return;
    }
    anchor.current = { id, on: !isSelected(selection, id) };
    dispatch({ type: "toggle", id });
  }, []);
  /** Selects the row that is left and the one that is come to. */
  const extend = useCallback((from: string, to: string) => {
    anchor.current = { id: to, on: true };
    latest.current.selecting?.dispatch({ type: "set", ids: [from, to], on: true });
  }, []);
  return { toggle, extend };
}

/** The box over all loaded rows. */
function HeaderBox<T>({ ids, selecting }: { ids: readonly string[]; selecting: Selecting<T> }) {
  const { selection, dispatch } = selecting;
  const chosen = useMemo(() => ids.reduce((count, id) => count + Number(isSelected(selection, id)), 0), [ids, selection]);
  const every = ids.length > 0 && chosen === ids.length;
  const box = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (box.current) box.current.indeterminate = chosen > 0 && !every;
  }, [chosen, every]);
  return (
    <th scope="col" className={styles.box}>
      <label>
        <input
          ref={box}
          type="checkbox"
          checked={every}
          aria-label={`Select the ${ids.length} loaded rows`}
          disabled={ids.length === 0}
          onChange={() => dispatch(every && selection.all ? { type: "none" } : { type: "set", ids, on: !every })}
        />
      </label>
    </th>
  );
}

function HeaderCell<T>({ column, sort }: { column: Column<T>; sort: Sorting | undefined }) {
  const { header, from, align, sort: name, mostFirst } = column;
  if (!name || !sort) {
    return (
      <th scope="col" data-from={from} data-align={align}>
        {header}
      </th>
    );
  }
  const direction = sort.by === name ? "ascending" : sort.by === `-${name}` ? "descending" : undefined;
  const reverse = direction === undefined ? mostFirst : direction === "ascending";
  return (
    <th scope="col" data-from={from} data-align={align} aria-sort={direction ?? "none"}>
      <button type="button" className={styles.sort} onClick={() => sort.set(reverse ? `-${name}` : name)}>
        {header}
        {direction === "ascending" ? <IconArrowUp size={13} aria-hidden /> : null}
        {direction === "descending" ? <IconArrowDown size={13} aria-hidden /> : null}
      </button>
    </th>
  );
}

function widthOf(width: number | undefined, grow: number | undefined, shared: boolean, phone: boolean): number | string | undefined {
  if (width !== undefined) return phone ? Math.min(width, WIDTH_ON_PHONE) : width;
  if (grow === undefined) return undefined;
  if (shared) return `calc((100cqi - var(--fixed)) * ${grow} / var(--grow))`;
  return phone ? undefined : `${grow * 10}%`;
}

function Spacer({ height }: { height: number }) {
  return (
    <tr aria-hidden className={styles.spacer}>
      <td style={{ height }} />
    </tr>
  );
}
