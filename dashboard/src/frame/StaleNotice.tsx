import { Button } from "@mantine/core";
import { type Query, useQueryClient } from "@tanstack/react-query";
import { useCallback, useSyncExternalStore } from "react";
import { ApiError, ServerAwayError } from "../api/client";
import { useClock } from "../lib/clock";
import { answerLine } from "../lib/failure";
import { asOf, staleParts } from "../lib/stale";
import { Banner, messageOf } from "../ui/Notice";
import styles from "./StaleNotice.module.css";

/** What is shown, could not be asked for again, and is therefore of earlier. That the server is away is said elsewhere. */
function isStale(query: Query): boolean {
  const { data, error, fetchStatus } = query.state;
  return query.isActive() && data !== undefined && error !== null && !(error instanceof ServerAwayError) && fetchStatus === "idle";
}

/** Says that a part of the page is old because asking for it again failed: old values must not pass for new ones. */
export function StaleNotice() {
  const client = useQueryClient();
  const cache = client.getQueryCache();
  const subscribe = useCallback((listener: () => void) => cache.subscribe(listener), [cache]);
  const oldest = useSyncExternalStore(subscribe, () => {
    const times = cache.findAll({ predicate: isStale }).map(({ state }) => state.dataUpdatedAt);
    return times.length === 0 ? 0 : Math.min(...times);
  });
  if (oldest === 0) return null;
  const stale = cache.findAll({ predicate: isStale });
  return (
    <div className={styles.notice} role="status">
      <Banner
        family="warn"
        title={<Title parts={staleParts(stale.map(({ queryKey }) => queryKey))} at={oldest} />}
        action={
          <Button variant="default" onClick={() => void client.refetchQueries({ predicate: isStale })}>
            Try again
          </Button>
        }
      >
        <p className="any">{messageOf(stale[0]?.state.error)}</p>
        {stale[0]?.state.error instanceof ApiError ? <p className="muted any">{answerLine(stale[0].state.error)}</p> : null}
      </Banner>
    </div>
  );
}

function Title({ parts, at }: { parts: string; at: number }) {
  const shown = useClock((now) => asOf(at, now));
  return (
    <>
      {parts} could not be refreshed. What is shown is of <span className="num">{shown}</span>.
    </>
  );
}
