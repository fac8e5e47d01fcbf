import { Button, Skeleton } from "@mantine/core";
import type { Icon } from "@tabler/icons-react";
import { IconAlertTriangle, IconCheck, IconCopy, IconInfoCircle } from "@tabler/icons-react";
import { type ReactNode, useState } from "react";
import { ApiError, ServerAwayError } from "../api/client";
import { copyText } from "../lib/clipboard";
import { answerLine, causeOf, failureReport, isServersFault, nextStep } from "../lib/failure";
import { sentence } from "../lib/words";
import styles from "./Notice.module.css";

/** Nothing to show: why, and what to do next. */
export function Empty({ icon: Glyph, title, children, action }: {
  icon: Icon;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}) {
  return (
    <div className={styles.empty}>
      <Glyph size={28} stroke={1.5} aria-hidden className={styles.emptyIcon} />
      <h2>{title}</h2>
      {children ? <p className={styles.emptyText}>{children}</p> : null}
      {action}
    </div>
  );
}

/** Stands in the place of a list that could not be loaded, within the page's margins. */
export function ListFailure(failure: Parameters<typeof Failure>[0]) {
  return (
    <InPage>
      <Failure {...failure} />
    </InPage>
  );
}

/** Keeps the page's margins. */
export function InPage({ children }: { children: ReactNode }) {
  return <div className={styles.inPage}>{children}</div>;
}

/** What could not be loaded or done: why, when, what to look it up by, what to do next, and a second try. */
export function Failure({ error, what, retry, placed }: {
  error?: unknown;
  what: string;
  retry?: () => void;
  /** In a form: the fields whose errors stand at their inputs. */
  placed?: readonly string[];
}) {
  const next = error instanceof ApiError && !placed ? nextStep(error) : undefined;
  return (
    <div className={styles.banner} data-family="bad" role="alert">
      <IconAlertTriangle size={18} aria-hidden className={styles.bannerIcon} />
      <div className={styles.bannerText}>
        <strong>{what}</strong>
        {error ? <p className="any">{messageOf(error, placed)}</p> : null}
        {next ? <p className="any">{next}</p> : null}
        {error instanceof ApiError ? <Answer what={what} error={error} /> : null}
      </div>
      {retry ? (
        <Button variant="default" onClick={retry}>
          Try again
        </Button>
      ) : null}
    </div>
  );
}

/** What a failure is looked up by: status, time and request. Open where the fault is the server's. */
function Answer({ what, error }: { what: string; error: ApiError }) {
  const [copied, setCopied] = useState(false);
  const copy = () => void copyText(failureReport(what, error, location.pathname)).then(setCopied);
  return (
    <details open={isServersFault(error)}>
      <summary className="muted">Details</summary>
      <p className={styles.answer}>
        <span className="num any">{answerLine(error)}</span>
        <button type="button" className={styles.copy} onClick={copy}>
          {copied ? <IconCheck size={14} aria-hidden /> : <IconCopy size={14} aria-hidden />}
          <span aria-live="polite">{copied ? "Copied" : "Copy details"}</span>
        </button>
      </p>
    </details>
  );
}

/** A statement above the page's content, with what to do about it. */
export function Banner({ family, title, children, action }: {
  family: "warn" | "info" | "bad";
  title: ReactNode;
  children?: ReactNode;
  action?: ReactNode;
}) {
  const Glyph = family === "info" ? IconInfoCircle : IconAlertTriangle;
  return (
    <section className={styles.banner} data-family={family}>
      <Glyph size={18} aria-hidden className={styles.bannerIcon} />
      <div className={styles.bannerText}>
        <strong>{title}</strong>
        {children}
      </div>
      {action}
    </section>
  );
}

/** Stands where content will be, in its shape. */
export function Loading({ lines = 5 }: { lines?: number }) {
  return (
    <div className={styles.loading} role="status" aria-label="Loading">
      {Array.from({ length: lines }, (_, line) => (
        <Skeleton key={line} height={14} radius="sm" />
      ))}
    </div>
  );
}

/** An error in words for the reader. What stands at the fields of a form is not said twice. */
export function messageOf(error: unknown, placed?: readonly string[]): string {
  if (error instanceof ApiError) {
    const fields = Object.entries(error.fields);
    if (fields.length === 0) return causeOf(error);
    const others = fields.filter(([field]) => !placed?.includes(field));
    return others.length === 0 ? "Correct the marked fields." : others.map(([field, message]) => sentence(`${field}: ${message}`)).join(" ");
  }
  if (error instanceof ServerAwayError) return placed ? `${sentence(error.message)} What you typed stays here.` : sentence(error.message);
  return error instanceof Error ? sentence(error.message) : "Something went wrong in this page.";
}
