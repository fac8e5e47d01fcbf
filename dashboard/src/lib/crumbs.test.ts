import { expect, it } from "vitest";
import { crumbs } from "./crumbs";

const functions = [
  { to: "/overview", word: "Overview" },
  { to: "/agents", word: "Agents" },
  { to: "/commands", word: "Commands" },
];
const words = (all: ReturnType<typeof crumbs>) => all.map((crumb) => crumb.words);

it("a list stands in its scope", () => {
  expect(words(crumbs({ path: "/agents", name: "Agents", scope: {}, functions }))).toEqual(["All organizations", "Agents"]);
  const way = crumbs({
    path: "/agents",
    name: "Agents",
    scope: { organization_id: "o", site_id: "s" },
    organizationName: "Contoso",
    siteName: "HQ",
    functions,
  });
  expect(words(way)).toEqual(["Contoso", "HQ", "Agents"]);
  expect(way.map(({ to }) => to)).toEqual(["/agents", "/agents", undefined]);
  expect(way[0]?.scope).toEqual({ organization_id: "o" });
});

it("an agent stands in its own site, whatever the scope is", () => {
  const agent = { organization_id: "o", organization_name: "Contoso", site_id: "s", site_name: "HQ" };
  const way = crumbs({ path: "/agents/1", name: "AD1", scope: { organization_id: "other" }, agent, functions });
  expect(words(way)).toEqual(["Contoso", "HQ", "AD1"]);
  expect(way[1]?.scope).toEqual({ organization_id: "o", site_id: "s" });
});

it("a page below a function has the way back to it", () => {
  const way = crumbs({ path: "/commands/1", name: "Command on AD1", scope: {}, functions });
  expect(words(way)).toEqual(["All organizations", "Commands", "Command on AD1"]);
  expect(way[1]?.to).toBe("/commands");
});
