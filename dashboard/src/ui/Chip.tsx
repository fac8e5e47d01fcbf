import { Menu } from "@mantine/core";
import { IconCheck, IconChevronDown, IconX } from "@tabler/icons-react";
import styles from "./Chip.module.css";

/** The value of no filter, which no option has. */
const ALL = "";

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
          <Menu.RadioGroup value={chosen?.value ?? ALL} onChange={(next) => onChange(options.find((option) => option.value === next)?.value)}>
            <Menu.RadioItem value={ALL} closeMenuOnClick>
              All
            </Menu.RadioItem>
            {options.map((option) => (
              <Menu.RadioItem key={option.value} value={option.value} closeMenuOnClick>
                {option.label}
              </Menu.RadioItem>
            ))}
          </Menu.RadioGroup>
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

/** A filter that is on or off. */
export function ToggleChip({ label, on, onChange }: { label: string; on: boolean; onChange: (on: boolean) => void }) {
  return (
    <span className={styles.chip} data-active={on || undefined}>
      <button type="button" className={styles.open} aria-pressed={on} onClick={() => onChange(!on)}>
        {on ? <IconCheck size={13} aria-hidden /> : null}
        {label}
      </button>
    </span>
  );
}
