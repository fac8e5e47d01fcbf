import type { APIRequestContext, Page } from "@playwright/test";
import { join } from "node:path";
import { accessible, change, expect, logIn, serverUrl, shot, test, workDir } from "./fixtures";
import { Program } from "./programs";

test.describe.configure({ mode: "serial" });

const FLEET = 40;
const running: Program[] = [];
let organization = "";
/** What the machine is that cannot be commanded: all of its kind are meant. */
let role = "";

test.afterAll(async () => {
  await Promise.all(running.map((program) => program.stop()));
});

function simulate(agents: number, seed: number, secret: string): Program {
  const args = ["fleet", "--server", serverUrl(), "--agents", String(agents), "--seed", String(seed), "--tick", "2"];
  const program = new Program("gururmm-sim", args, join(workDir(), `bulk-${seed}.log`), { GURURMM_SIM_TOKENS: secret });
  running.push(program);
  return program;
}

interface Count {
  total: number;
  online: number;
}

async function count(request: APIRequestContext, query: string): Promise<Count> {
  return (await (await request.get(`/api/agents/count?organization_id=${organization}${query}`)).json()) as Count;
}

const selection = (page: Page) => page.getByRole("region", { name: "Selection" });
const boxes = (page: Page) => page.getByRole("region", { name: "Agents" }).getByRole("checkbox", { name: /^Select (?!the )/ });

test("a fleet with one machine that cannot be commanded", async ({ page }) => {
  test.setTimeout(120_000);
  await logIn(page);
  ({ id: organization } = await change<{ id: string }>(page.request, "post", "/api/organizations", { name: "Fabrikam Foods" }));
  const site = await change<{ id: string }>(page.request, "post", `/api/organizations/${organization}/sites`, { name: "Plant" });
  const { secret } = await change<{ secret: string }>(page.request, "post", "/api/enrollment-tokens", { site_id: site.id });
  const away = simulate(1, 61, secret);
  await expect.poll(async () => (await count(page.request, "")).online).toBe(1);
  const { items } = (await (await page.request.get(`/api/agents?organization_id=${organization}`)).json()) as {
    items: { id: string; machine_role: string }[];
  };
  role = items[0]?.machine_role ?? "";
  await away.stop();
  await expect.poll(async () => (await count(page.request, "")).online).toBe(0);
  // Told to leave, and not there to obey: nothing runs on it any more.
  await change(page.request, "delete", `/api/agents/${items[0]?.id}`);
  simulate(FLEET, 62, secret);
  await expect.poll(async () => (await count(page.request, "")).online, { timeout: 60_000 }).toBe(FLEET);
});

test("rows are selected one by one, in ranges and all that are loaded; another filter clears them, and says so", async ({ page }) => {
  await logIn(page);
  // In an order that the first readings of the fleet do not change between two clicks.
  await page.goto(`/agents?organization_id=${organization}&sort=name`);
  await boxes(page).nth(1).check();
  await expect(selection(page).getByRole("status")).toContainText(`1 selected of ${FLEET + 1} matching`);
  await boxes(page).nth(4).click({ modifiers: ["Shift"] });
  await expect(selection(page).getByRole("status")).toContainText("4 selected");
  await page.reload();
  await expect(selection(page).getByRole("status")).toContainText("4 selected");
  await expect(boxes(page).nth(2)).toBeChecked();
  await page.getByRole("checkbox", { name: /^Select the \d+ loaded rows$/ }).check();
  await expect(selection(page).getByRole("status")).toContainText(`${FLEET + 1} selected`);
  await boxes(page).nth(0).uncheck();
  await expect(selection(page).getByRole("status")).toContainText(`${FLEET} selected of ${FLEET + 1} matching`);
  await page.getByRole("button", { name: "System", exact: true }).click();
  await page.getByRole("menuitemradio", { name: "Windows" }).click();
  await expect(selection(page).getByRole("status")).toHaveText("The filter changed: nothing is selected any more.");
  await expect(boxes(page).nth(1)).not.toBeChecked();
});

