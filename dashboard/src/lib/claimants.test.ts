import { expect, it } from "vitest";
import { claimantsOf } from "./claimants";

const seen = (machine_id: string, boot_id: string, minute: number, hostname = machine_id) => ({
  machine_id,
  boot_id,
  hostname,
  address: null,
  seen_at: `2026-11-23T12:${String(minute).padStart(2, "0")}:00Z`,
});

it("takes the sightings of one machine together and puts the one on record first", () => {
  const all = claimantsOf([seen("copy", "b1", 5), seen("record", "b2", 1), seen("copy", "b3", 9, "renamed")], "record");
  expect(all.map(({ machineId, hostname, onRecord }) => [machineId, hostname, onRecord])).toEqual([
    ["record", "record", true],
    ["copy", "renamed", false],
  ]);
  expect(all[1]?.sightings.map(({ boot_id }) => boot_id)).toEqual(["b3", "b1"]);
});

it("knows copies that say they are the same machine as one", () => {
  expect(claimantsOf([seen("m", "b1", 1), seen("m", "b2", 2)], "m")).toHaveLength(1);
});
