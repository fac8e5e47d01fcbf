import { expect, it } from "vitest";
import { argumentsOf, type Draft, interpretersFor, problemsOf, toRequest } from "./draft";
import { withoutSecrets } from "./draftStore";

const draft: Draft = {
  kind: "shell",
  interpreter: "sh",
  script: "echo a\r\necho b",
  arguments: "ls\n-l\n\n/tmp/with space\n",
  timeoutSeconds: 60,
  expiresInSeconds: 3600,
  workingDirectory: "  ",
  environment: [{ name: " LANG ", value: "C" }, { name: "", value: "" }],
  secrets: [{ name: "TOKEN", value: " keep spaces " }],
};

it("makes a script's request", () => {
  expect(toRequest(draft)).toEqual({
    program: { kind: "shell", interpreter: "sh", script: "echo a\necho b" },
    timeout_seconds: 60,
    expires_in_seconds: 3600,
    working_directory: null,
    environment: { LANG: "C" },
    secrets: { TOKEN: " keep spaces " },
  });
});

it("takes each line as one argument, empty ones inside too", () => {
  expect(argumentsOf(draft.arguments)).toEqual(["ls", "-l", "", "/tmp/with space"]);
  expect(argumentsOf("")).toEqual([]);
});

it("offers the shells that the system has", () => {
  expect(interpretersFor("windows")).toEqual(["powershell", "cmd"]);
  expect(interpretersFor("linux")).toEqual(["sh"]);
  expect(interpretersFor(null)).toEqual(["sh"]);
});

it("finds nothing wrong with a good draft", () => expect(problemsOf(draft)).toEqual({}));

it.each(["", "1e9", 0, 86_401, 1.5])("does not guess a timeout from %j", (timeoutSeconds) => {
  expect(problemsOf({ ...draft, timeoutSeconds }).timeout_seconds).toContain("1 to 86400");
});

it("drops no variable silently", () => {
  const nameless = [{ name: " ", value: "v" }];
  expect(problemsOf({ ...draft, environment: nameless }).environment).toContain("no name");
  expect(problemsOf({ ...draft, secrets: nameless }).secrets).toContain("no name");
  expect(problemsOf({ ...draft, environment: [{ name: "A", value: "1" }, { name: "A ", value: "2" }] }).environment).toContain("twice");
  expect(problemsOf({ ...draft, secrets: [{ name: "LANG", value: "x" }] }).secrets).toContain("twice");
  expect(problemsOf({ ...draft, secrets: [{ name: "TOKEN", value: "" }] }).secrets).toContain("no value");
});

it("keeps a draft without the values of its secrets", () => {
  const kept = JSON.stringify(withoutSecrets(draft));
  expect(kept).not.toContain("keep spaces");
  expect(kept).toContain("TOKEN");
});
