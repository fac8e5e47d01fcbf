import { expect, it } from "vitest";
import { argumentsOf, type Draft, interpretersFor, toRequest } from "./draft";

const draft: Draft = {
  kind: "shell",
  interpreter: "sh",
  script: "echo a\r\necho b",
  arguments: "ls\n-l\n\n/tmp/with space\n",
  timeoutSeconds: 60,
  expiresInSeconds: 3600,
  workingDirectory: "  ",
  environment: [{ name: " LANG ", value: "C" }, { name: "", value: "lost" }],
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
