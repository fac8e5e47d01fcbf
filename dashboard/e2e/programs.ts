import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const root = join(import.meta.dirname, "../..");
const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");

/** How long a program gets to end when it is asked to, in milliseconds. */
const GRACE = 15_000;

/** The environment without settings of another server. */
function surroundings(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(GURURMM_|DATABASE_URL$)/.test(name)));
}

/** One of the project's programs, running; its output goes to a file. */
export class Program {
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  #code: number | null | undefined;

  constructor(name: "gururmm-server" | "gururmm-agent" | "gururmm-sim", args: string[], log: string, env: Record<string, string> = {}) {
    const path = join(target, "debug", name);
    if (!existsSync(path)) throw new Error(`${path} is missing: cargo build --workspace --bins`);
    this.#child = spawn(path, args, { env: { ...surroundings(), ...env }, stdio: ["ignore", "pipe", "pipe"] });
    const out = createWriteStream(log, { flags: "a" });
    this.#child.stdout?.pipe(out, { end: false });
    this.#child.stderr?.pipe(out, { end: false });
    this.#ended = new Promise((resolve) => {
      this.#child.once("exit", (code) => {
        this.#code = code;
        resolve(code);
      });
    });
  }

  /** Whether it has ended by itself or otherwise. */
  get over(): boolean {
    return this.#code !== undefined;
  }

  /** Waits for its own end; its exit code. */
  wait(): Promise<number | null> {
    return this.#ended;
  }

  /** Asks it to end, and makes it end. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    if (this.over) return;
    this.#child.kill(signal);
    const late = new AbortController();
    await Promise.race([this.#ended, sleep(GRACE, undefined, { signal: late.signal }).catch(() => undefined)]);
    late.abort();
    this.#child.kill("SIGKILL");
    await this.#ended;
  }
}
