import { useMediaQuery } from "@mantine/hooks";
import { IconArrowDown, IconArrowUp } from "@tabler/icons-react";
import { type ColumnDef, type RowData, tableFeatures, useTable } from "@tanstack/react-table";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import styles from "./DataTable.module.css";
import { usePlace } from "./usePlace";

const features = tableFeatures({});

/** A column: what stands in its cells, and how much room it wants. */
export interface Column<T> {
  id: string;
  header: string;
  cell: (row: T) => ReactNode;
  /** Share of the width in tenths; a column with `width` has that many pixels instead. */
  grow?: number;
  width?: number;
  /** From which width of the table on (in pixels) the column is shown. */
  from?: 560 | 760 | 960 | 1180;
  align?: "right";
  /** The name that the server sorts this column by. */
  sort?: string;
  /** The first press sorts from the end: the most is what one looks for. */
  mostFirst?: boolean;
}

const ROW = 32;
const ROW_ON_PHONE = 52;
/** Widest fixed column on a phone, where cells have two lines. */
const WIDTH_ON_PHONE = 150;

interface Sorting {
  by: string;
  set: (by: string) => void;
}

/** What a table shows, and how. */
export interface TableProps<T> {
  label: string;
  columns: Column<T>[];
  rows: T[];
  rowId: (row: T) => string;
  /** How many rows there are in all, where it is known. */
  total?: number | undefined;
  sort?: Sorting;
  /** Called when the reader nears the end. */
  onEnd?: () => void;
  /** Stands above the rows, inside the part that must not jump. */
  notice?: ReactNode;
  /** Stands below the last row. */
  footer?: ReactNode;
}

/** A table that keeps only the visible rows in the page; the rows' order is the server's. Back leads to the same place in it. */
export function DataTable<T extends RowData>({ label, columns, rows, rowId, total, sort, onEnd, notice, footer }: TableProps<T>) {
  const scroller = useRef<HTMLDivElement>(null);
  const phone = useMediaQuery("(max-width: 640px)", false, { getInitialValueInEffect: false });
  const height = phone ? ROW_ON_PHONE : ROW;
  const definitions = useMemo(
    () =>
      columns.map(
        ({ id, header, cell }): ColumnDef<typeof features, T> => ({ id, header, cell: ({ row }) => cell(row.original) }),
      ),
    [columns],
  );
  const table = useTable({ features, columns: definitions, data: rows, getRowId: rowId });
  const models = table.getRowModel().rows;
  const [placed, setPlaced] = useState(false);
  const { top, ...place } = usePlace(label, scroller, placed);
  const virtual = useVirtualizer({
    count: models.length,
    initialOffset: top,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    overscan: 12,
  });
  useEffect(() => virtual.measure(), [virtual, height]);

  const items = virtual.getVirtualItems();
  if (!placed && items.length > 0) setPlaced(true);
  const last = items.at(-1)?.index ?? -1;
  useEffect(() => {
    if (last >= models.length - 1 - 30) onEnd?.();
  }, [last, models.length, onEnd]);

  const before = items[0]?.start ?? 0;
  const after = virtual.getTotalSize() - (items.at(-1)?.end ?? 0);
  const byId = new Map(columns.map((column) => [column.id, column]));

  return (
    <div ref={scroller} className={styles.scroller} tabIndex={0} role="region" aria-label={label} {...place}>
      {notice}
      <table className={styles.table} aria-rowcount={total === undefined ? -1 : total + 1}>
        <colgroup>
          {columns.map(({ id, from, width, grow }) => (
            <col key={id} data-from={from} style={{ width: phone ? phoneWidth(width) : (width ?? (grow ? `${grow * 10}%` : undefined)) }} />
          ))}
        </colgroup>
        <thead>
          <tr aria-rowindex={1}>
            {columns.map((column) => (
              <HeaderCell key={column.id} column={column} sort={sort} />
            ))}
          </tr>
        </thead>
        <tbody>
          {before > 0 ? <Spacer height={before} /> : null}
          {items.map((item) => {
            const row = models[item.index];
            if (!row) return null;
            return (
              <tr key={row.id} data-row={row.id} aria-rowindex={item.index + 2} className={styles.row} style={{ height }}>
                {row.getAllCells().map((cell) => {
                  const column = byId.get(cell.column.id);
                  return (
                    <td key={cell.id} data-from={column?.from} data-align={column?.align}>
                      <table.FlexRender cell={cell} />
                    </td>
                  );
                })}
              </tr>
            );
          })}
          {after > 0 ? <Spacer height={after} /> : null}
        </tbody>
      </table>
      {footer}
    </div>
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

function phoneWidth(width: number | undefined): number | undefined {
  return width === undefined ? undefined : Math.min(width, WIDTH_ON_PHONE);
}

function Spacer({ height }: { height: number }) {
  return (
    <tr aria-hidden className={styles.spacer}>
      <td style={{ height }} />
    </tr>
  );
}
