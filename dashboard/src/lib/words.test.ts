import { expect, it } from "vitest";
import { sentence } from "./words";

it.each([
  ["this needs the role technician", "This needs the role technician."],
  [" Already one. ", "Already one."],
  ["Waiting…", "Waiting…"],
  ["ärger", "Ärger."],
])("%j is the sentence %j", (words, expected) => expect(sentence(words)).toBe(expected));
