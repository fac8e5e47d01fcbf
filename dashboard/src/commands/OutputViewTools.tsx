import { ActionIcon, Checkbox, TextInput, Tooltip } from "@mantine/core";
import {
  IconCheck,
  IconChevronDown,
  IconChevronUp,
  IconCopy,
  IconDownload,
  IconLetterCase,
  IconSearch,
  IconTextWrap,
  type Icon,
} from "@tabler/icons-react";
import { type ReactNode, type RefObject, useEffect, useState } from "react";
import { copyText } from "../lib/clipboard";
import { MOST_MATCHES } from "../lib/outputSearch";
import { formatCount } from "../lib/units";
import styles from "./OutputView.module.css";

/** How long it is said that something was copied, in milliseconds. */
const SAID = 2_000;
/** Longest text that is searched for. */
const LONGEST_QUERY = 200;

/** What is searched for, and how far the reader has come with it. */
export interface Search {
  query: string;
  matchCase: boolean;
  /** The match that the reader is at. */
  at: number;
}

/** Search, and what else can be done with output. */
export function OutputViewTools({ field, search, setSearch, found, leave, follow, wrap, copy, download }: {
  field: RefObject<HTMLInputElement | null>;
  search: Search;
  setSearch: (change: Partial<Search>) => void;
  /** How many matches there are. */
  found: number;
  /** Called by Escape: the search is over. */
  leave: () => void;
  /** Null once nothing more comes. */
  follow: { on: boolean; set: (on: boolean) => void } | null;
  wrap: { on: boolean; set: (on: boolean) => void };
  copy: { label: string; text: () => string };
  download: () => void;
}) {
  const { query, matchCase, at } = search;
  const step = (by: number) => {
    if (found > 0) setSearch({ at: (at + by + found) % found });
  };
  const count = found >= MOST_MATCHES ? `more than ${formatCount(MOST_MATCHES)}` : formatCount(found);
  return (
    <div className={styles.tools}>
      <div className={styles.search} role="search" aria-label="Search the output">
        <TextInput
          ref={field}
          type="search"
          size="xs"
          aria-label="Search the output"
          placeholder="Search"
          maxLength={LONGEST_QUERY}
          leftSection={<IconSearch size={14} aria-hidden />}
          value={query}
          onChange={(event) => setSearch({ query: event.currentTarget.value, at: 0 })}
          onKeyDown={(event) => {
            if (event.key === "Enter") step(event.shiftKey ? -1 : 1);
            else if (event.key === "Escape") leave();
            else return;
            event.preventDefault();
            event.stopPropagation();
          }}
          className={styles.field}
        />
        <Tool icon={IconLetterCase} label="Match case" pressed={matchCase} onClick={() => setSearch({ matchCase: !matchCase, at: 0 })} />
        {query === "" ? null : (
          <>
            <span aria-live="polite" className={`${styles.count} num`}>
              {found === 0 ? "not found" : `${formatCount(at + 1)} of ${count}`}
            </span>
            <Tool icon={IconChevronUp} label="Previous match" disabled={found === 0} onClick={() => step(-1)} />
            <Tool icon={IconChevronDown} label="Next match" disabled={found === 0} onClick={() => step(1)} />
          </>
        )}
      </div>
      {follow === null ? null : (
        <Checkbox size="xs" label="Follow" checked={follow.on} onChange={(event) => follow.set(event.currentTarget.checked)} />
      )}
      <span className={styles.buttons}>
        <Tool icon={IconTextWrap} label="Wrap long lines" pressed={wrap.on} onClick={() => wrap.set(!wrap.on)} />
        <CopyTool {...copy} />
        <Tool icon={IconDownload} label="Download as text" onClick={download} />
      </span>
    </div>
  );
}

function CopyTool({ label, text }: { label: string; text: () => string }) {
  const [said, setSaid] = useState<string>();
  useEffect(() => {
    if (!said) return undefined;
    const timer = setTimeout(() => setSaid(undefined), SAID);
    return () => clearTimeout(timer);
  }, [said]);
  return (
    <>
      <Tool
        icon={said === "Copied" ? IconCheck : IconCopy}
        label={label}
        onClick={() => void copyText(text()).then((done) => setSaid(done ? "Copied" : "The browser does not let this page copy"))}
      />
      <span aria-live="polite" className={styles.said}>
        {said}
      </span>
    </>
  );
}

function Tool({ icon: Glyph, label, pressed, disabled, onClick }: {
  icon: Icon;
  label: string;
  /** Whether it is on, where it is something that stays on. */
  pressed?: boolean;
  disabled?: boolean;
  onClick: () => void;
}): ReactNode {
  return (
    <Tooltip label={label}>
      <ActionIcon
        variant={pressed ? "light" : "subtle"}
        size={28}
        aria-label={label}
        aria-pressed={pressed}
        disabled={disabled}
        onClick={onClick}
        className={styles.tool}
      >
        <Glyph size={16} aria-hidden />
      </ActionIcon>
    </Tooltip>
  );
}
