import { expect, it } from "vitest";
import type { AuditEntry } from "../api/types";
import { actionWords, changeWords, objectOf } from "./audit";

const ADA = { kind: "user", id: "1", label: "ada@example.com" };
const entry = (action: string, target: object, detail: object = {}, rest: object = {}) =>
  ({ action, actor: ADA, target: { kind: "agent", id: "2", label: "BLW-APP01", ...target }, detail, outcome: "success", ...rest }) as AuditEntry;

it("says what was done in words, and an unknown action as it is", () => {
  expect(actionWords("agent.update")).toBe("Agent changed");
  expect(actionWords("agent.of_tomorrow")).toBe("agent.of_tomorrow");
  expect(actionWords("toString")).toBe("toString");
});

it("names what it was done to, unless that is who did it", () => {
  expect(objectOf(entry("agent.update", {}))).toBe("BLW-APP01");
  expect(objectOf(entry("user.login", ADA))).toBeUndefined();
  expect(objectOf(entry("command.create", { kind: "command", label: "reboot" }, { agent: "BLW-DC01" }))).toBe("BLW-DC01");
});

it("says what changed, from what to what", () => {
  expect(changeWords(entry("organization.rename", { kind: "organization", label: "Contoso" }, { name: "Contoso Ltd" }))).toBe("name: Contoso → Contoso Ltd");
  expect(changeWords(entry("agent.update", {}, { display_name: "Reception", site: "HQ" }))).toBe("display name: BLW-APP01 → Reception; site: HQ");
  expect(changeWords(entry("agent.update", {}, { display_name: null }))).toBe("display name: removed");
  expect(changeWords(entry("enrollment_token.create", {}, { expires_in_hours: 72, max_uses: 1 }))).toBe("valid for 3 days; for 1 machine");
  expect(changeWords(entry("user.login", ADA, {}, { address: "10.0.0.5" }))).toBe("from 10.0.0.5");
});

it("says why something was refused", () => {
  const refused = entry("site.rename", { label: "HQ" }, { refused: "conflict", reason: "the name is taken", name: "Depot" }, { outcome: "refused" });
  expect(changeWords(refused)).toBe("the name is taken; name: HQ → Depot");
});

it("takes facts of hostile shapes for none", () => {
  expect(changeWords(entry("organization.rename", {}, { name: { html: "<b>" } }))).toBe("");
  expect(changeWords(entry("run.create", {}, { agents: "many", refused_agents: null }))).toBe("");
});
