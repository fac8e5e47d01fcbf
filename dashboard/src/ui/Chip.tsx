import { Menu } from "@mantine/core";
import { IconCheck, IconChevronDown, IconX } from "@tabler/icons-react";
import styles from "./Chip.module.css";

/** A filter with a few values: a chip that says what it filters by, opens the choice, and can be taken off. */
export function FilterChip<T extends string>({ label, value, options, onChange }: {
  label: string;
  value: T | undefined;
  options: readonly { value: T; label: string }[];
  onChange: (value: T | undefined) => void;
}) {
  const chosen = options.find((option) => option.value === value);
  return (
    <span className={styles.chip} data-active={chosen ? true : undefined}>
      <Menu position="bottom-start" withinPortal>
        <Menu.Target>
          <button type="button" className={styles.open}>
            {label}
            {chosen ? <strong>{chosen.label}</strong> : null}
            {chosen ? null : <IconChevronDown size={13} aria-hidden />}
          </button>
        </Menu.Target>
        <Menu.Dropdown>
          {options.map((option) => (
            <Menu.Item
              key={option.value}
              onClick={() => onChange(option.value === value ? undefined : option.value)}
              rightSection={option.value === value ? <IconCheck size={14} aria-label="chosen" /> : null}
            >
              {option.label}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      {chosen ? (
        <button type="button" className={styles.clear} aria-label={`Remove the filter ${label}`} onClick={() => onChange(undefined)}>
          <IconX size={13} aria-hidden />
        </button>
      ) : null}
    </span>
  );
}
