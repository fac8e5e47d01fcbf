import { Button } from "@mantine/core";
import type { ReactNode } from "react";
import { countSelected, type Selection, type SelectionAction } from "../lib/selection";
import { formatCount } from "../lib/units";
import styles from "./BulkBar.module.css";

/** What is selected, out of how many, and what can be done with it; nothing while nothing is selected. */
export function BulkBar({ selection, matching, cleared, dispatch, children }: {
  selection: Selection;
  /** How many rows match the filter. */
  matching: number | undefined;
  /** The selection was cleared because the filter changed. */
  cleared: boolean;
  dispatch: (action: SelectionAction) => void;
  children: ReactNode;
}) {
  const count = countSelected(selection, matching);
  const shown = selection.all || (count ?? 0) > 0;
  return (
    <div role="region" aria-label="Selection" className={styles.bar} data-shown={shown || cleared || undefined}>
      <span role="status" className={styles.words}>
        {cleared ? "The filter changed: nothing is selected any more." : null}
        {shown ? (
          <>
            <strong className="num">{count === undefined ? "All" : formatCount(count)} selected</strong>
            {matching === undefined ? null : <span className="num muted"> of {formatCount(matching)} matching</span>}
          </>
        ) : null}
      </span>
      {shown ? (
        <>
          {!selection.all && matching !== undefined && matching > (count ?? 0) ? (
            <Button variant="subtle" onClick={() => dispatch({ type: "all" })}>
              Select all {formatCount(matching)} matching
            </Button>
          ) : null}
          <span className={styles.actions}>
            {children}
            <Button variant="default" onClick={() => dispatch({ type: "none" })}>
              Clear
            </Button>
          </span>
        </>
      ) : null}
    </div>
  );
}
