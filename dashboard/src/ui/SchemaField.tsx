import { Checkbox, NumberInput, PasswordInput, Select, TextInput } from "@mantine/core";
import type { ReactNode } from "react";
import type { AnyField, SecretField, TextField } from "../lib/schema";

/** One field of a form, as its kind asks for. `error` is what is wrong with it, `isFirst` gets the focus. */
export function SchemaField({ name, field, value, set, error, isFirst }: {
  name: string;
  field: AnyField;
  value: unknown;
  set: (value: unknown) => void;
  error: string | undefined;
  isFirst: boolean;
}): ReactNode {
  const common = { name, label: field.label, description: field.help, error, "data-autofocus": isFirst || undefined };
  const typed = ({ required, autoComplete = "off" }: TextField | SecretField) => ({
    ...common,
    required: required === true,
    withAsterisk: false,
    autoComplete,
    value: (value as string | null) ?? "",
    onChange: (event: { currentTarget: { value: string } }) => set(event.currentTarget.value),
  });
  switch (field.kind) {
    case "text":
      return <TextInput {...typed(field)} type={field.type ?? "text"} placeholder={field.placeholder} />;
    case "secret":
      return <PasswordInput {...typed(field)} visibilityToggleButtonProps={{ "aria-label": `Show: ${field.label}` }} />;
    case "number":
      return (
        <NumberInput
          {...common}
          placeholder={field.placeholder}
          min={field.least}
          max={field.most}
          clampBehavior="none"
          allowDecimal={false}
          hideControls
          value={(value as number | string | null) ?? ""}
          onChange={(number) => set(number === "" ? null : number)}
        />
      );
    case "switch":
      return <Checkbox {...common} checked={value === true} onChange={(event) => set(event.currentTarget.checked)} />;
    case "select": {
      const selected = value as string | number | null;
      return (
        <Select
          {...common}
          data={field.options.map((option) => ({ value: String(option.value), label: option.label }))}
          allowDeselect={false}
          value={selected === null ? null : String(selected)}
          onChange={(chosen) => set(field.options.find((option) => String(option.value) === chosen)?.value ?? null)}
        />
      );
    }
    case "custom":
      return field.render({ value, set, error });
  }
}
