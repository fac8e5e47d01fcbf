import { expect, it } from "vitest";
import { networkOf, osOf, rebootOf, sortSections, volumesOf } from "./inventory";

it("takes hostile shapes for what they are: not reported", () => {
  expect(osOf("not an object").name).toBeNull();
  expect(osOf({ name: { html: "<b>" }, booted_at: "never" })).toMatchObject({ name: null, booted_at: null });
  expect(volumesOf({})).toEqual([]);
  expect(volumesOf([null, { mount: "/", total_bytes: "big" }])[1]).toMatchObject({ mount: "/", total_bytes: 0 });
  expect(networkOf([{ name: "eth0", addresses: ["10.0.0.1/8", 7] }])[0]?.addresses).toEqual(["10.0.0.1/8"]);
  expect(rebootOf({ pending: "yes" }).pending).toBeNull();
});

it("shows known sections in their order and unknown ones behind them", () => {
  const at = { collected_at: "", changed_at: "", data: null, problems: [] };
  const names = ["zeta", "users", "alpha", "os"].map((section) => ({ section, ...at }));
  expect(sortSections(names).map((each) => each.section)).toEqual(["os", "users", "alpha", "zeta"]);
});
