import { memo, type MouseEvent } from "react";
import type { Column } from "./DataTable";
import styles from "./DataTable.module.css";

interface RowProps<T> {
  id: string;
  row: T;
  index: number;
  height: number;
  columns: readonly Column<T>[];
  /** Undefined where rows cannot be selected. */
  selected: boolean | undefined;
  nameOf: ((row: T) => string) | undefined;
  toggle: (id: string, extend: boolean) => void;
}

function Row<T>({ id, row, index, height, columns, selected, nameOf, toggle }: RowProps<T>) {
  return (
    <tr data-row={id} data-selected={selected || undefined} aria-rowindex={index + 2} className={styles.row} style={{ height }}>
      {selected === undefined ? null : (
        <td className={styles.box}>
          <label>
            <input
              type="checkbox"
              checked={selected}
              aria-label={`Select ${nameOf?.(row) ?? "the row"}`}
              onChange={(event) => toggle(id, (event.nativeEvent as Event & Partial<MouseEvent>).shiftKey ?? false)}
            />
          </label>
        </td>
      )}
      {columns.map((column) => (
        <td key={column.id} data-from={column.from} data-align={column.align}>
          {column.cell(row)}
        </td>
      ))}
    </tr>
  );
}

/** One row. While others change or the table scrolls, it is left alone. */
export const DataRow = memo(Row) as typeof Row;
