import { type InfiniteData, replaceEqualDeep } from "@tanstack/react-query";

/**
 * A page that was asked for anew, with what did not change in it taken from the one that is known. Done page by page as
 * they arrive: comparing a hundred pages at once, when the last one is there, would stop the reader's scrolling.
 */
export function sharePage<T>(known: InfiniteData<T> | undefined, pageParam: unknown, page: T): T {
  const index = known?.pageParams.indexOf(pageParam) ?? -1;
  return index < 0 ? page : replaceEqualDeep(known?.pages[index], page);
}

/** For a query whose pages went through `sharePage`: what is known stays when no page of it changed. */
export function sharePages(known: unknown, fresh: unknown): unknown {
  const [old, now] = [known, fresh] as [InfiniteData<unknown> | undefined, InfiniteData<unknown>];
  const isSame = old?.pages.length === now.pages.length && old.pages.every((page, index) => page === now.pages[index]);
  return isSame ? old : now;
}
