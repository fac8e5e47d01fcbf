import { describe, expect, it } from "vitest";
import type { Run, RunPreview } from "../api/types";
import { changeBetween, draftOf, endedOf, interpretersOf, isNothing, machines, outcomeOf, outlookOf, targetOf } from "./runs";
import { NOTHING, select } from "./selection";

const agent = (name: string, state: "online" | "offline" = "online", refused = false) =>
  ({
    agent_id: `id-${name}`,
    name,
    presence: { state },
    refusal: refused ? { code: "agent_not_active", words: "it is quarantined" } : null,
  }) as RunPreview["agents"][number];
const preview = (agents: RunPreview["agents"], total = agents.length, refused = 0) =>
  ({ agents, total, ready: total - refused, refused, refusals: [], fingerprint: "f" }) as RunPreview;

describe("the target of a run", () => {
  it("is the rows that were picked", () =>
    expect(targetOf({ all: false, ids: new Set(["a", "b"]) }, { q: "srv" })).toEqual({ agent_ids: ["a", "b"] }));
  it("is the filter and its exceptions where all were", () =>
    expect(targetOf({ all: true, ids: new Set(["a"]) }, { q: "srv", role: "server" })).toEqual({
      filter: { q: "srv", role: "server" },
      except: ["a"],
    }));
  it("may be nothing", () => {
    expect(isNothing(NOTHING)).toBe(true);
    expect(isNothing(select(NOTHING, { type: "all" }))).toBe(false);
  });
  it("says which shells there may be", () => {
    expect(interpretersOf({ os_family: "linux" })).toEqual(["sh"]);
    expect(interpretersOf({})).toContain("sh");
  });
  it("is counted in words", () => {
    expect(machines(1)).toBe("1 machine");
    expect(machines(1214)).toBe("1,214 machines");
  });
});

describe("a preview", () => {
  it("tells who starts now, who waits and who is not named", () =>
    expect(outlookOf(preview([agent("a"), agent("b", "offline"), agent("c", "offline", true)], 10, 3))).toEqual({
      now: 1,
      waiting: 1,
      unnamed: 5,
      unnamedRefused: 2,
    }));
  it("tells what changed", () =>
    expect(changeBetween(preview([agent("a"), agent("b")]), preview([agent("b"), agent("c"), agent("d")]))).toEqual({
      from: 2,
      to: 3,
      added: ["c", "d"],
      removed: ["a"],
    }));
  it("does not guess where not all are named", () =>
    expect(changeBetween(preview([agent("a")], 300), preview([agent("b")], 301))).toEqual({ from: 300, to: 301, added: [], removed: [] }));
});

describe("a run", () => {
  const counts = { queued: 1, sent: 1, running: 2, succeeded: 3, failed: 1, timed_out: 0, cancelled: 0, expired: 0, unknown: 0, refused: 2 };
  it("is over on all but the open ones", () => expect(endedOf({ total: 10, counts })).toBe(6));
  it("is ordered again as it was, without secret values", () =>
    expect(
      draftOf({
        program: { kind: "exec", argv: ["ping", "-c", "1"] },
        timeout_seconds: 60,
        working_directory: null,
        environment: { A: "1" },
        secret_names: ["TOKEN"],
      } as unknown as Run),
    ).toEqual({
      kind: "exec",
      arguments: "ping\n-c\n1",
      timeoutSeconds: 60,
      workingDirectory: "",
      environment: [{ name: "A", value: "1" }],
      secrets: [{ name: "TOKEN", value: "" }],
    }));
});

describe("how a run stands in words", () => {
  const none = { queued: 0, sent: 0, running: 0, succeeded: 0, failed: 0, timed_out: 0, cancelled: 0, expired: 0, unknown: 0, refused: 0 };
  const outcome = (counts: Partial<typeof none>) =>
    outcomeOf({ counts: { ...none, ...counts }, total: Object.values(counts).reduce((sum, count) => sum + count, 0) });

  it("counts what did not succeed, the worst first", () => {
    expect(outcome({ succeeded: 1, failed: 1, timed_out: 1, cancelled: 3 })).toEqual({ like: "failed", words: "2 failed, 3 cancelled" });
    expect(outcome({ succeeded: 1, refused: 2 })).toEqual({ like: "refused", words: "2 not run" });
    expect(outcome({ cancelled: 3 })).toEqual({ like: "cancelled", words: "3 cancelled" });
    expect(outcome({ succeeded: 2 })).toEqual({ like: "succeeded", words: "Succeeded" });
  });

  it("says what is open, unless something failed already", () => {
    expect(outcome({ running: 1, queued: 2 })).toEqual({ like: "running", words: "3 open" });
    expect(outcome({ queued: 2, succeeded: 1 })).toEqual({ like: "queued", words: "2 open" });
    expect(outcome({ running: 1, failed: 1 })).toEqual({ like: "failed", words: "1 failed" });
  });
});
