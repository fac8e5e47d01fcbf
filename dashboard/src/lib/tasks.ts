import type { Agent } from "../api/types";
import { freshDraft, interpretersFor, type Draft } from "./draft";
import { percentOf } from "./units";

/** Commands that are written for the reader, who looks at them and runs them. */
export const TASKS = ["restart", "space"] as const;
export type Task = (typeof TASKS)[number];

/** What each of them does, said above the command. */
export const TASK_WORDS: Record<Task, string> = {
  restart: "This restarts the machine a minute after it is run; whoever is logged on is told.",
  space: "This lists what takes the room on the fullest volume, the largest first. It changes nothing.",
};

type Machine = Pick<Agent, "os_family" | "latest_volumes">;

/** The command for a machine; null where there is none that fits it. */
export function taskDraft(task: Task, machine: Machine): Draft | null {
  const script = machine.os_family === "windows" ? onWindows(task, machine) : machine.os_family === "linux" ? onLinux(task, machine) : null;
  if (script === null) return null;
  const draft = { ...freshDraft(interpretersFor(machine.os_family)[0]), script };
  // Reading a whole volume takes its time; a restart that waited for a machine must not come upon its users a day later.
  return task === "space" ? { ...draft, timeoutSeconds: 3_600 } : { ...draft, expiresInSeconds: 3_600 };
}

function onWindows(task: Task, machine: Machine): string | null {
  if (task === "restart") return 'shutdown.exe /r /t 60 /c "Your administrator restarts this computer in a minute."';
  const drive = /^([A-Z]:)\\?$/.exec(fullestMount(machine) ?? "")?.[1];
  if (!drive) return null;
  return [
    `Get-ChildItem '${drive}\\' -Force -Attributes !ReparsePoint -ErrorAction SilentlyContinue | ForEach-Object {`,
    "  $sum = (Get-ChildItem -LiteralPath $_.FullName -Recurse -Force -File -ErrorAction SilentlyContinue | Measure-Object Length -Sum).Sum",
    "  [pscustomobject]@{ GiB = [math]::Round($sum / 1GB, 1); Path = $_.FullName }",
    "} | Sort-Object GiB -Descending | Format-Table -AutoSize",
  ].join("\n");
}

function onLinux(task: Task, machine: Machine): string | null {
  if (task === "restart") return "shutdown -r +1 'Your administrator restarts this machine in a minute.'";
  const mount = fullestMount(machine);
  // A name that a shell would read as more than a name is for the reader to quote.
  if (!mount || !/^\/[\w./-]*$/.test(mount)) return null;
  return `du -xk --max-depth=3 '${mount}' 2>/dev/null | sort -rn | head -n 40 | awk '{ size = $1; sub(/^[0-9]+[ \\t]+/, ""); printf "%8.1f GiB  %s\\n", size / 1048576, $0 }'`;
}

function fullestMount({ latest_volumes }: Machine): string | undefined {
  const share = ({ used_bytes, total_bytes }: Machine["latest_volumes"][number]) => percentOf(used_bytes, total_bytes) ?? 0;
  return latest_volumes.toSorted((a, b) => share(b) - share(a))[0]?.mount;
}
