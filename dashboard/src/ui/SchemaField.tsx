import { Button, Checkbox, NumberInput, PasswordInput, Select, TextInput } from "@mantine/core";
import { IconPlus, IconX } from "@tabler/icons-react";
import { type ReactNode, useState } from "react";
import type { AnyField, DurationField, ListField, PairsField, Problems, SelectField } from "../lib/schema";
import { UNITS, unitOf } from "../lib/schema";
import styles from "./SchemaForm.module.css";

interface FieldProps<F, V> {
  name: string;
  field: F;
  value: V;
  set: (value: V) => void;
  /** What is wrong with it, and with its rows, by path. */
  problems: Problems;
  focused: boolean;
}

/** One field of a form, as its kind asks for. */
export function SchemaField({ name, field, value, set, problems, focused }: FieldProps<AnyField, unknown>): ReactNode {
  const error = problems[name];
  const common = { name, label: field.label, description: field.help, error, "data-autofocus": focused || undefined };
  switch (field.kind) {
    case "text":
      return (
        <TextInput
          {...common}
          required={field.required}
          withAsterisk={false}
          type={field.type ?? "text"}
          autoComplete={field.autoComplete ?? "off"}
          placeholder={field.placeholder}
          value={(value as string | null) ?? ""}
          onChange={(event) => set(event.currentTarget.value)}
        />
      );
    case "secret":
      return (
        <PasswordInput
          {...common}
          required={field.required}
          withAsterisk={false}
          autoComplete={field.autoComplete ?? "off"}
          visibilityToggleButtonProps={{ "aria-label": `Show: ${field.label}` }}
          value={(value as string | null) ?? ""}
          onChange={(event) => set(event.currentTarget.value)}
        />
      );
    case "number":
      return (
        <NumberInput
          {...common}
          placeholder={field.placeholder}
          rightSection={field.unit ? <span className="muted">{field.unit}</span> : undefined}
          rightSectionWidth={field.unit ? `${field.unit.length + 2}ch` : undefined}
          min={field.least}
          max={field.most}
          clampBehavior="none"
          allowDecimal={false}
          hideControls
          value={(value as number | string | null) ?? ""}
          onChange={(typed) => set(typed === "" ? null : typed)}
        />
      );
    case "switch":
      return (
        <Checkbox
          {...common}
          checked={value === true}
          onChange={(event) => set(event.currentTarget.checked)}
        />
      );
    case "select":
      return <Choice {...common} field={field} value={value as string | number | null} set={set} />;
    case "duration":
      return <Duration name={name} field={field} value={value as number | null} set={set} problems={problems} focused={focused} />;
    case "list":
      return <List name={name} field={field} value={(value as string[] | null) ?? []} set={set} problems={problems} focused={focused} />;
    case "pairs":
      return <Pairs name={name} field={field} value={(value as Record<string, string> | null) ?? {}} set={set} problems={problems} focused={focused} />;
    case "custom":
      return field.render({ value, set, error });
  }
}

function Choice({ field, value, set, ...common }: {
  field: SelectField<string | number>;
  value: string | number | null;
  set: (value: unknown) => void;
  name: string;
  label: string;
}) {
  return (
    <Select
      {...common}
      data={field.options.map((option) => ({ value: String(option.value), label: option.label }))}
      allowDeselect={false}
      value={value === null ? null : String(value)}
      onChange={(chosen) => set(field.options.find((option) => String(option.value) === chosen)?.value ?? null)}
    />
  );
}

