import { IconCloudOff } from "@tabler/icons-react";
import { connection, useAwaySince } from "../api/connection";
import { formatDuration } from "../lib/age";
import { useClock } from "../lib/clock";
import styles from "./ServerAway.module.css";

/** Says that the server does not answer, since when, and that nothing is lost. Goes away by itself. */
export function ServerAway() {
  const since = useAwaySince();
  const age = useClock((now) => (since === null ? "" : formatDuration(now - since)));
  return (
    <div role="status">
      {since === null ? null : (
        <div className={styles.banner}>
          <IconCloudOff size={16} aria-hidden />
          <span>
            {connection.everAnswered() ? (
              <>
                <strong>The server does not answer</strong>
                {/* A clock is not for reading aloud each second. */}
                <span aria-hidden className="num">
                  {" "}
                  for {age}
                </span>
                . This page shows the last
                it knew, and goes on by itself when the server is back.
              </>
            ) : (
              <>
                <strong>The server does not answer.</strong> Nothing is loaded yet; it goes on by itself when the server is
                back.
              </>
            )}
          </span>
        </div>
      )}
    </div>
  );
}
