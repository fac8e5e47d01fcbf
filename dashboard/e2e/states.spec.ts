import type { APIRequestContext, Page } from "@playwright/test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { change, expect, logIn, serverUrl, shot, test, workDir } from "./fixtures";
import { Program } from "./programs";

interface Shown {
  id: string;
  name: string;
  presence: { state: string };
}

const running: Program[] = [];

test.afterEach(async () => {
  await Promise.all(running.splice(0).map((program) => program.stop()));
});

/** One simulated machine; with the same seed it is the same machine, with the same directory the same agent. */
function simulate(seed: number, options: { secret?: string; dir?: string }): Program {
  const args = ["fleet", "--server", serverUrl(), "--agents", "1", "--seed", String(seed), "--tick", "2", "--status-every", "1"];
  if (options.dir) args.push("--state-dir", options.dir);
  const log = join(workDir(), `machine-${seed}.log`);
  const program = new Program("gururmm-sim", args, log, options.secret ? { GURURMM_SIM_TOKENS: options.secret } : {});
  running.push(program);
  return program;
}

/** An organization with one site; its id, and the secret of an enrollment token. */
async function place(request: APIRequestContext, name: string): Promise<{ id: string; secret: string }> {
  const { id } = await change<{ id: string }>(request, "post", "/api/organizations", { name });
  const site = await change<{ id: string }>(request, "post", `/api/organizations/${id}/sites`, { name: "Office" });
  const { secret } = await change<{ secret: string }>(request, "post", "/api/enrollment-tokens", { site_id: site.id });
  return { id, secret };
}

/** The agents of an organization, when so many of them are online. */
async function online(request: APIRequestContext, organization: string, count: number): Promise<Shown[]> {
  let items: Shown[] = [];
  await expect
    .poll(async () => {
      const answer = await request.get(`/api/agents?organization_id=${organization}&presence=online`);
      ({ items } = (await answer.json()) as { items: Shown[] });
      return items.length;
    })
    .toBe(count);
  return items;
}

const heading = (page: Page, name: string) => page.getByRole("heading", { level: 1, name });

test("of two machines with one key, one goes on and the other is refused", async ({ page }) => {
  test.setTimeout(120_000);
  await logIn(page);
  const { id, secret } = await place(page.request, "Tailspin Toys");
  const [dir, copyDir] = [join(workDir(), "original"), join(workDir(), "copy")];
  const original = simulate(41, { secret, dir });
  const [agent] = await online(page.request, id, 1);
  if (!agent) throw new Error("no agent");
  // The same key on another machine.
  const known = JSON.parse(readFileSync(join(dir, "agents.jsonl"), "utf8")) as { seed: number };
  mkdirSync(copyDir);
  writeFileSync(join(copyDir, "agents.jsonl"), JSON.stringify({ ...known, seed: 42 }));
  const copy = simulate(42, { dir: copyDir });

  await page.goto(`/agents?organization_id=${id}&attention=quarantined`);
  const row = page.getByRole("row", { name: new RegExp(agent.name) });
  await expect(row).toContainText("Quarantined");
  await row.getByRole("link", { name: "Two machines use its key" }).click();
  const evidence = page.getByRole("dialog", { name: agent.name });
  await expect(evidence).toContainText("On record until now");
  await expect(evidence.getByText(/, seen/)).toHaveCount(2);
  await shot(page, "evidence-quarantined");
  await evidence.getByRole("link", { name: "Say which machine it is" }).click();
  await expect(page.getByText("more than one machine uses this agent's key")).toBeVisible();
  const run = page.getByRole("button", { name: "Run a command" });
  await expect(run).toHaveAttribute("aria-description", /quarantined/);
  const machines = page.getByRole("listitem").filter({ has: page.getByRole("button", { name: "is the agent" }) });
  await expect(machines).toHaveCount(2);
  await expect(machines.first()).toContainText("on record until now");
  await expect(machines.first()).toContainText(agent.name);
  await shot(page, "quarantine");
  await machines.first().getByRole("button").click();
  const dialog = page.getByRole("dialog", { name: `Release ${agent.name}?` });
  await expect(dialog).toContainText("refused with this key from now on");
  await shot(page, "release");
  await dialog.getByRole("button", { name: `Release for ${agent.name}` }).click();
  await expect(page.getByText("more than one machine uses this agent's key")).toHaveCount(0);
  await expect(page.getByRole("link", { name: "Run a command" })).toBeVisible();

  // Both come back at once, as after a restart of the machine, rather than with the next try.
  await Promise.all([original.stop(), copy.stop()]);
  simulate(42, { dir: copyDir });
  await expect.poll(() => readFileSync(join(workDir(), "machine-42.log"), "utf8")).toContain('"unknown_keys":1');
  simulate(41, { dir });
  await expect(page.getByText(/^Online/).first()).toBeVisible();
  await page.goto(`/agents?organization_id=${id}`);
  await expect(row).toContainText("Online");
  await page.goto(`/agents/${agent.id}/activity`);
  await expect(page.getByRole("button", { name: /Agent released/ })).toBeVisible();
});

