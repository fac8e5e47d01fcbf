import { Button, Group, NumberInput, SegmentedControl, Select, Stack, Textarea, TextInput } from "@mantine/core";
import { IconChevronDown, IconChevronRight, IconPlayerPlay } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, ApiError, body } from "../api/client";
import { command as commandQuery } from "../api/queries";
import type { Agent, Command } from "../api/types";
import { type Draft, INTERPRETERS, interpretersFor, toRequest } from "../lib/draft";
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

/** What to run on the machine, and within which bounds. */
export function RunForm({ agent, onStarted }: { agent: Agent; onStarted: (command: Command) => void }) {
  const client = useQueryClient();
  const interpreters = interpretersFor(agent.os_family);
  const [draft, setDraft] = useState<Draft>({
    kind: "shell",
    interpreter: interpreters[0],
    script: "",
    arguments: "",
    timeoutSeconds: 300,
    expiresInSeconds: 86_400,
    workingDirectory: "",
    environment: [],
    secrets: [],
  });
  const [more, setMore] = useState(false);
  const set = (change: Partial<Draft>) => setDraft((known) => ({ ...known, ...change }));
  const run = useMutation({
    mutationFn: () =>
      body(api.POST("/api/agents/{id}/commands", { params: { path: { id: agent.id } }, body: toRequest(draft) })),
    onSuccess: (made) => {
      client.setQueryData(commandQuery(made.id).queryKey, made);
      void client.invalidateQueries({ queryKey: ["commands", "list"] });
      // Secrets are for one command: they leave the page with it.
      set({ secrets: draft.secrets.map(({ name }) => ({ name, value: "" })) });
      onStarted(made);
    },
  });
  const fields = run.error instanceof ApiError ? run.error.fields : {};
  const text = draft.kind === "shell" ? draft.script : draft.arguments;
  return (
    <form
      className={styles.form}
      aria-label="Run a command"
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim()) run.mutate();
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
            onKeyDown={(event) => {
              if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.currentTarget.form?.requestSubmit();
            }}
          />
        ) : (
          <Textarea
            label="Program and arguments"
            description="One per line, the program first. No shell reads them: nothing needs quoting."
            rows={5}
            resize="vertical"
            classNames={{ input: styles.code }}
            spellCheck={false}
            value={draft.arguments}
            error={fields["program.argv"]}
            onChange={(event) => set({ arguments: event.currentTarget.value })}
          />
        )}
        <div className={styles.bounds}>
          <NumberInput
            label="Timeout, seconds"
            min={1}
            max={86_400}
            allowDecimal={false}
            hideControls
            value={draft.timeoutSeconds}
            error={fields.timeout_seconds}
            onChange={(value) => set({ timeoutSeconds: Number(value) })}
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
        {run.error ? <Failure error={run.error} what="The command was not accepted." /> : null}
        <Group justify="space-between">
          <span className="muted">
            {agent.presence.state === "online"
              ? "The agent is online: it starts at once. Ctrl+Enter runs the script."
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
