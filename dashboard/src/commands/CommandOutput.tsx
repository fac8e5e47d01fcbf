import { Button } from "@mantine/core";
import { IconChevronDown, IconChevronRight } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import type { Command } from "../api/types";
import { parseSelftest } from "../lib/selftest";
import styles from "./CommandView.module.css";
import { OutputView } from "./OutputView";
import { SelftestReport } from "./SelftestReport";
import { useOutput } from "./useOutput";

/** What a command wrote; of a self-test its report, with what it wrote behind a button. */
export function CommandOutput({ command }: { command: Command }) {
  const output = useOutput(command.id);
  const { log, complete } = output;
  const isSelftest = command.program.kind === "selftest";
  const report = useMemo(() => {
    if (!isSelftest || !complete) return null;
    return parseSelftest(log.text(0, log.lines.length, "stdout"));
  }, [isSelftest, complete, log]);
  const [raw, setRaw] = useState(false);
  if (!report) return <OutputView command={command} output={output} />;
  return (
    <>
      <SelftestReport report={report} />
      <Button
        variant="subtle"
        className={styles.raw}
        aria-expanded={raw}
        leftSection={raw ? <IconChevronDown size={14} aria-hidden /> : <IconChevronRight size={14} aria-hidden />}
        onClick={() => setRaw(!raw)}
      >
        Output as it was written
      </Button>
      {raw ? <OutputView command={command} output={output} /> : null}
    </>
  );
}
