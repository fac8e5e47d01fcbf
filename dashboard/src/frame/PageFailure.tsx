import type { ErrorComponentProps } from "@tanstack/react-router";
import { Failure } from "../ui/Notice";
import styles from "./Frame.module.css";

/** A page that broke: says so, and can be tried again. The usual cause is a newer version on the server. */
export function PageFailure({ error, reset }: ErrorComponentProps) {
  return (
    <main className={styles.broken}>
      <Failure
        error={error}
        what="This page could not be shown. The server may have been updated since it was opened."
        retry={() => {
          reset();
          location.reload();
        }}
      />
    </main>
  );
}
