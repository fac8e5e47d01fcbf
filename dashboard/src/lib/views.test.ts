import { describe, expect, it } from "vitest";
import { agentsSearch, auditSearch } from "./search";
import { addressOf, isOther, lostFilters, queryOf, withoutScope } from "./views";

const ID = "0190a6c0-0000-7000-8000-00000000000a";
const A = "0190a6c0-0000-7000-8000-000000000001";
const B = "0190a6c0-0000-7000-8000-000000000002";
const S = "0190a6c0-0000-7000-8000-000000000003";
const view = (query: Record<string, string>) => ({ id: ID, query });

describe("a saved view", () => {
  it("holds what the address says, but not which view that is", () => {
    const search = agentsSearch({ q: "srv", role: "server", organization_id: A, saved: ID, view_dialog: "save" });
    expect(queryOf(search)).toEqual({ q: "srv", role: "server", organization_id: A });
    expect(withoutScope(queryOf(search))).toEqual({ q: "srv", role: "server" });
  });
  it("leads to its address, wherever the reader is", () => {
    const address = addressOf(view({ role: "server", sort: "-cpu" }), { organization_id: A, site_id: S }, agentsSearch);
    expect(address).toMatchObject({ role: "server", sort: "-cpu", organization_id: A, site_id: S, saved: ID });
    expect(address.view_dialog).toBeUndefined();
  });
  it("leads to its own place where it has one, without the site of another", () => {
    const address = addressOf(view({ organization_id: B }), { organization_id: A, site_id: S }, agentsSearch);
    expect(address.organization_id).toBe(B);
    expect(address).toHaveProperty("site_id", undefined);
  });
  it("leaves out filters that are no more, and names them", () => {
    const old = { role: "server", presence: "asleep", colour: "red", saved: ID };
    expect(lostFilters(old, agentsSearch)).toEqual(["colour", "presence", "saved"]);
    expect(queryOf(addressOf(view(old), {}, agentsSearch))).toEqual({ role: "server" });
    expect(lostFilters({ action: "agent.", from: "2026-01-02", organization_id: A }, auditSearch)).toEqual([]);
  });
  it("is changed by another filter, and by another place only where it has one", () => {
    const servers = view({ role: "server" });
    const at = (raw: Record<string, unknown>) => ({ ...agentsSearch(raw), saved: ID });
    expect(isOther(servers, at({ role: "server" }), agentsSearch)).toBe(false);
    expect(isOther(servers, at({ role: "server", organization_id: A, view_dialog: "edit" }), agentsSearch)).toBe(false);
    expect(isOther(servers, at({ role: "server", sort: "-cpu" }), agentsSearch)).toBe(true);
    expect(isOther(servers, at({}), agentsSearch)).toBe(true);
    expect(isOther(view({ organization_id: B }), at({ organization_id: A }), agentsSearch)).toBe(true);
    expect(isOther(view({ role: "server", colour: "red" }), at({ role: "server" }), agentsSearch)).toBe(false);
  });
});
