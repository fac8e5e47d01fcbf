import { Modal } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { PLACED, useDraft } from "../agent/RunFields";
import { api, ApiError, body } from "../api/client";
import type { RunPreview, RunTarget } from "../api/types";
import { type Draft, type Interpreter, toRequest } from "../lib/draft";
import { withoutSecrets } from "../lib/draftStore";
import { changeBetween, type SelectionChange } from "../lib/runs";
import { OrderForm } from "./OrderForm";
import { OrderPreview } from "./OrderPreview";

/** Asks what to run on many machines, shows what it would do, and orders it as it was shown. */
export function OrderDialog({ title, name, target, interpreters, initial, onClose }: {
  title: string;
  /** What is typed is kept under this name. */
  name: string;
  target: RunTarget;
  interpreters: [Interpreter, ...Interpreter[]];
  initial?: Partial<Draft>;
  onClose: () => void;
}) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const phone = useMediaQuery("(max-width: 640px)", false, { getInitialValueInEffect: false });
  const typed = useDraft(name, interpreters, initial);
  const [shown, setShown] = useState<RunPreview>();
  const [change, setChange] = useState<SelectionChange>();
  const preview = useMutation({
    mutationFn: () => body(api.POST("/api/runs/preview", { body: { target } })),
    onSuccess: (next) => {
      // Asked for again because the machines became others: what exactly did.
      setChange(shown ? changeBetween(shown, next) : undefined);
      setShown(next);
    },
  });
  const order = useMutation({
    mutationFn: (fingerprint: string) =>
      body(api.POST("/api/runs", { body: { ...toRequest(typed.draft), target, fingerprint } })),
    onSuccess: (run) => {
      for (const queryKey of [["runs", "list"], ["commands", "list"], ["work"]]) void client.invalidateQueries({ queryKey });
      typed.set(withoutSecrets(typed.draft));
      void navigate({ to: "/commands/runs/$runId", params: { runId: run.id }, replace: true });
    },
    onError: (error) => {
      if (error instanceof ApiError && error.code === "selection_changed") preview.mutate();
      // What must be mended stands at its field.
      else if (error instanceof ApiError && PLACED.some((field) => field in error.fields)) back();
    },
  });
  const back = () => {
    setShown(undefined);
    setChange(undefined);
    preview.reset();
  };
  const changed = order.error instanceof ApiError && order.error.code === "selection_changed";
  return (
    <Modal opened onClose={onClose} size="xl" fullScreen={phone} title={title} closeButtonProps={{ "aria-label": "Close" }} closeOnClickOutside={false}>
      {shown ? (
        <OrderPreview
          preview={shown}
          change={change}
          draft={typed.draft}
          busy={order.isPending || preview.isPending}
          error={changed ? preview.error : order.error}
          order={() => order.mutate(shown.fingerprint)}
          back={() => {
            order.reset();
            back();
          }}
        />
      ) : (
        <OrderForm
          typed={typed}
          error={order.error ?? preview.error}
          busy={preview.isPending}
          preview={() => {
            order.reset();
            preview.mutate();
          }}
          onClose={onClose}
        />
      )}
    </Modal>
  );
}
