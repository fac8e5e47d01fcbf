import { Link } from "@tanstack/react-router";
import styles from "./CommandTabs.module.css";

/** What was run: every command on its machine, and the runs on many machines that some of them belong to. */
export function CommandTabs() {
  return (
    <nav className={styles.tabs} aria-label="Lists of commands">
      <Link to="/commands" className={styles.tab} activeOptions={{ exact: true, includeSearch: false }} activeProps={{ "data-active": true }}>
        Every command
      </Link>
      <Link to="/commands/runs" className={styles.tab} activeOptions={{ exact: true, includeSearch: false }} activeProps={{ "data-active": true }}>
        Runs on many machines
      </Link>
    </nav>
  );
}
