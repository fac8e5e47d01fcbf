import type { UseInfiniteQueryResult } from "@tanstack/react-query";
import { useCallback } from "react";
import { ListFailure, Loading } from "./Notice";

type List = Pick<UseInfiniteQueryResult, "hasNextPage" | "isFetching" | "isFetchingNextPage" | "isFetchNextPageError" | "error" | "fetchNextPage">;

/** Asks for the next page of a list. One that could not be had is not asked for again by itself. */
export function useOnEnd({ hasNextPage, isFetching, isFetchNextPageError, fetchNextPage }: List): () => void {
  return useCallback(() => {
    if (hasNextPage && !isFetching && !isFetchNextPageError) void fetchNextPage();
  }, [hasNextPage, isFetching, isFetchNextPageError, fetchNextPage]);
}

/** Stands below the last row that is loaded: the next page comes, or could not be had. */
export function ListEnd({ list }: { list: List }) {
  if (list.isFetchingNextPage) return <Loading lines={2} />;
  if (!list.isFetchNextPageError) return null;
  return <ListFailure error={list.error} what="The rest of the list could not be loaded." retry={() => void list.fetchNextPage()} />;
}
