import { IconApi, IconArrowLeft, IconFilterOff } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback } from "react";
import { api, body } from "../api/client";
import { Empty, ListFailure, Loading } from "../ui/Notice";
import { PageHeader } from "../ui/PageHeader";
import { SearchInput } from "../ui/SearchInput";
import styles from "./ApiPage.module.css";
import { byTag, type Document, type Operation, operations } from "./document";
import { OperationView } from "./OperationView";

/** The document does not change while this server runs. */
const description = {
  queryKey: ["openapi"],
  queryFn: ({ signal }: { signal: AbortSignal }) =>
    body(api.GET("/api/openapi.json" as never, { signal } as never) as Promise<{ data?: Document }>),
  staleTime: 600_000,
};

/** The REST API: every operation of this server, read from its own description. */
export function ApiPage() {
  const document = useQuery(description);
  if (document.data) return <Loaded document={document.data} />;
  return (
    <>
      <PageHeader title="API" />
      {document.error ? (
        <ListFailure error={document.error} what="The description of the API could not be loaded." retry={() => void document.refetch()} />
      ) : (
        <Loading lines={12} />
      )}
    </>
  );
}

function Loaded({ document }: { document: Document }) {
  const { op, q } = useSearch({ from: "/frame/reference" });
  const navigate = useNavigate();
  const setText = useCallback(
    (text: string | undefined) =>
      void navigate({ to: "/reference", search: (previous) => ({ ...previous, q: text }), replace: true }),
    [navigate],
  );
  const all = operations(document);
  const groups = byTag(all, q);
  const chosen = all.find(({ id }) => id === op);
  return (
    <>
      <PageHeader
        title="API"
        tab={chosen ? `${chosen.method} ${chosen.path}` : "API"}
        detail={
          <>
            <span>
              {document.info.title} {document.info.version}
            </span>
            <a href="/api/openapi.json">OpenAPI document</a>
          </>
        }
      />
      <div className={styles.page} data-chosen={op ? true : undefined}>
        <div className={styles.side}>
          <div role="search" className={styles.search}>
            <SearchInput label="Find an operation" width="100%" value={q} onChange={setText} />
          </div>
          <nav aria-label="Operations" className={styles.list}>
            {groups.map(({ tag, operations: list }) => (
              <section key={tag} aria-labelledby={`tag-${tag}`}>
                <h2 id={`tag-${tag}`} className={styles.tag}>
                  {tag}
                </h2>
                <ul>
                  {list.map((operation) => (
                    <li key={operation.id}>
                      <OperationLink operation={operation} q={q} chosen={operation === chosen} />
                    </li>
                  ))}
                </ul>
              </section>
            ))}
            {groups.length === 0 ? <Empty icon={IconFilterOff} title="No operation has these words" /> : null}
          </nav>
        </div>
        <div className={styles.main}>
          {op ? (
            <Link to="/reference" search={{ q }} className={styles.back}>
              <IconArrowLeft size={16} aria-hidden /> All operations
            </Link>
          ) : null}
          {chosen ? (
            <OperationView key={chosen.id} document={document} operation={chosen} />
          ) : op ? (
            <Empty icon={IconApi} title="This server has no such operation">
              The address may come from another version.
            </Empty>
          ) : (
            <Introduction document={document} />
          )}
        </div>
      </div>
    </>
  );
}

function OperationLink({ operation: { id, method, path, summary }, q, chosen }: { operation: Operation; q: string | undefined; chosen: boolean }) {
  return (
    <Link
      to="/reference"
      search={{ op: id, q }}
      className={styles.operation}
      aria-current={chosen ? "page" : undefined}
      data-chosen={chosen || undefined}
      title={summary}
    >
      <span className={styles.method} data-method={method}>
        {method}
      </span>
      <span className={styles.path}>{path}</span>
    </Link>
  );
}

function Introduction({ document }: { document: Document }) {
  return (
    <div className={styles.prose}>
      <p>{document.info.description}</p>
      <p>
        Scripts log in with <code>POST /api/auth/login</code> and send the token of the answer as{" "}
        <code>Authorization: Bearer</code>. Lists come in pages: pass <code>next_cursor</code> on as <code>cursor</code> until it is
        null.
      </p>
      <p>Choose an operation to see what it takes, what it answers and how to call it.</p>
    </div>
  );
}
