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
  timeoutSeconds: number;
  expiresInSeconds: number;
  workingDirectory: string;
  environment: Variable[];
  secrets: Variable[];
}

/** The shells that a system has, the usual one first. */
export function interpretersFor(family: string | null | undefined): [Interpreter, ...Interpreter[]] {
  return family === "windows" ? ["powershell", "cmd"] : ["sh"];
}

/** What the server is asked to run. Line ends become plain line feeds. */
export function toRequest(draft: Draft): NewCommand {
  return {
    program:
      draft.kind === "shell"
        ? { kind: "shell", interpreter: draft.interpreter, script: draft.script.replaceAll("\r\n", "\n") }
        : { kind: "exec", argv: argumentsOf(draft.arguments) },
    timeout_seconds: draft.timeoutSeconds,
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
  return Object.fromEntries(variables.filter(({ name }) => name.trim() !== "").map(({ name, value }) => [name.trim(), value]));
}
