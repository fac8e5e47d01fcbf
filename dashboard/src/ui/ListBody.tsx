import type { UseInfiniteQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { ListFailure, Loading } from "./Notice";

/** The four states of a list: loading, failed, empty and full. One that is full stays while another filter of it is asked for. */
export function ListBody({ list, isEmpty, what, lines = 8, empty, failed, children }: {
  list: Pick<UseInfiniteQueryResult, "data" | "error" | "isPending" | "isPlaceholderData" | "refetch">;
  isEmpty: boolean;
  /** What is said when it could not be loaded. */
  what: string;
  /** Of the shape that stands in its place at first. */
  lines?: number;
  empty: ReactNode;
  /** Stands in place of a failure that means something of its own. */
  failed?: (error: unknown) => ReactNode;
  children: ReactNode;
}) {
  if (list.error && !list.data) {
    return failed?.(list.error) ?? <ListFailure error={list.error} what={what} retry={() => void list.refetch()} />;
  }
  if (list.isPending || (isEmpty && list.isPlaceholderData)) return <Loading lines={lines} />;
  return isEmpty ? empty : children;
}
