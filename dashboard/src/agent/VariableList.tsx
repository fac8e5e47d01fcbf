import { Button, PasswordInput, TextInput } from "@mantine/core";
import { IconPlus, IconX } from "@tabler/icons-react";
import type { Variable } from "../lib/draft";
import styles from "./RunForm.module.css";

/** Names and values of environment variables; secret values are typed blind. */
export function VariableList({ label, note, variables, secret, error, onChange }: {
  label: string;
  note: string;
  variables: Variable[];
  secret?: boolean;
  error?: string | undefined;
  onChange: (variables: Variable[]) => void;
}) {
  const set = (index: number, change: Partial<Variable>) =>
    onChange(variables.map((each, place) => (place === index ? { ...each, ...change } : each)));
  const Value = secret ? PasswordInput : TextInput;
  return (
    <fieldset className={styles.variables}>
      <legend>{label}</legend>
      <span className="muted">{note}</span>
      {variables.map((variable, index) => (
        <div key={index} className={styles.variable}>
          <TextInput
            aria-label={`Name of variable ${index + 1}`}
            placeholder="NAME"
            classNames={{ input: styles.code }}
            spellCheck={false}
            value={variable.name}
            onChange={(event) => set(index, { name: event.currentTarget.value })}
          />
          <Value
            aria-label={`Value of variable ${index + 1}`}
            placeholder="value"
            autoComplete="off"
            classNames={secret ? {} : { input: styles.code }}
            value={variable.value}
            onChange={(event) => set(index, { value: event.currentTarget.value })}
          />
          <Button
            variant="default"
            size="sm"
            aria-label={`Remove variable ${index + 1}`}
            onClick={() => onChange(variables.filter((_, place) => place !== index))}
          >
            <IconX size={14} aria-hidden />
          </Button>
        </div>
      ))}
      {error ? <span className={styles.problem}>{error}</span> : null}
      <div>
        <Button
          variant="subtle"
          leftSection={<IconPlus size={14} aria-hidden />}
          onClick={() => onChange([...variables, { name: "", value: "" }])}
        >
          Add a {secret ? "secret" : "variable"}
        </Button>
      </div>
    </fieldset>
  );
}
