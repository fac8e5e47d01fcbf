import { describe, expect, it } from "vitest";
import { parseSearchWith, stringifySearchWith } from "@tanstack/react-router";
import { addressValue, agentsSearch, auditSearch, commandsSearch, dayStart, safeNext, scopeOf, softwareSearch, titleSearch } from "./search";

const A = "0190a6c0-0000-7000-8000-000000000001";
const B = "0190a6c0-0000-7000-8000-000000000002";

describe("what stands in the address", () => {
  it("is kept when it is known", () => {
    const search = agentsSearch({ q: " srv ", presence: "offline", role: "server", sort: "-volume", attention: "clash", organization_id: A, site_id: B });
    expect(search).toMatchObject({ q: "srv", presence: "offline", role: "server", sort: "-volume", attention: "clash", organization_id: A, site_id: B });
  });
  it("is dropped when it is not", () => {
    const search = agentsSearch({ q: {}, presence: "gone", os_family: ["linux"], attention: true, sort: "name; drop", organization_id: "../x", site_id: B });
    expect(Object.values(search).every((value) => value === undefined)).toBe(true);
  });
  it("keeps a number that was typed as text", () => expect(agentsSearch({ q: 42 }).q).toBe("42"));
  it("bounds texts", () => expect(auditSearch({ action: "x".repeat(999) }).action).toHaveLength(255));
  it("knows no site without its organization", () => expect(scopeOf({ site_id: B }).site_id).toBeUndefined());
  it("knows the command states", () => {
    expect(commandsSearch({ state: "timed_out" }).state).toBe("timed_out");
    expect(commandsSearch({ state: "done" }).state).toBeUndefined();
  });
});

describe("versions in the address", () => {
  const parse = parseSearchWith(addressValue);
  const stringify = stringifySearchWith(JSON.stringify, addressValue);
  it.each(["1.10", "120", "120.0", "1e3", "0x10", "1:2.0-1", "007", "true", "null", '"1"', "1.0+b1"])("%s stays what it is", (below) => {
    expect(titleSearch(parse(stringify({ below })))).toMatchObject({ below });
  });
  it("are read as they were typed", () => {
    expect(softwareSearch(parse("?q=7-zip&below=1.10&at_least=007&source=windows"))).toMatchObject({
      q: "7-zip", below: "1.10", at_least: "007", source: "windows",
    });
  });
  it("know no other source", () => expect(titleSearch({ title: "x", source: "steam" }).source).toBeUndefined());
});

describe("days in the address", () => {
  it.each(["2026-02-30", "2026-13-01", "yesterday", "20260101", 20260101])("%s is none", (from) => expect(auditSearch({ from }).from).toBeUndefined());
  it("are kept", () => expect(auditSearch({ from: "2024-02-29", to: "2024-03-01" })).toMatchObject({ from: "2024-02-29", to: "2024-03-01" }));
  it("begin at midnight where the reader is, and end where the next one begins", () => {
    expect(dayStart("2026-11-23")).toBe(new Date(2026, 10, 23).toISOString());
    expect(dayStart("2026-12-31", 1)).toBe(new Date(2027, 0, 1).toISOString());
    expect(dayStart(undefined, 1)).toBeUndefined();
  });
});

describe("safeNext", () => {
  it.each(["/agents?q=x#y", "/"])("goes back to %s", (next) => expect(safeNext(next)).toBe(next));
  it.each(["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", 7, undefined, "/login?next=/login", "/setup-first-account"])(
    "does not go to %s",
    (next) => expect(safeNext(next)).toBe("/"),
  );
});
