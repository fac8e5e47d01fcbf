import { Button, Group, Stack } from "@mantine/core";
import { type KeyboardEvent, useState } from "react";
import { PLACED, RunFields, type Typed } from "../agent/RunFields";
import { ApiError } from "../api/client";
import { Failure } from "../ui/Notice";

/** What to run; the next step shows where. */
export function OrderForm({ typed, error, busy, preview, onClose }: {
  typed: Typed;
  error: unknown;
  busy: boolean;
  preview: () => void;
  onClose: () => void;
}) {
  const [tried, setTried] = useState(false);
  const { problems, complete, setMore } = typed;
  const next = () => {
    if (!complete || busy) return;
    setTried(true);
    if (Object.keys(problems).length === 0) preview();
    else if (problems.environment ?? problems.secrets) setMore(true);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    if (!event.repeat) next();
  };
  const fields = { ...(error instanceof ApiError ? error.fields : {}), ...(tried ? problems : {}) };
  return (
    <form
      aria-label="What to run"
      onSubmit={(event) => {
        event.preventDefault();
        next();
      }}
    >
      <Stack>
        <RunFields typed={typed} fields={fields} onKeyDown={onKeyDown} />
        {error ? <Failure error={error} what="It was not accepted." placed={PLACED} /> : null}
        <Group justify="space-between">
          <span className="muted">Nothing runs yet: next you see on which machines it would.</span>
          <Group gap="sm">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" disabled={!complete} loading={busy}>
              Preview
            </Button>
          </Group>
        </Group>
      </Stack>
    </form>
  );
}
