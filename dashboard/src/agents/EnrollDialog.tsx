import { Modal } from "@mantine/core";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import type { NewToken } from "../api/types";
import { EnrollForm } from "./EnrollForm";
import { EnrollWait } from "./EnrollWait";

/** Makes an enrollment token and waits for the first machine that uses it. Has its own address. */
export function EnrollDialog() {
  const search = useSearch({ from: "/frame/agents" });
  const navigate = useNavigate();
  const [made, setMade] = useState<NewToken>();
  const close = () => void navigate({ to: "/agents", search, replace: true });
  return (
    <Modal
      opened
      onClose={close}
      size="lg"
      title={made ? "Run this on the machine" : "Enroll a machine"}
      closeButtonProps={{ "aria-label": "Close" }}
      // The secret is shown once: a stray click beside the dialog must not lose it.
      closeOnClickOutside={!made}
      closeOnEscape={!made}
    >
      {made ? (
        <EnrollWait made={made} onClose={close} />
      ) : (
        <EnrollForm scope={search} onMade={setMade} onClose={close} />
      )}
    </Modal>
  );
}