test("a command runs on all machines of a role, as it was previewed; one is refused", async ({ page }) => {
  test.setTimeout(120_000);
  await logIn(page);
  await page.goto(`/agents?organization_id=${organization}&role=${role}`);
  const { total } = await count(page.request, `&role=${role}`);
  expect(total).toBeGreaterThan(2);
  await boxes(page).first().check();
  await selection(page).getByRole("button", { name: `Select all ${total} matching` }).click();
  await expect(selection(page).getByRole("status")).toContainText(`${total} selected of ${total} matching`);
  await shot(page, "bulk-selected");
  await selection(page).getByRole("link", { name: "Run a command" }).click();
  await expect(page).toHaveURL(/\/agents\/run\?/);
  const dialog = page.getByRole("dialog", { name: /^Run a command on \d+ machines$/ });
  await expect(dialog).toHaveAccessibleName(`Run a command on ${total} machines`);
  await dialog.getByRole("textbox", { name: "Script" }).fill("echo ready; exit 0");
  await accessible(page);
  await shot(page, "bulk-form");
  await dialog.getByRole("button", { name: "Preview" }).click();
  const outlook = dialog.getByRole("list", { name: "What it would do" });
  await expect(outlook).toContainText(`${total - 1} machines of ${total} machines run it`);
  await expect(outlook).toContainText("1 machine does not:");
  await expect(dialog.getByRole("row").nth(1)).toContainText(/decommission/i);
  await accessible(page);
  await shot(page, "bulk-preview");

  // Somebody else changes what is meant between the preview and the order: nothing runs before it was seen.
  const list = await page.request.get(`/api/agents?organization_id=${organization}&role=${role}&presence=online`);
  const { items } = (await list.json()) as { items: { id: string; name: string }[] };
  await change(page.request, "delete", `/api/agents/${items[0]?.id}`);
  await expect.poll(async () => (await count(page.request, `&role=${role}`)).total).toBe(total - 1);
  await dialog.getByRole("button", { name: `Run on ${total - 1} machines` }).click();
  await expect(dialog.getByRole("alert")).toContainText(`There were ${total} machines, now there are ${total - 1} machines. Gone: ${items[0]?.name}.`);
  await shot(page, "bulk-changed");
  await dialog.getByRole("button", { name: `Run on ${total - 2} machine` }).click();

  await page.waitForURL(/\/commands\/runs\/[0-9a-f-]+/);
  await expect(page.getByRole("heading", { level: 1, name: "echo ready; exit 0" })).toBeVisible();
  const progress = page.getByRole("region", { name: "Progress" });
  await expect(progress.getByRole("status")).toHaveText(`${total - 1} of ${total - 1} ended`);
  await expect(progress.getByRole("button", { name: new RegExp(`^Succeeded ${total - 2}$`) })).toBeVisible();
  await progress.getByRole("button", { name: /^Not run 1$/ }).click();
  await expect(page).toHaveURL(/at=refused/);
  const rows = page.getByRole("region", { name: "Agents of the run" }).getByRole("row");
  await expect(rows).toHaveCount(2);
  await expect(rows.last()).toContainText(/decommission/i);
  await progress.getByRole("button", { name: /^Succeeded/ }).click();
  await expect(rows).toHaveCount(total - 1);
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await accessible(page);
    await shot(page, `run-${colorScheme}`);
  }
  await page.setViewportSize({ width: 360, height: 740 });
  await shot(page, "run-phone");
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  await page.setViewportSize({ width: 1440, height: 900 });
  await rows.nth(1).getByRole("link").click();
  await expect(page.getByRole("log")).toContainText("ready");
  await page.getByRole("link", { name: `the run on ${total - 1} machines` }).click();
  await expect(progress).toBeVisible();
});

