import type { ErrorComponentProps } from "@tanstack/react-router";
import { useEffect } from "react";
import { connection } from "../api/connection";
import { Failure } from "../ui/Notice";
import styles from "./Frame.module.css";
import { loadPages, PageNotLoadedError } from "./pages";

/** Stands in the place of a page that broke. A page whose code did not come is tried again when the server is back. */
export function PageFailure({ error, reset }: ErrorComponentProps) {
  const waits = error instanceof PageNotLoadedError && !error.outdated;
  useEffect(() => {
    if (!waits) return undefined;
    return connection.onReturn(() => void loadPages().then(reset));
  }, [waits, reset]);
  return (
    <div className={styles.broken}>
      {waits ? (
        <Failure
          error={error}
          what="This page is not here yet."
          retry={() => void loadPages().then(reset)}
        />
      ) : (
        <Failure error={error} what="This page could not be shown." retry={() => location.reload()} />
      )}
    </div>
  );
}
