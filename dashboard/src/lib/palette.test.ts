import { expect, it } from "vitest";
import { rank, ranked, step } from "./palette";

it("the beginning counts more than the beginning of a word, and that more than the middle", () => {
  expect(rank("Enrollment tokens", "enr")).toBe(3);
  expect(rank("Enrollment tokens", "tok")).toBe(2);
  expect(rank("Enrollment tokens", "ken")).toBe(1);
  expect(rank("Enrollment tokens", "tokens enroll")).toBe(2);
  expect(rank("Enrollment tokens", "tokens audit")).toBe(0);
  expect(rank("Audit", "  ")).toBe(1);
});

it("the best come first, and equals stay in their order", () => {
  const pages = ["Audit", "Run a command", "Commands", "Command line"].map((title) => ({ title }));
  expect(ranked(pages, "command").map(({ title }) => title)).toEqual(["Commands", "Command line", "Run a command"]);
});

it("a title counts more than what stands beside it", () => {
  const actions = [
    { title: "Run a command", detail: "MOVE-SRV" },
    { title: "Move to another site", detail: "MOVE-SRV" },
    { title: "Remove", detail: "MOVE-SRV" },
  ];
  expect(ranked(actions, "move").map(({ title }) => title)).toEqual(["Move to another site", "Remove", "Run a command"]);
  expect(ranked(actions, "move-srv").map(({ title }) => title)).toEqual(["Run a command", "Move to another site", "Remove"]);
  expect(ranked(actions, "run srv").map(({ title }) => title)).toEqual(["Run a command"]);
});

it("arrows go round", () => {
  expect(step(0, -1, 3)).toBe(2);
  expect(step(2, 1, 3)).toBe(0);
  expect(step(0, 1, 0)).toBe(-1);
});
