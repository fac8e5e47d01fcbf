import { hashKey, type QueryKey, type UseInfiniteQueryResult } from "@tanstack/react-query";
import { useCallback } from "react";
import { ListFailure, Loading } from "./Notice";

type List = Pick<
  UseInfiniteQueryResult,
  "hasNextPage" | "isFetching" | "isFetchingNextPage" | "isFetchNextPageError" | "isPlaceholderData" | "error" | "fetchNextPage"
>;

/** What a table is told of the list that it shows: which one it is, whether it is still the one before, and how it goes on. */
export function usePaging(queryKey: QueryKey, list: List) {
  const { hasNextPage, isFetching, isFetchNextPageError, isPlaceholderData, fetchNextPage } = list;
  /** Asks for the next page. One that could not be had is not asked for again by itself. */
  const onEnd = useCallback(() => {
    if (hasNextPage && !isFetching && !isFetchNextPageError) void fetchNextPage();
  }, [hasNextPage, isFetching, isFetchNextPageError, fetchNextPage]);
  return { of: hashKey(queryKey), isOld: isPlaceholderData, onEnd, footer: <ListEnd list={list} /> };
}

/** Stands below the last row that is loaded: the next page comes, or could not be had. */
function ListEnd({ list }: { list: List }) {
  if (list.isFetchingNextPage) return <Loading lines={2} />;
  if (!list.isFetchNextPageError) return null;
  return <ListFailure error={list.error} what="The rest of the list could not be loaded." retry={() => void list.fetchNextPage()} />;
}
