import { Button, Group, Stack } from "@mantine/core";
import { IconBan, IconClockPause, IconPlayerPlay } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { ServerAwayError } from "../api/client";
import type { RunPreview } from "../api/types";
import { formatDuration } from "../lib/age";
import { argumentsOf, type Draft, INTERPRETERS } from "../lib/draft";
import { machines, outlookOf, type SelectionChange } from "../lib/runs";
import { sentence } from "../lib/words";
import { Banner, Failure } from "../ui/Notice";
import { PlainTable } from "../ui/PlainTable";
import { State, type StateLook } from "../ui/State";
import styles from "./Order.module.css";

type PreviewAgent = RunPreview["agents"][number];

const STARTS: StateLook = { family: "good", word: "Starts at once", icon: IconPlayerPlay };
const WAITS: StateLook = { family: "quiet", word: "Waits", icon: IconClockPause };
const REFUSED: StateLook = { family: "bad", word: "Does not run", icon: IconBan };

/** What an order would do, machine by machine, before it is given. */
export function OrderPreview({ preview, change, draft, busy, error, order, back }: {
  preview: RunPreview;
  /** The machines became others since the preview before. */
  change: SelectionChange | undefined;
  draft: Draft;
  busy: boolean;
  error: unknown;
  order: () => void;
  back: () => void;
}) {
  const { total, ready, refused, refusals, agents } = preview;
  const { now, waiting, unnamed, unnamedRefused } = outlookOf(preview);
  const outlook = useRef<HTMLUListElement>(null);
  // What is read first is what it would do, not the button: a key that is pressed twice orders nothing.
  useEffect(() => outlook.current?.focus(), []);
  const expiry = formatDuration(draft.expiresInSeconds * 1_000);
  return (
    <Stack>
      {change ? <Changed change={change} /> : null}
      <pre className={styles.program} tabIndex={0} aria-label="What runs">
        {draft.kind === "shell" ? draft.script : argumentsOf(draft.arguments).join(" ")}
      </pre>
      <ul ref={outlook} tabIndex={-1} className={styles.outlook} aria-label="What it would do">
        <li>
          <strong className="num">{machines(ready)}</strong> of {machines(total)} {ready === 1 ? "runs" : "run"} it
          {draft.kind === "shell" ? ` with ${INTERPRETERS[draft.interpreter]}` : ""}
          {unnamed === 0 && waiting > 0 ? (
            <>
              : <span className="num">{now}</span> at once, <span className="num">{waiting}</span> when they connect, within {expiry}
            </>
          ) : null}
          .
        </li>
        {unnamed > 0 ? <li className="muted">Those that are not online run it when they connect, within {expiry}.</li> : null}
        {refusals.map(({ code, words, count }) => (
          <li key={`${code} ${words}`} className={styles.refused}>
            <strong className="num">{machines(count)}</strong> {count === 1 ? "does" : "do"} not: {sentence(words)}
          </li>
        ))}
      </ul>
      <div className={styles.agents} tabIndex={0} role="region" aria-label="Machines of the preview">
        <PlainTable
          label="Machines of the preview"
          columns={[
            { header: "Machine", cell: (agent: PreviewAgent) => agent.name },
            { header: "Place", hideOnPhone: true, cell: (agent) => `${agent.organization_name} › ${agent.site_name}` },
            { header: "What happens", cell: (agent) => <Fate agent={agent} /> },
          ]}
          rows={agents}
          rowId={(agent) => agent.agent_id}
        />
        {unnamedRefused > 0 ? <p className={styles.more}>and {machines(unnamedRefused)} more that cannot run it.</p> : null}
        {unnamed > 0 ? <p className={styles.more}>and {machines(unnamed)} more that can run it.</p> : null}
      </div>
      {error instanceof ServerAwayError ? (
        <div role="alert">
          <Banner family="warn" title="It is not known whether it was ordered: the server gave no answer.">
            <p>
              Look among the <Link to="/commands/runs">runs on many machines</Link> before you order it again: it may be under way.
            </p>
          </Banner>
        </div>
      ) : error ? (
        <Failure error={error} what="It was not ordered." placed={[]} />
      ) : null}
      <Group justify="space-between">
        <Button variant="default" onClick={back} disabled={busy}>
          Back to the command
        </Button>
        {ready === 0 ? (
          <span className={styles.refused}>None of the {machines(refused)} can run it.</span>
        ) : (
          <Button leftSection={<IconPlayerPlay size={16} aria-hidden />} onClick={order} loading={busy}>
            Run on {machines(ready)}
          </Button>
        )}
      </Group>
    </Stack>
  );
}

function Fate({ agent: { presence, refusal } }: { agent: PreviewAgent }) {
  if (refusal) return <State look={{ ...REFUSED, word: sentence(refusal.words) }} />;
  return presence.state === "online" ? <State look={STARTS} /> : <State look={{ ...WAITS, word: `Waits: ${presence.state === "never" ? "never connected" : presence.state}` }} />;
}

function Changed({ change: { from, to, added, removed } }: { change: SelectionChange }) {
  return (
    <div role="alert">
      <Banner family="warn" title="The machines are no longer those of the preview. Nothing was run.">
        <p className="any">
          There were {machines(from)}, now there {to === 1 ? "is" : "are"} {machines(to)}.
          {added.length > 0 ? ` New: ${added.join(", ")}.` : ""}
          {removed.length > 0 ? ` Gone: ${removed.join(", ")}.` : ""} Look again, and run it as it stands now.
        </p>
      </Banner>
    </div>
  );
}
