import { expect, it } from "vitest";
import { allAway, mostUrgent, worstWords } from "./overview";

const worst = (reason: "quarantined" | "offline" | "volume_full" | "never_connected") => ({ reason, words: "", count: 3 });

it.each([
  [null, 0, null],
  [null, 2, "servers_offline"],
  [worst("never_connected"), 2, "servers_offline"],
  [worst("volume_full"), 2, "servers_offline"],
  [worst("volume_full"), 0, "volume_full"],
  [worst("offline"), 2, "offline"],
  [worst("quarantined"), 2, "quarantined"],
] as const)("the most urgent of %o and %i servers offline", (each, offline_servers, expected) => {
  expect(mostUrgent({ worst: each, offline_servers })?.reason ?? null).toBe(expected);
});

it("says that all are away only when several were there", () => {
  const count = { total: 9, online: 0, offline: 2, reconnecting: 0, never: 7, quarantined: 0, attention: 0 };
  const servers = { offline: 1 };
  expect(allAway(count, servers)).toBe(true);
  expect(allAway(count, { offline: 0 })).toBe(false);
  expect(allAway({ ...count, offline: 1 }, servers)).toBe(false);
  expect(allAway({ ...count, online: 1 }, servers)).toBe(false);
  expect(allAway({ ...count, reconnecting: 1 }, servers)).toBe(false);
});

it("names the worst machine, with the value that makes it the worst", () => {
  const one = { id: "", name: "FS01", organization_name: "", words: "C: is 98 % full", since: null };
  expect(worstWords({ reason: "volume_full", worst: one })).toBe("FS01: C: is 98 % full");
  expect(worstWords({ reason: "offline", worst: { ...one, words: "Server offline over 10 min" } })).toBe("FS01");
  expect(worstWords({ reason: "offline", worst: null })).toBe("");
});
