import { type ReactNode, useEffect } from "react";
import { namePage } from "../lib/pageName";
import styles from "./PageHeader.module.css";

/** A page's name, what it counts, and what can be done on it. Also names the browser's tab and the last breadcrumb. */
export function PageHeader({ title, tab, detail, actions }: {
  title: ReactNode;
  /** The tab's name, where the title is not plain text. */
  tab?: string;
  detail?: ReactNode;
  actions?: ReactNode;
}) {
  const name = tab ?? (typeof title === "string" ? title : "");
  useEffect(() => {
    namePage(name);
  }, [name]);
  return (
    <header className={styles.header}>
      <div className={styles.words}>
        <h1 className="any">{title}</h1>
        {detail ? <div className={styles.detail}>{detail}</div> : null}
      </div>
      {actions ? <div className={styles.actions}>{actions}</div> : null}
    </header>
  );
}