test("the keyboard alone selects, runs, and runs again where it failed", async ({ page }) => {
  test.setTimeout(120_000);
  await logIn(page);
  await page.goto(`/agents?organization_id=${organization}&presence=online`);
  await expect(boxes(page).first()).toBeVisible();
  await page.keyboard.press("j");
  await expect(page.locator("a[data-row-link]").first()).toBeFocused();
  await page.keyboard.press("j");
  await page.keyboard.press("k");
  await page.keyboard.press("x");
  await expect(selection(page).getByRole("status")).toContainText("1 selected");
  await page.keyboard.press("Shift+J");
  await page.keyboard.press("Shift+ArrowDown");
  await expect(selection(page).getByRole("status")).toContainText("3 selected");
  await expect(page.locator("a[data-row-link]").nth(2)).toBeFocused();
  await shot(page, "bulk-keys");
  await selection(page).getByRole("link", { name: "Run a command" }).focus();
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: "Run a command on 3 machines" });
  await dialog.getByRole("textbox", { name: "Script" }).focus();
  await page.keyboard.press("Control+A");
  await page.keyboard.type("exit 3");
  await page.keyboard.press("Control+Enter");
  const go = dialog.getByRole("button", { name: "Run on 3 machines" });
  await expect(dialog.getByRole("list", { name: "What it would do" })).toBeFocused();
  await go.focus();
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/commands\/runs\/[0-9a-f-]+/);
  await expect(page.getByRole("region", { name: "Progress" }).getByRole("button", { name: "Failed 3" })).toBeVisible();
  await page.getByRole("link", { name: "Run again on the 3 that failed" }).focus();
  await page.keyboard.press("Enter");
  const again = page.getByRole("dialog", { name: "Run again on 3 machines" });
  await expect(again.getByRole("textbox", { name: "Script" })).toHaveValue("exit 3");
  await page.keyboard.press("Escape");
  await expect(again).toHaveCount(0);
});

test("what is typed for many machines stays while the server is away and over a new login", async ({ page }) => {
  await logIn(page);
  await page.goto(`/agents?organization_id=${organization}`);
  await boxes(page).first().check();
  await selection(page).getByRole("link", { name: "Run a command" }).click();
  const dialog = page.getByRole("dialog", { name: "Run a command on 1 machine" });
  const script = dialog.getByRole("textbox", { name: "Script" });
  await script.fill("echo typed while away");
  await page.context().setOffline(true);
  await dialog.getByRole("button", { name: "Preview" }).click();
  await expect(dialog.getByRole("alert")).toContainText("The server does not answer");
  await expect(script).toHaveValue("echo typed while away");
  await page.context().setOffline(false);
  await page.reload();
  await expect(script).toHaveValue("echo typed while away");
  await expect(dialog).toBeVisible();
});

test("runs are listed, and columns are chosen", async ({ page }) => {
  await logIn(page);
  await page.goto("/commands");
  await page.getByRole("link", { name: "Runs on many machines" }).click();
  await page.waitForURL("**/commands/runs*");
  const row = page.getByRole("region", { name: "Runs" }).getByRole("row", { name: /exit 3/ });
  await expect(row).toContainText("3 of 3");
  await expect(row).toContainText("3 failed");
  await accessible(page);
  await shot(page, "runs");
  await page.goto(`/agents?organization_id=${organization}`);
  const choice = page.getByRole("menuitemcheckbox", { name: "Role" });
  await expect(page.locator("a[data-row-link]").first()).toBeVisible();
  await page.getByRole("button", { name: "Columns" }).click();
  await choice.click();
  await page.getByRole("menuitemcheckbox", { name: "CPU" }).click();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("columnheader", { name: "Role" })).toBeVisible();
  await page.reload();
  await expect(page.getByRole("columnheader", { name: "Role" })).toBeVisible();
  await expect(page.getByRole("columnheader", { name: "CPU" })).toHaveCount(0);
  // What was chosen here says nothing about a column that is only elsewhere.
  await page.goto("/agents");
  await expect(page.getByRole("columnheader", { name: "Organization" })).toBeVisible();
  await expect(page.getByRole("columnheader", { name: "CPU" })).toHaveCount(0);
});

