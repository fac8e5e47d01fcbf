import { expect, it } from "vitest";
import { sharePage, sharePages } from "./sharedPages";

const row = (id: number, name: string) => ({ id, name });
const known = {
  pageParams: [undefined, "a"],
  pages: [{ items: [row(1, "one"), row(2, "two")] }, { items: [row(3, "three")] }],
};

it("keeps a page as it is when nothing in it changed", () => {
  expect(sharePage(known, "a", { items: [row(3, "three")] })).toBe(known.pages[1]);
});

it("keeps the rows that did not change", () => {
  const page = sharePage(known, undefined, { items: [row(1, "one"), row(2, "other")] });
  expect(page.items[0]).toBe(known.pages[0]?.items[0]);
  expect(page.items[1]).toEqual(row(2, "other"));
});

it("takes a page that is not known as it comes", () => {
  const page = { items: [row(3, "three")] };
  expect(sharePage(known, "b", page)).toBe(page);
  expect(sharePage(undefined, undefined, page)).toBe(page);
});

it("keeps all of it when no page changed, and nothing else", () => {
  expect(sharePages(known, { ...known, pages: [...known.pages] })).toBe(known);
  const fewer = { pageParams: [undefined], pages: [known.pages[0]] };
  expect(sharePages(known, fewer)).toBe(fewer);
  expect(sharePages(undefined, fewer)).toBe(fewer);
});
