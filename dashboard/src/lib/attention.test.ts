import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { FIRST_CONNECTION, NEARLY_FULL, OTHER_MISSED, SERVER_MISSED, wordsBeyond } from "./attention";

const SECONDS = { minutes: 60, hours: 3_600, days: 86_400 };

it("tells the server's own rules", () => {
  const rules = readFileSync(join(import.meta.dirname, "../../../server/src/agents/attention.rs"), "utf8");
  const time = (name: string) => {
    const [, unit, count] = new RegExp(`const ${name}: TimeDelta = TimeDelta::(minutes|hours|days)\\((\\d+)\\);`).exec(rules) ?? [];
    return SECONDS[unit as keyof typeof SECONDS] * Number(count);
  };
  expect([SERVER_MISSED, OTHER_MISSED, FIRST_CONNECTION]).toEqual([time("SERVER_MISSED"), time("OTHER_MISSED"), time("FIRST_CONNECTION")]);
  expect(NEARLY_FULL).toBe(Number(/const NEARLY_FULL: i64 = (\d+);/.exec(rules)?.[1]));
});

it("says of a machine only what its verdict does not", () => {
  expect(wordsBeyond("pending_reboot", "Waits for a restart")).toBeUndefined();
  expect(wordsBeyond("volume_full", "C: is 93 % full")).toBe("C: is 93 % full");
});
