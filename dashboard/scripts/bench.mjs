// Measures the dashboard in headless Chromium over a server that runs already, and prints one JSON object. Started by
// scripts/bench. Nothing fails because it was slow.
import { readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { chromium } from "@playwright/test";

const { GURURMM_BENCH_URL: base, GURURMM_BENCH_EMAIL: email, GURURMM_BENCH_PASSWORD: password } = process.env;
/** How long the table is scrolled, in milliseconds. */
const SCROLL = 10_000;
/** A task of the main thread that is longer keeps a reader waiting, in milliseconds. */
const LONG = 50;
/** Longest wait for something to appear, in milliseconds. */
const PATIENCE = 120_000;

const say = (step) => console.error(`==> ${step}`);
const browser = await chromium.launch({
  executablePath: process.env.GURURMM_CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

/** A browser context without anything in its cache, signed in. */
async function context() {
  const fresh = await browser.newContext({ baseURL: base, viewport: { width: 1440, height: 900 } });
  fresh.setDefaultTimeout(PATIENCE);
  const answer = await fresh.request.post("/api/auth/login", { data: { email, password }, headers: { origin: base } });
  if (!answer.ok()) throw new Error(`the login answered ${answer.status()}`);
  return fresh;
}

/** Milliseconds from asking for a page until it shows what it is for, and the main thread has time for a click. */
async function interactive(page, path, shown) {
  const begin = performance.now();
  await page.goto(path, { waitUntil: "commit" });
  await page.locator(shown).first().waitFor();
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done))));
  return Math.round(performance.now() - begin);
}

/** Each page is opened so often, with nothing in the cache and with everything. */
const TIMES = 5;

/** The median and the longest of some times. */
function spread(times) {
  const sorted = [...times].sort((a, b) => a - b);
  return { median_ms: sorted[Math.floor(sorted.length / 2)], longest_ms: sorted.at(-1) };
}

/** The first time with nothing in the cache, the second time with everything. */
async function loading(path, shown) {
  const times = { cold: [], warm: [] };
  for (let n = 0; n < TIMES; n++) {
    const fresh = await context();
    for (const all of [times.cold, times.warm]) {
      const page = await fresh.newPage();
      all.push(await interactive(page, path, shown));
      await page.close();
    }
    await fresh.close();
  }
  return { cold: spread(times.cold), warm: spread(times.warm) };
}

/** Does something while Chromium writes down what its main thread does. */
async function traced(page, work) {
  const path = join(tmpdir(), `gururmm-bench-${process.pid}.json`);
  await browser.startTracing(page, { path, categories: ["devtools.timeline", "disabled-by-default-devtools.timeline"] });
  await work();
  await browser.stopTracing();
  const { traceEvents } = JSON.parse(readFileSync(path, "utf8"));
  if (process.env.GURURMM_BENCH_TRACE === undefined) rmSync(path);
  return tasks(traceEvents);
}

/** The tasks of the main thread of the process that renders the page: of those the busiest. */
function tasks(events) {
  const main = events.filter(({ name, args }) => name === "thread_name" && args.name === "CrRendererMain");
  const threads = main.map(({ pid, tid }) =>
    events.filter((event) => event.pid === pid && event.tid === tid && event.ph === "X" && event.name === "RunTask"),
  );
  const sum = (all) => all.reduce((total, { dur = 0 }) => total + dur, 0);
  const busiest = threads.sort((a, b) => sum(b) - sum(a))[0] ?? [];
  const times = busiest.map(({ dur = 0 }) => dur / 1000);
  return {
    longest_task_ms: Math.round(Math.max(0, ...times) * 10) / 10,
    tasks_over_50_ms: times.filter((time) => time > LONG).length,
    busy_percent: Math.round((sum(busiest) / 1000 / SCROLL) * 100),
  };
}

/** Turns the wheel over the table as a reader does who looks for something. */
async function scroll(page) {
  const end = performance.now() + SCROLL;
  for (let down = true; performance.now() < end; ) {
    await page.mouse.wheel(0, down ? 400 : -400);
    await sleep(16);
    down = await page.locator("[role=region][aria-label=Agents]").evaluate(
      (table, before) => (before ? table.scrollTop + table.clientHeight < table.scrollHeight - 1 : table.scrollTop <= 0),
      down,
    );
  }
}

const row = "[role=region][aria-label=Agents] a[data-row-link]";
say("opening the pages");
const agents = await loading("/agents", row);
const overview = await loading("/overview", "#content h2");

const page = await (await context()).newPage();
await interactive(page, "/agents", row);
const table = page.locator("[role=region][aria-label=Agents]");
await table.hover({ position: { x: 300, y: 300 } });
say("scrolling while more is loaded");
const first = await traced(page, () => scroll(page));

say("loading every row");
const total = await page.getByRole("table").evaluate((element) => Number(element.getAttribute("aria-rowcount")) - 1);
await page.waitForFunction(
  ([selector, wanted]) => {
    const element = document.querySelector(selector);
    element.scrollTo(0, element.scrollHeight);
    const rows = [...element.querySelectorAll("[aria-rowindex]")].map((each) => Number(each.getAttribute("aria-rowindex")));
    return Math.max(...rows) - 1 >= wanted;
  },
  ["[role=region][aria-label=Agents]", total],
  { polling: 100, timeout: PATIENCE },
);
await table.evaluate((element) => element.scrollTo(0, 0));
say("scrolling all of them");
const all = await traced(page, async () => {
  // Coming back to the tab asks for all of it anew, as a hint does.
  await page.evaluate(() => dispatchEvent(new Event("visibilitychange")));
  await scroll(page);
});
await browser.close();
console.log(JSON.stringify({ agents, overview, scrolling_while_loading: first, scrolling_all: { rows: total, ...all } }));
