import type { NewCommand } from "../api/types";

/** The shells by their names on the wire. */
export const INTERPRETERS = { sh: "sh", powershell: "Windows PowerShell", cmd: "cmd.exe" } as const;
export type Interpreter = keyof typeof INTERPRETERS;

/** An environment variable as it is typed. */
export interface Variable {
  name: string;
  value: string;
}

/** A command as it is typed. */
export interface Draft {
  kind: "shell" | "exec";
  interpreter: Interpreter;
  script: string;
  /** One argument per line, the program first. */
  arguments: string;
  /** What stands in the field, which may be nothing or too much. */
  timeoutSeconds: number | string;
  expiresInSeconds: number;
  workingDirectory: string;
  environment: Variable[];
  secrets: Variable[];
}

/** Nothing typed yet. */
export function freshDraft(interpreter: Interpreter): Draft {
  return {
    kind: "shell",
    interpreter,
    script: "",
    arguments: "",
    timeoutSeconds: 300,
    expiresInSeconds: 86_400,
    workingDirectory: "",
    environment: [],
    secrets: [],
  };
}

/** The shells that a system has, the usual one first. */
export function interpretersFor(family: string | null | undefined): [Interpreter, ...Interpreter[]] {
  return family === "windows" ? ["powershell", "cmd"] : ["sh"];
}

/** Longest time a command may run, in seconds. */
export const LONGEST_TIMEOUT = 86_400;

/** What must be mended before it can be asked for, by field of the request. */
export interface DraftProblems {
  timeout_seconds?: string;
  environment?: string;
  secrets?: string;
}

export function problemsOf(draft: Draft): DraftProblems {
  const problems: DraftProblems = {};
  const { timeoutSeconds } = draft;
  if (typeof timeoutSeconds !== "number" || !Number.isInteger(timeoutSeconds) || timeoutSeconds < 1 || timeoutSeconds > LONGEST_TIMEOUT) {
    problems.timeout_seconds = "A whole number from 1 to 86400 (one day).";
  }
  const environment = problemOf(draft.environment, []);
  const secrets = problemOf(draft.secrets, draft.environment) ?? emptySecret(draft.secrets);
  if (environment) problems.environment = environment;
  if (secrets) problems.secrets = secrets;
  return problems;
}

function isBlank({ name, value }: Variable): boolean {
  return name.trim() === "" && value === "";
}

function problemOf(variables: readonly Variable[], others: readonly Variable[]): string | undefined {
  const taken = new Set(others.filter((each) => !isBlank(each)).map(({ name }) => name.trim()));
  for (const [index, variable] of variables.entries()) {
    const name = variable.name.trim();
    if (isBlank(variable)) continue;
    if (name === "") return `Variable ${index + 1} has a value but no name.`;
    if (taken.has(name)) return `The name ${name} stands here twice.`;
    taken.add(name);
  }
  return undefined;
}

/** Secret values leave the form with each command: one that was not typed again must not go out empty. */
function emptySecret(secrets: readonly Variable[]): string | undefined {
  const empty = secrets.find(({ name, value }) => name.trim() !== "" && value === "");
  return empty ? `${empty.name.trim()} has no value. Type it again: it is not kept.` : undefined;
}

/** What the server is asked to run. Line ends become plain line feeds. */
export function toRequest(draft: Draft): NewCommand {
  return {
    program:
      draft.kind === "shell"
        ? { kind: "shell", interpreter: draft.interpreter, script: draft.script.replaceAll("\r\n", "\n") }
        : { kind: "exec", argv: argumentsOf(draft.arguments) },
    timeout_seconds: Number(draft.timeoutSeconds),
    expires_in_seconds: draft.expiresInSeconds,
    working_directory: draft.workingDirectory.trim() || null,
    environment: toMap(draft.environment),
    secrets: toMap(draft.secrets),
  };
}

/** One argument per line; empty lines inside are empty arguments, those at the end are not. */
export function argumentsOf(text: string): string[] {
  const lines = text.replaceAll("\r\n", "\n").split("\n");
  while (lines.length > 0 && lines.at(-1) === "") lines.pop();
  return lines;
}

function toMap(variables: readonly Variable[]): Record<string, string> {
  return Object.fromEntries(variables.filter((each) => !isBlank(each)).map(({ name, value }) => [name.trim(), value]));
}
