import { expect, it } from "vitest";
import { disksOf, matching, networkOf, osOf, rebootOf, rebootWords, servicesOf, softwareOf, sortSections, volumesOf } from "./inventory";

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

it("calls what it does not know unknown", () => {
  expect(disksOf([{ name: "sda", media: "ssd", bus: "nvme", health: "constructor" }])[0]).toMatchObject({
    kind: "SSD, nvme",
    health: "Unknown",
  });
  expect(servicesOf([{ name: "ssh", state: "running", start: "automatic" }])[0]).toMatchObject({
    state: "Running",
    start: "Automatic",
    account: null,
  });
});

it("finds rows that have every word somewhere", () => {
  const rows = softwareOf([
    { name: "Mozilla Firefox", version: "128.0", publisher: "Mozilla" },
    { name: "7-Zip", version: "24.08", publisher: "Igor Pavlov" },
  ]);
  expect(matching(rows, " FIREFOX 128 ").map((row) => row.name)).toEqual(["Mozilla Firefox"]);
  expect(matching(rows, "firefox pavlov")).toEqual([]);
  expect(matching(rows, "")).toHaveLength(2);
});

it("says why a restart is due in plain words, each reason once", () => {
  const updates = "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\WindowsUpdate\\Auto Update\\RebootRequired";
  expect(rebootWords([updates, updates.replace("RebootRequired", "PostRebootReporting")])).toBe(
    "Windows Update installed updates that need a restart.",
  );
  expect(rebootWords(["/run/reboot-required", "package libc6", "kernel 6.2 is installed, 6.1 runs"])).toBe(
    "Packages were installed that need a restart. A newer kernel is installed than the one that runs.",
  );
  expect(rebootWords(["something of a newer agent"])).toBe("");
});
