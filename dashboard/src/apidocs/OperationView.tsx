import { Button } from "@mantine/core";
import { useClipboard } from "@mantine/hooks";
import { IconCheck, IconCopy, IconLock, IconLockOpen } from "@tabler/icons-react";
import { type ReactNode, useRef } from "react";
import styles from "./ApiPage.module.css";
import { boundWords, curl, type Document, example, type Operation, type Parameter, typeWords } from "./document";
import { SchemaView } from "./SchemaView";

const PLACES: Record<string, string> = { path: "In the path", query: "In the query", header: "In the headers" };

/** One operation: what it takes, what it answers, and how to call it. */
export function OperationView({ document, operation }: { document: Document; operation: Operation }) {
  const { method, path, summary, description, parameters, body, answers, secured } = operation;
  const Lock = secured ? IconLock : IconLockOpen;
  return (
    <article className={styles.article}>
      <header className={styles.head}>
        <h2 className={styles.title}>
          <span className={styles.method} data-method={method}>
            {method}
          </span>{" "}
          <span className="mono any">{path}</span>
        </h2>
        {summary ? <p>{summary}</p> : null}
        {description ? <p className={styles.description}>{description}</p> : null}
        <p className={styles.lock}>
          <Lock size={14} aria-hidden /> {secured ? "Needs a login" : "Open to everybody"}
        </p>
      </header>
      <Part title="Call it">
        <Code label="The call for a shell" text={curl(document, operation, location.origin)} />
      </Part>
      {["path", "query", "header"].map((place) => {
        const own = parameters.filter((each) => each.in === place);
        return own.length === 0 ? null : (
          <Part key={place} title={PLACES[place] ?? place}>
            <Parameters parameters={own} />
          </Part>
        );
      })}
      {body ? (
        <Part title={`Body (${body.type}${body.required ? "" : ", optional"})`}>
          <SchemaView document={document} schema={body.schema} />
          <Code label="An example of the body" text={JSON.stringify(example(document, body.schema), null, 2)} />
        </Part>
      ) : null}
      <Part title="Answers">
        {answers.map(({ status, description: words, bodies }) => (
          <details key={status} className={styles.answer} open={status.startsWith("2")}>
            <summary>
              <strong>{status === "default" ? "Anything else" : status}</strong> <span className="muted">{words}</span>
            </summary>
            {bodies.length === 0 ? <p className="muted">No body.</p> : null}
            {bodies.map(({ type, schema }) => (
              <div key={type} className={styles.answerBody}>
                <span className="muted mono">{type}</span>
                <SchemaView document={document} schema={schema} />
              </div>
            ))}
          </details>
        ))}
      </Part>
    </article>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className={styles.part} aria-label={title}>
      <h3>{title}</h3>
      {children}
    </section>
  );
}

function Parameters({ parameters }: { parameters: Parameter[] }) {
  return (
    <dl className={styles.fields}>
      {parameters.map(({ name, required, description, schema }) => (
        <div key={name} className={styles.field}>
          <dt>
            <code className="any">{name}</code> <span className={styles.type}>{schema ? typeWords(schema) : "text"}</span>
            {required ? <span className={styles.required}>required</span> : null}
          </dt>
          <dd>
            {description ? <span className={styles.description}>{description}</span> : null}
            {schema && boundWords(schema) ? <span className="muted"> {boundWords(schema)}</span> : null}
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** Text to take away, in its lines. */
function Code({ label, text }: { label: string; text: string }) {
  const clipboard = useClipboard({ timeout: 2_000 });
  const code = useRef<HTMLPreElement>(null);
  const copy = () => {
    clipboard.copy(text);
    // Where the browser gives no clipboard (plain HTTP), the text is at least selected for Ctrl-C.
    if (code.current) getSelection()?.selectAllChildren(code.current);
  };
  return (
    <div className={styles.code}>
      <pre ref={code} tabIndex={0} role="region" aria-label={label}>
        {text}
      </pre>
      <Button
        variant="default"
        onClick={copy}
        aria-label={`Copy: ${label}`}
        leftSection={clipboard.copied ? <IconCheck size={14} aria-hidden /> : <IconCopy size={14} aria-hidden />}
      >
        {clipboard.copied ? "Copied" : "Copy"}
      </Button>
    </div>
  );
}