/** An amount and its unit; the value is in seconds. */
function Duration({ name, field, value, set, problems, focused }: FieldProps<DurationField, number | null>) {
  const [unit, setUnit] = useState<(typeof UNITS)[number]>(() => unitOf(typeof value === "number" ? value : field.least));
  const units = UNITS.filter(({ seconds }) => seconds <= field.most);
  return (
    <div className={styles.duration}>
      <NumberInput
        name={name}
        label={field.label}
        description={field.help}
        error={problems[name]}
        data-autofocus={focused || undefined}
        clampBehavior="none"
        allowDecimal={false}
        hideControls
        value={typeof value === "number" ? value / unit.seconds : ""}
        onChange={(typed) => set(typeof typed === "number" ? typed * unit.seconds : null)}
      />
      <Select
        aria-label={`Unit of: ${field.label}`}
        data={units.map(({ many }) => many)}
        allowDeselect={false}
        value={unit.many}
        onChange={(many) => {
          const next = units.find((each) => each.many === many) ?? unit;
          setUnit(next);
          // The number that was typed stays; what it counts changes.
          if (typeof value === "number") set((value / unit.seconds) * next.seconds);
        }}
      />
    </div>
  );
}

function List({ name, field, value, set, problems, focused }: FieldProps<ListField, string[]>) {
  return (
    <Rows
      field={field}
      add={`Add a ${field.one}`}
      error={problems[name]}
      onAdd={() => set([...value, ""])}
      onRemove={(index) => set(value.filter((_, place) => place !== index))}
      rows={value.map((text, index) => (
        <TextInput
          key={index}
          name={`${name}.${index}`}
          aria-label={`${field.label}, ${index + 1}`}
          data-autofocus={(focused && index === 0) || undefined}
          error={problems[`${name}.${index}`]}
          value={text}
          onChange={(event) => set(value.map((each, place) => (place === index ? event.currentTarget.value : each)))}
        />
      ))}
    />
  );
}

/** While they are typed, two names may be the same or empty: rows are kept here, and only what has sense goes out. */
function Pairs({ name, field, value, set, problems }: FieldProps<PairsField, Record<string, string>>) {
  const [rows, setRows] = useState<[string, string][]>(() => Object.entries(value));
  const change = (next: [string, string][]) => {
    setRows(next);
    set(Object.fromEntries(next.filter(([key, text]) => key !== "" || text !== "").map(([key, text]) => [key.trim(), text])));
  };
  const isTwice = (key: string, index: number) => key.trim() !== "" && rows.findIndex(([other]) => other.trim() === key.trim()) < index;
  return (
    <Rows
      field={field}
      add="Add a pair"
      error={problems[name]}
      onAdd={() => setRows([...rows, ["", ""]])}
      onRemove={(index) => change(rows.filter((_, place) => place !== index))}
      rows={rows.map(([key, text], index) => (
        <div key={index} className={styles.pair}>
          <TextInput
            name={`${name}.${index}.name`}
            aria-label={`${field.label}, name ${index + 1}`}
            placeholder="name"
            error={isTwice(key, index) ? "It stands here twice." : undefined}
            value={key}
            onChange={(event) => change(rows.map((row, place) => (place === index ? [event.currentTarget.value, row[1]] : row)))}
          />
          <TextInput
            name={`${name}.${index}.value`}
            aria-label={`${field.label}, value ${index + 1}`}
            placeholder="value"
            value={text}
            onChange={(event) => change(rows.map((row, place) => (place === index ? [row[0], event.currentTarget.value] : row)))}
          />
        </div>
      ))}
    />
  );
}

function Rows({ field, rows, add, error, onAdd, onRemove }: {
  field: ListField | PairsField;
  rows: ReactNode[];
  add: string;
  error: string | undefined;
  onAdd: () => void;
  onRemove: (index: number) => void;
}) {
  return (
    <fieldset className={styles.rows} aria-invalid={error ? true : undefined} tabIndex={error ? -1 : undefined}>
      <legend>{field.label}</legend>
      {field.help ? <span className="muted">{field.help}</span> : null}
      {rows.map((row, index) => (
        <div key={index} className={styles.row}>
          {row}
          <Button variant="default" size="sm" aria-label={`Remove ${field.label}, ${index + 1}`} onClick={() => onRemove(index)}>
            <IconX size={14} aria-hidden />
          </Button>
        </div>
      ))}
      {error ? <span className={styles.problem}>{error}</span> : null}
      <div>
        <Button variant="subtle" leftSection={<IconPlus size={14} aria-hidden />} onClick={onAdd}>
          {add}
        </Button>
      </div>
    </fieldset>
  );
}
