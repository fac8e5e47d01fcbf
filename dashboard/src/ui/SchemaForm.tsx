import { Button, Group, Modal, Stack } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useBlocker } from "@tanstack/react-router";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { ApiError } from "../api/client";
import type { Permission } from "../api/types";
import { readForm, writeForm } from "../lib/draftStore";
import { type AnyField, isChanged, placed, type Problems, problemsIn, type Schema, toKeep, toSend } from "../lib/schema";
import { GatedButton } from "./GatedButton";
import { Failure } from "./Notice";
import { SchemaField } from "./SchemaField";

const NO_PROBLEMS: Problems = {};

/**
 * A form for values of a type. What is wrong is said at its field, here or by the server; the first wrong field gets the
 * focus, and what belongs to no field stands above the buttons.
 */
export function SchemaForm<V extends object, R>({ schema, initial, save, onDone, action, failure, onCancel, permission, draft, guard, children, changedOnly, size }: {
  schema: Schema<V>;
  initial: V;
  save: (values: V) => Promise<R>;
  onDone: (saved: R) => void;
  /** The words of the button that saves. */
  action: string;
  /** What is said when it was not saved. */
  failure: string;
  onCancel?: () => void;
  permission?: Permission | undefined;
  /** Where what is typed is kept in this tab until it is saved; secrets are not. */
  draft?: { userId: string; form: string } | undefined;
  /** Asks before an address is left with something typed; for forms without a draft that have an address. */
  guard?: boolean;
  /** Stands above the buttons. */
  children?: ReactNode;
  /** The button works only when something is another than at first. */
  changedOnly?: boolean;
  size?: "sm";
}) {
  const fields: readonly [string, AnyField][] = Object.entries(schema);
  const [values, setValues] = useState<V>(() => {
    const kept = draft ? readForm(draft.userId, draft.form) : undefined;
    return kept ? { ...initial, ...toKeep(schema, kept) } : initial;
  });
  const [tries, setTries] = useState(0);
  const [problems, setProblems] = useState(NO_PROBLEMS);
  const form = useRef<HTMLFormElement>(null);
  const isDone = useRef(false);
  const mutation = useMutation({
    mutationFn: () => save(toSend(schema, values)),
    onSuccess: (saved) => {
      isDone.current = true;
      if (draft) writeForm(draft.userId, draft.form, undefined);
      onDone(saved);
    },
    onError: (error) => {
      setProblems(error instanceof ApiError ? placed(schema, error.fields).at : NO_PROBLEMS);
      setTries((known) => known + 1);
    },
  });
  useEffect(() => {
    if (tries > 0) form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [tries]);

  const keptBy = draft?.userId;
  const keptAs = draft?.form;
  useEffect(() => {
    if (keptBy !== undefined && keptAs !== undefined && !isDone.current) {
      writeForm(keptBy, keptAs, isChanged(initial, values) ? toKeep(schema, values as Record<string, unknown>) : undefined);
    }
  }, [keptBy, keptAs, schema, initial, values]);

  const set = (name: string, value: unknown) => {
    setValues((known) => ({ ...known, [name]: value }));
    // What was wrong with it may be right now; the next try tells.
    setProblems((known) => Object.fromEntries(Object.entries(known).filter(([other]) => other !== name)));
  };
  const dirty = isChanged(initial, values);
  const serverPaths = mutation.error instanceof ApiError ? placed(schema, mutation.error.fields).paths : [];
  const others = mutation.error instanceof ApiError ? Object.keys(mutation.error.fields).length - serverPaths.length : 0;
  // What stands at the fields is not said once more.
  const isSaid = serverPaths.length > 0 && others === 0;
  return (
    <form
      ref={form}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        event.stopPropagation();
        if (mutation.isPending || permission?.allowed === false) return;
        const found = problemsIn(schema, values as Record<string, unknown>);
        setProblems(found);
        if (Object.keys(found).length > 0) setTries((known) => known + 1);
        else mutation.mutate();
      }}
    >
      <Stack>
        {fields.map(([name, field], index) => (
          <SchemaField
            key={name}
            name={name}
            field={field}
            value={(values as Record<string, unknown>)[name]}
            set={(value) => set(name, value)}
            error={problems[name]}
            isFirst={index === 0}
          />
        ))}
        {children}
        {mutation.error && !isSaid ? <Failure error={mutation.error} what={failure} placed={serverPaths} /> : null}
        <Group justify="flex-end" grow={onCancel === undefined}>
          {onCancel ? (
            <Button variant="default" onClick={onCancel}>
              Cancel
            </Button>
          ) : null}
          <GatedButton permission={permission} type="submit" size={size ?? "xs"} disabled={changedOnly === true && !dirty} loading={mutation.isPending}>
            {action}
          </GatedButton>
        </Group>
      </Stack>
      {guard ? <Guard isDirty={() => dirty && !isDone.current} /> : null}
    </form>
  );
}

/** Asks before what was typed is lost by going elsewhere. */
function Guard({ isDirty }: { isDirty: () => boolean }) {
  const leaving = useBlocker({ shouldBlockFn: isDirty, enableBeforeUnload: isDirty, withResolver: true });
  if (leaving.status !== "blocked") return null;
  return (
    <Modal opened onClose={leaving.reset} title="Leave without saving?" closeButtonProps={{ "aria-label": "Close" }}>
      <Stack>
        <p>What you typed is lost.</p>
        <Group justify="flex-end">
          <Button variant="default" onClick={leaving.reset} data-autofocus>
            Stay
          </Button>
          <Button color="red" onClick={leaving.proceed}>
            Leave
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
