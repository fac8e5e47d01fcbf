import { useMutation } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { ApiError } from "../api/client";
import { readExport } from "../api/exports";
import { downloadFile } from "../lib/clipboard";

/** The list of a page as a file: made by the server while it is read, and kept by the browser when it is whole. */
export function useExport(start: (signal: AbortSignal) => Promise<{ response: Response }>) {
  const [bytes, setBytes] = useState(0);
  const running = useRef<AbortController>(undefined);
  // Whoever leaves the page gives the place back to their account.
  useEffect(() => () => running.current?.abort(), []);
  const mutation = useMutation({
    mutationFn: async () => {
      const controller = new AbortController();
      running.current = controller;
      setBytes(0);
      try {
        const { response } = await start(controller.signal);
        const { name, file, incomplete } = await readExport(response, setBytes);
        downloadFile(name, file);
        return { incomplete };
      } catch (error) {
        if (controller.signal.aborted) return { incomplete: undefined };
        if (error instanceof ApiError && error.status === 429) {
          throw new Error("two of your exports are running already; try again when one of them has ended", { cause: error });
        }
        // The connection broke off in the middle.
        if (error instanceof TypeError) throw new Error("the connection broke off before the file was whole", { cause: error });
        throw error;
      }
    },
  });
  return {
    start: () => mutation.mutate(),
    cancel: () => running.current?.abort(),
    isRunning: mutation.isPending,
    bytes,
    error: mutation.error,
    incomplete: mutation.data?.incomplete,
    forget: mutation.reset,
  };
}

export type ListExport = ReturnType<typeof useExport>;
