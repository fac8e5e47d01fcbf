import { Link } from "@tanstack/react-router";
import { FUNCTIONS } from "./functions";
import styles from "./Rail.module.css";

/** The functions: what to look at. On a phone it is the bar at the bottom. */
export function Rail() {
  return (
    <nav className={styles.rail} aria-label="Pages">
      <img src="/favicon.svg" alt="GuruRMM" width={28} height={28} className={styles.mark} />
      <ul className={styles.list}>
        {FUNCTIONS.map((page) => (
          <li key={page.to}>
            <Link to={page.to} className={styles.link} activeProps={{ "data-active": true }}>
              <page.icon size={20} stroke={1.7} aria-hidden />
              <span className={styles.word}>{page.word}</span>
              <span className={styles.short} aria-hidden>
                {"short" in page ? page.short : page.word}
              </span>
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}
