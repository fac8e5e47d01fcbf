import type { ReactNode } from "react";
import styles from "./PlainTable.module.css";

/** A short table that is wholly on the page. Its cells wrap rather than scroll. */
export function PlainTable<T>({ label, columns, rows, rowId }: {
  label: string;
  columns: readonly { header: string; cell: (row: T) => ReactNode; narrow?: boolean; right?: boolean; hideOnPhone?: boolean }[];
  rows: readonly T[];
  rowId: (row: T, index: number) => string;
}) {
  return (
    <table className={styles.table} aria-label={label}>
      <thead>
        <tr>
          {columns.map(({ header, narrow, right, hideOnPhone }) => (
            <th key={header} scope="col" data-narrow={narrow || undefined} data-right={right || undefined} data-phone={hideOnPhone ? "no" : undefined}>
              {header}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row, index) => (
          <tr key={rowId(row, index)}>
            {columns.map(({ header, cell, narrow, right, hideOnPhone }) => (
              <td key={header} data-narrow={narrow || undefined} data-right={right || undefined} data-phone={hideOnPhone ? "no" : undefined}>
                {cell(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
