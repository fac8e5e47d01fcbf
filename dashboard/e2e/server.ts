import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Program } from "./programs";

/** A new private Postgres is made at the first start. */
const READY_WITHIN = 120_000;

/** Starts the real server on an empty data directory; the tests find it in the environment. */
export default async function start(): Promise<() => Promise<void>> {
  // Postgres runs as another user when root starts the server, and has no way into root's own TMPDIR.
  const work = mkdtempSync(join(process.getuid?.() === 0 ? "/tmp" : tmpdir(), "gururmm-e2e-"));
  chmodSync(work, 0o755);
  const port = Number(process.env.GURURMM_E2E_PORT ?? 0) || (await freePort());
  const base = `http://127.0.0.1:${port}`;
  const log = join(work, "server.log");
  const server = new Program("gururmm-server", ["serve"], log, {
    GURURMM_LISTEN: `127.0.0.1:${port}`,
    GURURMM_DATA_DIR: join(work, "server"),
    GURURMM_PUBLIC_URL: base,
  });
  const stop = async () => {
    await server.stop();
    if (process.env.GURURMM_E2E_KEEP === undefined) rmSync(work, { recursive: true, force: true });
    else console.log(`kept: ${work}`);
  };
  try {
    await ready(base, server);
  } catch (error) {
    console.error(readFileSync(log, "utf8").split("\n").slice(-20).join("\n"));
    await stop();
    throw error;
  }
  process.env.GURURMM_E2E_URL = base;
  process.env.GURURMM_E2E_WORK = work;
  return stop;
}

async function ready(base: string, server: Program): Promise<void> {
  const end = Date.now() + READY_WITHIN;
  while (Date.now() < end) {
    if (server.over) throw new Error("the server ended by itself");
    const answer = await fetch(`${base}/health/ready`).catch(() => undefined);
    if (answer?.ok) return;
    await sleep(200);
  }
  throw new Error("the server did not become ready");
}

/** One below those that the system gives out by itself (from 32768 on): nobody gets it before the server does. */
async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 1_000; attempt += 1) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (await isFree(port)) return port;
  }
  throw new Error("no free port");
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => {
      resolve(false);
    });
    probe.listen(port, "127.0.0.1", () => {
      probe.close(() => {
        resolve(true);
      });
    });
  });
}
