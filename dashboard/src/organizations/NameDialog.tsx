import { Modal } from "@mantine/core";
import type { Schema } from "../lib/schema";
import { SchemaForm } from "../ui/SchemaForm";

/** Longest name of an organization or a site. */
const LONGEST_NAME = 100;

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
  const schema: Schema<{ name: string }> = { name: { kind: "text", label, required: true, longest: LONGEST_NAME } };
  return (
    <Modal opened onClose={onClose} title={title} closeButtonProps={{ "aria-label": "Close" }}>
      <SchemaForm
        schema={schema}
        initial={{ name: initial }}
        save={({ name }) => save(name)}
        onDone={onDone}
        action={action}
        failure="It was not saved."
        onCancel={onClose}
        changedOnly
      />
    </Modal>
  );
}
