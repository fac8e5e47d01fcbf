import { DataTable, type TableProps } from "./DataTable";
import type { Identified } from "../lib/pages";
import styles from "./LiveTable.module.css";
import type { LiveTableRows } from "./useLiveRows";
import { WaitingChanges } from "./WaitingChanges";

/** A table whose rows change by themselves, but never move under the pointer or the focus. */
export function LiveTable<T extends Identified>({ live, ...table }: Omit<TableProps<T>, "rows" | "notice"> & { live: LiveTableRows<T> }) {
  const { rows, waiting, hold, apply } = live;
  return (
    <div className={styles.hold} {...hold}>
      <DataTable {...table} rows={rows} notice={<WaitingChanges count={waiting} apply={apply} />} />
    </div>
  );
}
