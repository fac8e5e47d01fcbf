import { TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useEffect, useState } from "react";

const PAUSE = 250;

/** A text filter whose value lives in the address: written there when the typing pauses. */
export function SearchInput({ label, word, value, width = 220, onChange }: {
  label: string;
  /** Stands before what is typed, where the value alone would not say what it is. */
  word?: string;
  value: string | undefined;
  width?: number | string;
  onChange: (value: string | undefined) => void;
}) {
  const [typed, setTyped] = useState(value ?? "");
  const [known, setKnown] = useState(value);
  const [sent, setSent] = useState(value);
  // Somebody else changed the address (back, a link): show that. What this wrote there itself comes back while more is typed.
  if (known !== value) {
    setKnown(value);
    if (value !== sent) {
      setSent(value);
      setTyped(value ?? "");
    }
  }
  useEffect(() => {
    const wanted = typed.trim() || undefined;
    if (wanted === value) return undefined;
    const timer = setTimeout(() => {
      setSent(wanted);
      onChange(wanted);
    }, PAUSE);
    return () => clearTimeout(timer);
  }, [typed, value, onChange]);
  return (
    <TextInput
      type="search"
      size="xs"
      w={width}
      wrapperProps={{ "data-active": value ? true : undefined }}
      aria-label={label}
      placeholder={word ? "like 9.10" : label}
      leftSection={word ? <span className="muted">{word}</span> : <IconSearch size={14} aria-hidden />}
      leftSectionWidth={word ? `${word.length + 2}ch` : undefined}
      value={typed}
      maxLength={100}
      onChange={(event) => setTyped(event.currentTarget.value)}
    />
  );
}