test("a run is cancelled everywhere, and the bell tells how it ended", async ({ page }) => {
  await logIn(page);
  await page.goto(`/agents?organization_id=${organization}&presence=online`);
  await boxes(page).nth(0).check();
  await boxes(page).nth(2).click({ modifiers: ["Shift"] });
  await selection(page).getByRole("link", { name: "Run a command" }).click();
  const dialog = page.getByRole("dialog", { name: "Run a command on 3 machines" });
  await dialog.getByRole("textbox", { name: "Script" }).fill("sleep 900");
  await dialog.getByRole("button", { name: "Preview" }).click();
  await dialog.getByRole("button", { name: "Run on 3 machines" }).click();
  await page.waitForURL(/\/commands\/runs\/[0-9a-f-]+/);
  const progress = page.getByRole("region", { name: "Progress" });
  await expect(progress.getByRole("button", { name: "Running 3" })).toBeVisible();
  await page.getByRole("button", { name: /^Work in progress: 1 open/ }).click();
  const work = page.getByRole("dialog", { name: "Work in progress", exact: true });
  await expect(work.getByRole("link", { name: /sleep 900/ })).toContainText("0 of 3 ended");
  await shot(page, "run-open");
  await page.keyboard.press("Escape");

  await page.getByRole("button", { name: "Cancel the run" }).click();
  const confirm = page.getByRole("dialog", { name: "Cancel the run?" });
  await confirm.getByRole("button", { name: "Cancel it on 3 machines" }).click();
  await expect(confirm).toHaveCount(0);
  await expect(progress.getByRole("status")).toHaveText("3 of 3 ended");
  await expect(progress.getByRole("button", { name: "Cancelled 3" })).toBeVisible();
  await expect(page.getByRole("button", { name: "Cancel the run" })).toHaveCount(0);
  await page.getByRole("button", { name: /^Work in progress: 0 open/ }).click();
  await expect(work.getByRole("link", { name: /sleep 900/ })).toContainText("all 3 ended, 3 cancelled");
  await shot(page, "run-cancelled");
});

test("on a phone a command is ordered on several machines and ordered again where it failed", async ({ page }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  await logIn(page);
  await page.goto(`/agents?organization_id=${organization}&presence=online`);
  await boxes(page).nth(0).check();
  await boxes(page).nth(1).check();
  await shot(page, "bulk-selected-phone");
  await selection(page).getByRole("link", { name: "Run a command" }).click();
  const dialog = page.getByRole("dialog", { name: "Run a command on 2 machines" });
  await dialog.getByRole("textbox", { name: "Script" }).fill("exit 4");
  await shot(page, "bulk-form-phone");
  await dialog.getByRole("button", { name: "Preview" }).click();
  const go = dialog.getByRole("button", { name: "Run on 2 machines" });
  await expect(go).toBeVisible();
  await accessible(page);
  await shot(page, "bulk-preview-phone");
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  await go.click();
  await page.waitForURL(/\/commands\/runs\/[0-9a-f-]+/);
  const first = new URL(page.url()).pathname;
  await page.getByRole("link", { name: "Run again on the 2 that failed" }).click();
  const again = page.getByRole("dialog", { name: "Run again on 2 machines" });
  await again.getByRole("textbox", { name: "Script" }).fill("echo better");
  await again.getByRole("button", { name: "Preview" }).click();
  await again.getByRole("button", { name: "Run on 2 machines" }).click();
  await page.waitForURL((url) => /\/commands\/runs\/[0-9a-f-]+$/.test(url.pathname) && url.pathname !== first);
  await expect(page.getByRole("region", { name: "Progress" }).getByRole("status")).toHaveText("2 of 2 ended");
  await accessible(page);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
});

test("the audit log is narrowed to a day and to an agent", async ({ page }) => {
  await logIn(page);
  const answer = await page.request.get(`/api/commands?organization_id=${organization}&limit=1`);
  const [ran] = ((await answer.json()) as { items: { agent_id: string; agent_name: string }[] }).items;
  await page.goto(`/audit?agent_id=${ran?.agent_id}`);
  const entries = page.getByRole("region", { name: "Audit entries" }).getByRole("listitem");
  await expect(entries.first()).toContainText("Command");
  await expect(entries.filter({ hasNotText: ran?.agent_name ?? "" })).toHaveCount(0);
  await page.getByRole("button", { name: "Remove the filter Agent" }).click();
  await expect(page).not.toHaveURL(/agent_id/);
  await expect(entries.filter({ hasNotText: ran?.agent_name ?? "" })).not.toHaveCount(0);
  await page.getByLabel("To which day").fill("2001-01-31");
  await expect(page.getByRole("heading", { name: "No entry matches" })).toBeVisible();
  await expect(page).toHaveURL(/to=2001-01-31/);
  await page.getByLabel("To which day").fill("");
  await expect(entries.first()).toBeVisible();
});
