import { TextInput } from "@mantine/core";

/** A day as a filter; empty is any. */
export function DayInput({ label, value, min, max, onChange }: {
  label: string;
  value: string | undefined;
  min?: string | undefined;
  max?: string | undefined;
  onChange: (value: string | undefined) => void;
}) {
  return (
    <TextInput
      type="date"
      size="xs"
      w={168}
      wrapperProps={{ "data-active": value ? true : undefined }}
      aria-label={`${label} which day`}
      leftSection={<span className="muted">{label}</span>}
      leftSectionWidth={`${label.length + 2}ch`}
      value={value ?? ""}
      min={min}
      max={max}
      onChange={(event) => onChange(event.currentTarget.value || undefined)}
    />
  );
}
