import { Button } from "@mantine/core";
import { useClipboard } from "@mantine/hooks";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { useRef } from "react";
import styles from "./CopyLine.module.css";

/** One line of text to take away: whole, selectable, with a button that copies it. */
export function CopyLine({ text, label }: { text: string; label: string }) {
  const clipboard = useClipboard({ timeout: 2_000 });
  const line = useRef<HTMLElement>(null);
  const copy = () => {
    clipboard.copy(text);
    // Where the browser gives no clipboard (plain HTTP), the text is at least selected for Ctrl-C.
    if (line.current) getSelection()?.selectAllChildren(line.current);
  };
  return (
    <div className={styles.line}>
      <code ref={line} className={styles.text} aria-label={label} tabIndex={0}>
        {text}
      </code>
      <Button
        variant="default"
        onClick={copy}
        leftSection={clipboard.copied ? <IconCheck size={14} aria-hidden /> : <IconCopy size={14} aria-hidden />}
      >
        {clipboard.copied ? "Copied" : "Copy"}
      </Button>
    </div>
  );
}
