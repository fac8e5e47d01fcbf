import { Button, Group, NumberInput, SegmentedControl, Select, Stack, Textarea, TextInput } from "@mantine/core";
import { IconChevronDown, IconChevronRight, IconPlayerPlay } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type KeyboardEvent, useRef, useState } from "react";
import { api, ApiError, body } from "../api/client";
import { command as commandQuery, me } from "../api/queries";
import type { Agent, Command } from "../api/types";
import { type Draft, INTERPRETERS, type Interpreter, interpretersFor, LONGEST_TIMEOUT, problemsOf, toRequest } from "../lib/draft";
import { readDraft, withoutSecrets, writeDraft } from "../lib/draftStore";
import { Failure } from "../ui/Notice";
import styles from "./RunForm.module.css";
import { VariableList } from "./VariableList";

const EXPIRIES = [
  { value: "300", label: "5 minutes" },
  { value: "3600", label: "1 hour" },
  { value: "86400", label: "1 day" },
  { value: "604800", label: "1 week" },
  { value: "2592000", label: "30 days" },
];

/** Fields whose errors stand at their inputs. */
const PLACED = [
  "program.script",
  "program.argv",
  "timeout_seconds",
  "expires_in_seconds",
  "working_directory",
  "environment",
  "secrets",
];

/** Presses of Run within so many milliseconds after a start are the same press. */
const SAME_PRESS = 1_000;

function freshDraft(interpreter: Interpreter): Draft {
  return {
    kind: "shell",
    interpreter,
    script: "",
    arguments: "",
    timeoutSeconds: 300,
    expiresInSeconds: 86_400,
    workingDirectory: "",
    environment: [],
    secrets: [],
  };
}

/** What to run on the machine, and within which bounds. */
export function RunForm({ agent, onStarted }: { agent: Agent; onStarted: (command: Command) => void }) {
  const client = useQueryClient();
  const interpreters = interpretersFor(agent.os_family);
  const userId = client.getQueryData(me.queryKey)?.id ?? "";
  const [draft, setDraft] = useState<Draft>(() => ({ ...freshDraft(interpreters[0]), ...readDraft(userId, agent.id) }));
  const [more, setMore] = useState(() => draft.workingDirectory !== "" || draft.environment.length + draft.secrets.length > 0);
  const [tried, setTried] = useState(false);
  /** Held from the press until a moment after the answer: what is pressed twice in a row is meant once. */
  const starting = useRef(false);
  const keep = (next: Draft) => {
    setDraft(next);
    writeDraft(userId, agent.id, next);
  };
  const set = (change: Partial<Draft>) => keep({ ...draft, ...change });
  const run = useMutation({
    mutationFn: () =>
      body(api.POST("/api/agents/{id}/commands", { params: { path: { id: agent.id } }, body: toRequest(draft) })),
    onSuccess: (made) => {
      client.setQueryData(commandQuery(made.id).queryKey, made);
      void client.invalidateQueries({ queryKey: ["commands", "list"] });
      // Secrets are for one command: they leave the page with it.
      keep(withoutSecrets(draft));
      setTried(false);
      onStarted(made);
    },
    onSettled: () => setTimeout(() => (starting.current = false), SAME_PRESS),
  });
  const text = draft.kind === "shell" ? draft.script : draft.arguments;
  const problems = problemsOf(draft);
  const start = () => {
    if (starting.current || !text.trim()) return;
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
        <Group justify="space-between">
          <SegmentedControl
            size="xs"
            aria-label="Kind of command"
            data={[
              { value: "shell", label: "Script" },
              { value: "exec", label: "Program with arguments" },
            ]}
            value={draft.kind}
            onChange={(kind) => set({ kind: kind })}
          />
          {draft.kind === "shell" ? (
            <Select
              size="xs"
              w={170}
              aria-label="Shell"
              data={interpreters.map((value) => ({ value, label: INTERPRETERS[value] }))}
              value={draft.interpreter}
              allowDeselect={false}
              onChange={(value) => set({ interpreter: value ?? draft.interpreter })}
            />
          ) : null}
        </Group>
        {draft.kind === "shell" ? (
          <Textarea
            label="Script"
            rows={5}
            resize="vertical"
            classNames={{ input: styles.code }}
            spellCheck={false}
            value={draft.script}
            error={fields["program.script"]}
            onChange={(event) => set({ script: event.currentTarget.value })}
            onKeyDown={onKeyDown}
          />
        ) : (
          <Textarea
            label="Program and arguments"
            description="One per line, the program first. No shell reads them: nothing needs quoting. A blank line in between is an empty argument; blank lines at the end are not counted."
            rows={5}
            resize="vertical"
            classNames={{ input: styles.code }}
            spellCheck={false}
            value={draft.arguments}
            error={fields["program.argv"]}
            onChange={(event) => set({ arguments: event.currentTarget.value })}
            onKeyDown={onKeyDown}
          />
        )}
        <div className={styles.bounds}>
          <NumberInput
            label="Timeout, seconds"
            min={1}
            max={LONGEST_TIMEOUT}
            clampBehavior="none"
            allowDecimal={false}
            hideControls
            value={draft.timeoutSeconds}
            error={problems.timeout_seconds ?? fields.timeout_seconds}
            onChange={(value) => set({ timeoutSeconds: value })}
          />
          <Select
            label="Expires after"
            data={EXPIRIES}
            value={String(draft.expiresInSeconds)}
            allowDeselect={false}
            error={fields.expires_in_seconds}
            onChange={(value) => set({ expiresInSeconds: Number(value ?? 86_400) })}
          />
          <Button
            variant="subtle"
            size="sm"
            aria-expanded={more}
            leftSection={more ? <IconChevronDown size={14} aria-hidden /> : <IconChevronRight size={14} aria-hidden />}
            onClick={() => setMore(!more)}
          >
            Directory, variables, secrets
          </Button>
        </div>
        {more ? (
          <>
            <TextInput
              label="Working directory (optional)"
              classNames={{ input: styles.code }}
              value={draft.workingDirectory}
              error={fields.working_directory}
              onChange={(event) => set({ workingDirectory: event.currentTarget.value })}
            />
            <VariableList
              label="Environment variables"
              note="Kept and shown with the command."
              variables={draft.environment}
              error={fields.environment}
              onChange={(environment) => set({ environment })}
            />
            <VariableList
              secret
              label="Secret variables"
              note="Written once: encrypted, removed from the output, never shown again."
              variables={draft.secrets}
              error={fields.secrets}
              onChange={(secrets) => set({ secrets })}
            />
          </>
        ) : null}
        {run.error ? <Failure error={run.error} what="The command was not accepted." placed={PLACED} /> : null}
        <Group justify="space-between">
          <span className="muted">
            {agent.presence.state === "online"
              ? "The agent is online: it starts at once. Ctrl+Enter runs it."
              : "The agent is not online: the command waits for it until it expires."}
          </span>
          <Button
            type="submit"
            leftSection={<IconPlayerPlay size={16} aria-hidden />}
            disabled={!text.trim()}
            loading={run.isPending}
          >
            Run
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
