import { Outlet } from "@tanstack/react-router";
import { ServerAway } from "./ServerAway";
import styles from "./Root.module.css";

/** The whole window: the word that the server is away, above whatever page there is. */
export function Root() {
  return (
    <div className={styles.root}>
      <ServerAway />
      <Outlet />
    </div>
  );
}
