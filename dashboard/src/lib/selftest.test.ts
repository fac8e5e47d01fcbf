import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkWords, parseSelftest } from "./selftest";

const golden = readFileSync(join(import.meta.dirname, "../../../protocol/golden/selftest.json"), "utf8");
const changed = (change: Record<string, unknown>) => JSON.stringify({ ...(JSON.parse(golden) as object), ...change });
const check = (change: Record<string, unknown> = {}) => ({ name: "disk", state: "ok", code: "writable", reason: "It is so.", duration_ms: 1, ...change });

describe("parseSelftest", () => {
  it("reads what agents send, and puts first what is to be acted on", () => {
    const report = parseSelftest(golden);
    expect(report?.overall).toBe("failed");
    expect(report?.system).toBe("windows x86_64");
    expect(report?.checks.map((each) => [each.name, each.state])).toEqual([["tls", "failed"], ["disk", "ok"]]);
    expect(report?.checks[0]?.fix).toContain("Install the authority");
    expect(report?.checks[0]?.evidence).toHaveLength(2);
    expect(report?.checks[1]).toMatchObject({ fix: undefined, evidence: [] });
  });
  it("shows the worst of the checks whatever the report says of itself", () => {
    const of = (...states: string[]) => parseSelftest(changed({ overall: "ok", checks: states.map((state) => check({ state })) }))?.overall;
    expect(of("ok", "warning", "skipped")).toBe("warning");
    expect(of("ok", "failed")).toBe("failed");
    expect(of("skipped")).toBe("ok");
  });
  it("takes checks and fields that it does not know", () => {
    const report = parseSelftest(changed({ news: 1, checks: [check({ name: "quantum_link", more: [] })] }));
    expect(checkWords(report?.checks[0]?.name ?? "")).toBe("quantum link");
    expect(checkWords("constructor")).toBe("constructor");
  });
  it("removes characters that reorder or hide text", () => {
    const report = parseSelftest(changed({ checks: [check({ reason: "a\u202eb\u0000c\nd", evidence: ["\u200bx"] })] }));
    expect(report?.checks[0]).toMatchObject({ reason: "abcd", evidence: ["x"] });
  });
  it.each([
    ["nothing", ""],
    ["no JSON", "gururmm-agent: it failed"],
    ["cut off", golden.slice(0, -20)],
    ["another document", "[]"],
    ["null", "null"],
    ["another form", changed({ schema: 2 })],
    ["no checks", changed({ checks: [] })],
    ["checks that are no list", changed({ checks: { length: 1 } })],
    ["a check that is no object", changed({ checks: [null] })],
    ["a state that nobody knows", changed({ checks: [check({ state: "__proto__" })] })],
    ["a reason that is no text", changed({ checks: [check({ reason: { toString: 1 } })] })],
    ["a fix that is no text", changed({ checks: [check({ fix: ["rm"] })] })],
    ["evidence that is no list", changed({ checks: [check({ evidence: "x" })] })],
    ["evidence that is no text", changed({ checks: [check({ evidence: [1] })] })],
    ["too much evidence", changed({ checks: [check({ evidence: Array(17).fill("x") })] })],
    ["too many checks", changed({ checks: Array(33).fill(check()) })],
    ["too long a text", changed({ checks: [check({ reason: "x".repeat(1_001) })] })],
    ["no length", changed({ duration_ms: "1" })],
    ["too long a document", `${golden}${" ".repeat(512 * 1024)}`],
  ])("leaves to the raw output: %s", (_, output) => expect(parseSelftest(output)).toBeNull());
});
