import { describe, expect, it } from "vitest";
import type { Organization, Site, Spine } from "../api/types";
import { type Places, scopeOfNode, treeKey, treeLines } from "./tree";

const organization = (id: string) => ({ id, name: id }) as Organization;
const site = (id: string, organization_id: string) => ({ id, organization_id, name: id }) as Site;
const spine = { servers: [{ id: "DC1" }, { id: "FS1" }], more_servers: 0, others: { total: 12, online: 10, attention: 1 } } as Spine;

function places(open: string[], more: Partial<Places> = {}): Places {
  return {
    organizations: [organization("A"), organization("B")],
    sitesOf: (id) => ({ items: [site(`${id}1`, id), site(`${id}2`, id)], more: false }),
    spineOf: () => spine,
    isOpen: (id) => open.includes(id),
    ...more,
  };
}
const shape = (open: string[], more?: Partial<Places>) =>
  treeLines(places(open, more)).map(({ key, level, position, siblings }) => `${"  ".repeat(level - 1)}${key} ${position}/${siblings}`);

describe("the lines", () => {
  it("are organizations, and what is open below them", () => {
    expect(shape([])).toEqual(["all 1/3", "A 2/3", "B 3/3"]);
    expect(shape(["A", "A2"])).toEqual([
      "all 1/3",
      "A 2/3",
      "  A1 1/2",
      "  A2 2/2",
      "    DC1 1/3",
      "    FS1 2/3",
      "    others-A2 3/3",
      "B 3/3",
    ]);
  });
  it("say what is loaded and what is not there", () => {
    const notes = (more: Partial<Places>) =>
      treeLines(places(["A", "A1"], more)).flatMap(({ node }) => (node.kind === "note" ? [node.words] : []));
    expect(notes({ sitesOf: () => undefined })).toEqual(["Loading…"]);
    expect(notes({ sitesOf: () => ({ items: [], more: false }) })).toEqual(["No sites yet."]);
    expect(notes({ sitesOf: () => "failed" })).toEqual([expect.stringContaining("Could not be loaded.")]);
    expect(notes({ spineOf: () => "failed" })).toEqual([expect.stringContaining("Could not be loaded.")]);
    expect(notes({ sitesOf: (id) => ({ items: [site(`${id}1`, id)], more: true }) })).toEqual([expect.stringContaining("There are more sites")]);
    expect(notes({ spineOf: () => undefined })).toEqual(["Loading…"]);
    const empty: Spine = { servers: [], more_servers: 0, others: { total: 0, online: 0, attention: 0 } };
    expect(notes({ spineOf: () => empty })).toEqual(["No machine is enrolled here."]);
  });
  it("name the servers that are too many", () => {
    expect(shape(["A", "A1"], { spineOf: () => ({ ...spine, more_servers: 3 }) })).toContain("    more-A1 3/4");
  });
});

describe("keys", () => {
  const lines = treeLines(places(["A", "A2"]));
  it("go up and down over what is shown, and stop at the ends", () => {
    expect(treeKey(lines, "A", "ArrowDown")).toEqual({ focus: "A1" });
    expect(treeKey(lines, "B", "ArrowUp")).toEqual({ focus: "others-A2" });
    expect(treeKey(lines, "B", "ArrowDown")).toEqual({});
    expect(treeKey(lines, "A1", "Home")).toEqual({ focus: "all" });
    expect(treeKey(lines, "A1", "End")).toEqual({ focus: "B" });
  });
  it("open, go in, close and go out", () => {
    expect(treeKey(lines, "B", "ArrowRight")).toEqual({ open: true });
    expect(treeKey(lines, "A", "ArrowRight")).toEqual({ focus: "A1" });
    expect(treeKey(lines, "DC1", "ArrowRight")).toEqual({});
    expect(treeKey(lines, "A", "ArrowLeft")).toEqual({ open: false });
    expect(treeKey(lines, "DC1", "ArrowLeft")).toEqual({ focus: "A2" });
    expect(treeKey(lines, "all", "ArrowLeft")).toEqual({});
    expect(treeKey(lines, "all", "x")).toBeUndefined();
  });
});

it("organizations and sites stand for a scope, machines for none", () => {
  const scopes = treeLines(places(["A", "A1"])).map(({ node }) => scopeOfNode(node));
  expect(scopes[0]).toEqual({});
  expect(scopes[1]).toEqual({ organization_id: "A" });
  expect(scopes[2]).toEqual({ organization_id: "A", site_id: "A1" });
  expect(scopes[3]).toBeUndefined();
});
