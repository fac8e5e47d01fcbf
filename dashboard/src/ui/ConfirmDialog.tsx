import { Button, Group, Modal, Stack, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { Failure } from "./Notice";

/** Asks before something is lost: names it, says what happens, and for what cannot be undone wants its name typed. */
export function ConfirmDialog({ title, children, action, keep = "Keep it", typeName, run, onDone, onClose }: {
  title: string;
  children: ReactNode;
  /** The button's words: what it does, and to what. */
  action: string;
  /** The words of the button that leaves everything as it is. */
  keep?: string;
  /** What must be typed before the button works. */
  typeName?: string;
  run: () => Promise<unknown>;
  onDone: () => void;
  onClose: () => void;
}) {
  const [typed, setTyped] = useState("");
  const mutation = useMutation({ mutationFn: run, onSuccess: onDone });
  const ready = typeName === undefined || typed.trim() === typeName.trim();
  return (
    <Modal opened onClose={onClose} title={title} closeButtonProps={{ "aria-label": "Close" }}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (ready) mutation.mutate();
        }}
      >
        <Stack>
          {children}
          {typeName === undefined ? null : (
            <TextInput
              label={
                <>
                  Type <span className="mono any">{typeName}</span> to confirm
                </>
              }
              value={typed}
              onChange={(event) => setTyped(event.currentTarget.value)}
              autoComplete="off"
              spellCheck={false}
              data-autofocus
            />
          )}
          {mutation.error ? <Failure error={mutation.error} what="It was not done." /> : null}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {keep}
            </Button>
            <Button type="submit" color="red" disabled={!ready} loading={mutation.isPending}>
              {action}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
