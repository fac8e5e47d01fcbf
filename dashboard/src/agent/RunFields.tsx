import { Button, Group, NumberInput, SegmentedControl, Select, Textarea, TextInput } from "@mantine/core";
import { IconChevronDown, IconChevronRight } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { type KeyboardEvent, useState } from "react";
import { me } from "../api/queries";
import { type Draft, type DraftProblems, freshDraft, INTERPRETERS, type Interpreter, LONGEST_TIMEOUT, problemsOf } from "../lib/draft";
import { readDraft, writeDraft } from "../lib/draftStore";
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
export const PLACED = [
  "program.script",
  "program.argv",
  "timeout_seconds",
  "expires_in_seconds",
  "working_directory",
  "environment",
  "secrets",
];

/** A command as it is typed, kept in the tab under a name, and what must be mended in it. */
export interface Typed {
  draft: Draft;
  set: (change: Partial<Draft>) => void;
  interpreters: readonly Interpreter[];
  /** It says enough to be run. */
  complete: boolean;
  problems: DraftProblems;
  /** The fields that are seldom needed are shown. */
  more: boolean;
  setMore: (more: boolean) => void;
}

/** What the user last typed under this name, to go on with; the first time what it begins with. */
export function useDraft(name: string, interpreters: readonly [Interpreter, ...Interpreter[]], initial?: Partial<Draft>): Typed {
  const userId = useQueryClient().getQueryData(me.queryKey)?.id ?? "";
  const [draft, setDraft] = useState<Draft>(() => ({ ...freshDraft(interpreters[0]), ...initial, ...readDraft(userId, name) }));
  const [more, setMore] = useState(() => draft.workingDirectory !== "" || draft.environment.length + draft.secrets.length > 0);
  const set = (change: Partial<Draft>) => {
    const next = { ...draft, ...change };
    setDraft(next);
    writeDraft(userId, name, next);
  };
  const complete = (draft.kind === "shell" ? draft.script : draft.arguments).trim() !== "";
  return { draft, set, interpreters, complete, problems: problemsOf(draft), more, setMore };
}

/** The fields of what to run, and within which bounds. `fields` are the words at the inputs that must be mended. */
export function RunFields({ typed, fields, onKeyDown }: {
  typed: Typed;
  fields: Record<string, string | undefined>;
  onKeyDown?: (event: KeyboardEvent) => void;
}) {
  const { draft, set, interpreters, problems, more, setMore } = typed;
  return (
    <>
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
    </>
  );
}
