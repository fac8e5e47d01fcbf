import { Button, Group, Modal, Stack, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { ApiError } from "../api/client";
import { Failure } from "../ui/Notice";

/** Asks for a name: of something new, or a better one. */
export function NameDialog<T>({ title, label, action, initial = "", save, onDone, onClose }: {
  title: string;
  label: string;
  action: string;
  initial?: string;
  save: (name: string) => Promise<T>;
  onDone: (saved: T) => void;
  onClose: () => void;
}) {
  const [name, setName] = useState(initial);
  const mutation = useMutation({ mutationFn: () => save(name.trim()), onSuccess: onDone });
  const problem = mutation.error instanceof ApiError ? mutation.error.fields.name : undefined;
  return (
    <Modal opened onClose={onClose} title={title} closeButtonProps={{ "aria-label": "Close" }}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          mutation.mutate();
        }}
      >
        <Stack>
          <TextInput
            label={label}
            value={name}
            maxLength={200}
            data-autofocus
            error={problem}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          {mutation.error && !problem ? <Failure error={mutation.error} what="It was not saved." placed={["name"]} /> : null}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" disabled={!name.trim() || name.trim() === initial} loading={mutation.isPending}>
              {action}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
