import { useState } from "react";
import styles from "./ApiPage.module.css";
import { boundWords, choices, type Document, refName, resolve, type Schema, typeWords } from "./document";

/** What lies below a field is opened so deep at most: schemas may hold themselves. */
const DEEPEST = 8;

/** A schema as its fields; what is described elsewhere opens in place. */
export function SchemaView({ document, schema, depth = 0 }: { document: Document; schema: Schema | undefined; depth?: number }) {
  if (!schema) return <p className="muted">Not described.</p>;
  const whole = resolve(document, schema);
  const own = whole.allOf?.map((each) => resolve(document, each)) ?? [whole];
  const properties = own.flatMap((part) => Object.entries(part.properties ?? {}));
  const required = new Set(own.flatMap((part) => part.required ?? []));
  const alternatives = choices(whole);
  return (
    <div className={styles.schema}>
      {whole.description && depth === 0 ? <p className={styles.description}>{whole.description}</p> : null}
      {properties.length > 0 ? (
        <dl className={styles.fields}>
          {properties.map(([name, field]) => (
            <div key={name} className={styles.field}>
              <dt>
                <code className="any">{name}</code> <span className={styles.type}>{typeWords(field)}</span>
                {required.has(name) ? <span className={styles.required}>required</span> : null}
              </dt>
              <dd>
                {field.description ? <span className={styles.description}>{field.description}</span> : null}
                {boundWords(field) ? <span className="muted"> {boundWords(field)}</span> : null}
                <Below document={document} schema={field} depth={depth} />
              </dd>
            </div>
          ))}
        </dl>
      ) : null}
      {alternatives.map((each, index) => (
        <div key={index} className={styles.choice}>
          <span className="muted">{index === 0 ? "One of" : "or"}</span> <span className={styles.type}>{typeWords(each)}</span>
          {each.description ? <p className={styles.description}>{each.description}</p> : null}
          {refName(each) ? <Below document={document} schema={each} depth={depth} /> : <SchemaView document={document} schema={each} depth={depth + 1} />}
        </div>
      ))}
      {properties.length === 0 && alternatives.length === 0 ? <Plain document={document} schema={whole} depth={depth} /> : null}
    </div>
  );
}

/** A value without fields. */
function Plain({ document, schema, depth }: { document: Document; schema: Schema; depth: number }) {
  return (
    <>
      <span className={styles.type}>{schema.enum ? schema.enum.map((each) => JSON.stringify(each)).join(" or ") : typeWords(schema)}</span>
      {schema.items ? <Below document={document} schema={schema.items} depth={depth} /> : null}
    </>
  );
}

/** Opens what a field holds, where it holds something that is described elsewhere. */
function Below({ document, schema, depth }: { document: Document; schema: Schema; depth: number }) {
  const inner = schema.items ?? choices(schema)[0] ?? schema;
  const name = refName(inner);
  if (name === undefined || depth >= DEEPEST) {
    return inner.properties ? <SchemaView document={document} schema={inner} depth={depth + 1} /> : null;
  }
  return <LazyDetails name={name} document={document} schema={inner} depth={depth} />;
}

/** Rendered only when it is opened: schemas hold one another without end. */
function LazyDetails({ name, document, schema, depth }: { name: string; document: Document; schema: Schema; depth: number }) {
  const [open, setOpen] = useState(false);
  return (
    <details className={styles.below} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{name}</summary>
      {open ? <SchemaView document={document} schema={schema} depth={depth + 1} /> : null}
    </details>
  );
}