test("a machine that was enrolled again goes on under its older record", async ({ page }) => {
  test.setTimeout(120_000);
  await logIn(page);
  const { id, secret } = await place(page.request, "Wingtip Toys");
  const first = simulate(43, { secret });
  const [older] = await online(page.request, id, 1);
  if (!older) throw new Error("no agent");
  await change(page.request, "patch", `/api/agents/${older.id}`, { display_name: "Reception" });
  await first.stop();
  // The same machine with a new key: reinstalled.
  simulate(43, { secret });
  await page.goto(`/agents?organization_id=${id}&attention=any`);
  const row = page.getByRole("row", { name: new RegExp(older.name) });
  await row.getByRole("link", { name: "Seems to be enrolled twice" }).click();
  const evidence = page.getByRole("dialog").filter({ hasText: "has the same machine id" });
  await expect(evidence.getByRole("link", { name: "Reception" })).toBeVisible();
  await evidence.getByRole("link", { name: "Merge or keep apart" }).click();
  await expect(page.getByText("This may be Reception enrolled a second time")).toBeVisible();
  const compared = page.getByRole("table", { name: "The two records" });
  await expect(compared.getByRole("row", { name: /^Name/ })).toContainText("Reception");
  const newer = new URL(page.url()).pathname;
  await shot(page, "duplicate");
  await page.getByRole("button", { name: "Merge into the older record" }).click();
  const dialog = page.getByRole("dialog", { name: "Merge into Reception?" });
  await expect(dialog).toContainText("This cannot be undone");
  await dialog.getByRole("button", { name: "Merge into Reception" }).click();
  await page.waitForURL(`**/agents/${older.id}?*`);
  await expect(heading(page, "Reception")).toBeVisible();
  await expect(page.getByText("enrolled a second time")).toHaveCount(0);
  await online(page.request, id, 1);
  await expect(page.getByText(/^Online/).first()).toBeVisible();

  // The newer record says where it went, and is no longer in the list.
  await page.goto(newer);
  await expect(page.getByText("This record was merged into an older one")).toBeVisible();
  await expect(page.getByRole("button", { name: "Run a command" })).toHaveAttribute("aria-disabled", "true");
  await shot(page, "merged");
  await page.getByRole("link", { name: "Open Reception" }).click();
  await expect(heading(page, "Reception")).toBeVisible();
  await page.goto(`/agents?organization_id=${id}`);
  await expect(page.locator("a[data-row-link]")).toHaveText(["Reception"]);
});

test("a machine that only looks like another one stays on its own", async ({ page }) => {
  await logIn(page);
  const { id, secret } = await place(page.request, "Alpine Ski House");
  simulate(44, { secret });
  const [older] = await online(page.request, id, 1);
  simulate(44, { secret });
  const both = await online(page.request, id, 2);
  const newer = both.find((each) => each.id !== older?.id);
  await page.goto(`/agents/${newer?.id}`);
  await page.getByRole("button", { name: "They are two machines" }).click();
  await expect(page.getByText("enrolled a second time")).toHaveCount(0);
  await page.goto(`/agents?organization_id=${id}&attention=clash`);
  await expect(page.getByText("No agent matches these filters")).toBeVisible();
});

test("an agent is decommissioned: online at once, away when it comes back", async ({ page }) => {
  test.setTimeout(120_000);
  await logIn(page);
  const { id, secret } = await place(page.request, "Coho Vineyard");
  const decommission = async (name: string, says: string) => {
    await page.getByRole("button", { name: "More" }).click();
    await page.getByRole("menuitem", { name: "Decommission" }).click();
    const dialog = page.getByRole("dialog", { name: `Decommission ${name}?` });
    await expect(dialog).toContainText(says);
    const go = dialog.getByRole("button", { name: `Decommission ${name}` });
    await expect(go).toBeDisabled();
    await dialog.getByRole("textbox").fill(name);
    await go.click();
    await expect(dialog).toHaveCount(0);
  };

  simulate(45, { secret });
  const [there] = await online(page.request, id, 1);
  if (!there) throw new Error("no agent");
  await page.goto(`/agents/${there.id}`);
  await decommission(there.name, "its key is revoked as soon as it obeys");
  await expect(page.getByText("This agent is decommissioned")).toBeVisible();
  await shot(page, "decommissioned");
  await expect(page.getByRole("button", { name: "Run a command" })).toHaveAttribute("aria-description", /decommissioned/);

  const dir = join(workDir(), "away");
  const away = simulate(46, { secret, dir });
  const [agent] = await online(page.request, id, 1);
  if (!agent) throw new Error("no agent");
  await away.stop();
  await page.goto(`/agents/${agent.id}`);
  await expect(page.getByText(/^Offline/).first()).toBeVisible();
  await decommission(agent.name, "when it connects again");
  await expect(page.getByText(/^Decommission pending/)).toBeVisible();
  await shot(page, "decommissioning");
  simulate(46, { dir });
  await expect(page.getByText("This agent is decommissioned")).toBeVisible();

  await page.goto(`/agents?organization_id=${id}`);
  await expect(page.getByText("No machine of this organization is enrolled")).toBeVisible();
  await page.goto(`/agents?organization_id=${id}&state=decommissioned`);
  await expect(page.locator("a[data-row-link]")).toHaveCount(2);
});
