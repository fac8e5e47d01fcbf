import { Button, Group, Stack } from "@mantine/core";
import { IconClockPause, IconPlayerPlay } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type KeyboardEvent, useRef, useState } from "react";
import { api, ApiError, body, ServerAwayError } from "../api/client";
import { command as commandQuery } from "../api/queries";
import type { Agent, Command } from "../api/types";
import { type Draft, interpretersFor, toRequest } from "../lib/draft";
import { withoutSecrets } from "../lib/draftStore";
import { Banner, Failure } from "../ui/Notice";
import { PLACED, RunFields, useDraft } from "./RunFields";
import styles from "./RunForm.module.css";

/** Presses of Run within so many milliseconds after a start are the same press. */
const SAME_PRESS = 1_000;

/** A command that stands in the form already. */
export interface Prepared {
  /** By which it is told from others that are typed for the same agent. */
  name: string;
  draft: Partial<Draft>;
  title: string;
  words: string;
}

/** What to run on the machine, and within which bounds. */
export function RunForm({ agent, prepared, onStarted }: {
  agent: Agent;
  /** What it begins with, apart from what was typed otherwise. */
  prepared?: Prepared | undefined;
  onStarted: (command: Command) => void;
}) {
  const client = useQueryClient();
  const typed = useDraft(prepared ? `${agent.id} ${prepared.name}` : agent.id, interpretersFor(agent.os_family), prepared?.draft);
  const { draft, set, problems, complete, setMore } = typed;
  const [tried, setTried] = useState(false);
  /** Held from the press until a moment after the answer: what is pressed twice in a row is meant once. */
  const starting = useRef(false);
  const run = useMutation({
    mutationFn: () =>
      body(api.POST("/api/agents/{id}/commands", { params: { path: { id: agent.id } }, body: toRequest(draft) })),
    onSuccess: (made) => {
      client.setQueryData(commandQuery(made.id).queryKey, made);
      void client.invalidateQueries({ queryKey: ["commands", "list"] });
      // Secrets are for one command: they leave the page with it.
      set(withoutSecrets(draft));
      setTried(false);
      onStarted(made);
    },
    onSettled: () => setTimeout(() => (starting.current = false), SAME_PRESS),
  });
  const start = () => {
    if (starting.current || !complete) return;
    setTried(true);
    if (Object.keys(problems).length > 0) {
      if (problems.environment ?? problems.secrets) setMore(true);
      return;
    }
    starting.current = true;
    run.mutate();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    if (!event.repeat) start();
  };
  const fields: Record<string, string | undefined> = {
    ...(run.error instanceof ApiError ? run.error.fields : {}),
    ...(tried ? problems : {}),
  };
  return (
    <form
      className={styles.form}
      aria-label="Run a command"
      onSubmit={(event) => {
        event.preventDefault();
        start();
      }}
    >
      <Stack>
        {prepared ? (
          <Banner family="info" title={prepared.title}>
            <p>{prepared.words}</p>
          </Banner>
        ) : null}
        <RunFields typed={typed} fields={fields} onKeyDown={onKeyDown} />
        {run.error ? (
          <Failure
            error={run.error}
            what={
              run.error instanceof ServerAwayError
                ? "It is not known whether the command was accepted. Look at the list before you run it again."
                : "The command was not accepted."
            }
            placed={PLACED}
          />
        ) : null}
        {agent.presence.state === "online" ? null : (
          <p className={styles.waits}>
            <IconClockPause size={16} aria-hidden />
            The agent is not online: the command waits for it until it expires.
          </p>
        )}
        <Group justify="flex-end">
          <span className="muted">{complete ? "Ctrl+Enter runs it." : `Type ${draft.kind === "shell" ? "a script" : "a program"} first.`}</span>
          <Button
            type="submit"
            leftSection={<IconPlayerPlay size={16} aria-hidden />}
            disabled={!complete}
            loading={run.isPending}
          >
            Run
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
