import type { Page } from "@playwright/test";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { hostname, release, totalmem } from "node:os";
import { join } from "node:path";
import { change, expect, HOSTILE, logIn, OWNER, serverUrl, shot, test, workDir } from "./fixtures";
import { Program } from "./programs";

test.describe.configure({ mode: "serial" });

const agentDir = () => join(workDir(), "agent");
const agentLog = () => join(workDir(), "agent.log");
let agent: Program | undefined;
let agentPath = "";
let fleet: Program | undefined;
const FLEET = 150;

async function firstAgentPath(page: Page): Promise<string> {
  return (await page.locator("a[data-row-link]").first().getAttribute("href"))?.replace(/\?.*/, "") ?? "";
}

function runAgent() {
  agent = new Program("gururmm-agent", ["run", "--data-dir", agentDir()], agentLog());
}

test.afterAll(async () => {
  await fleet?.stop();
  await agent?.stop();
});

test("the first account owns the installation", async ({ page }) => {
  await page.goto("/");
  await page.waitForURL("**/setup-first-account");
  await shot(page, "first-account");
  await page.getByLabel("Your name").fill(OWNER.name);
  await page.getByLabel("Email").fill(OWNER.email);
  await page.getByRole("textbox", { name: "Password" }).fill("short");
  await page.getByRole("button", { name: "Create the account" }).click();
  await expect(page.getByText("at least 12 characters", { exact: false }).last()).toBeVisible();
  await expect(page.getByLabel("Your name")).toHaveValue(OWNER.name);
  await page.getByRole("textbox", { name: "Password" }).fill(OWNER.password);
  await page.getByRole("button", { name: "Create the account" }).click();
  await page.waitForURL("**/overview");
  await expect(page.getByRole("heading", { name: "No machine is enrolled yet" })).toBeVisible();
  await shot(page, "agents-empty");

  // The token is the browser's secret: no script can read it.
  const readable = await page.evaluate(() => document.cookie + JSON.stringify([localStorage, sessionStorage]));
  expect(readable).not.toContain("gururmm_session");
});

test("logging out and in again works with the keyboard alone", async ({ page }) => {
  await page.goto("/audit");
  await page.waitForURL("**/login?*");
  await expect(page.getByLabel("Email")).toBeFocused();
  await page.keyboard.type(OWNER.email);
  await page.keyboard.press("Tab");
  await page.keyboard.type("not the password");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("alert")).toContainText("wrong");
  await page.getByRole("textbox", { name: "Password" }).focus();
  await page.keyboard.type(OWNER.password);
  await page.keyboard.press("Enter");
  await page.waitForURL("**/audit");
  await expect(page.getByRole("heading", { name: "Audit", level: 1 })).toBeVisible();

  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to the page's content" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.locator("#content")).toBeFocused();
  await page.getByRole("button", { name: "Account and theme" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("menuitem", { name: "Log out" }).focus();
  await page.keyboard.press("Enter");
  await page.waitForURL("**/login");
  await page.goto("/agents");
  await page.waitForURL("**/login?*");
});

test("a machine is enrolled and appears while the dialog waits", async ({ page }) => {
  test.setTimeout(120_000);
  await logIn(page);
  await page.getByRole("link", { name: "Enroll a machine" }).first().click();
  const dialog = page.getByRole("dialog", { name: "Enroll a machine" });
  await dialog.getByLabel("New organization").fill("Contoso Dental");
  await dialog.getByRole("button", { name: "Add" }).click();
  await dialog.getByLabel("New site").fill("Head office");
  await dialog.getByRole("button", { name: "Add" }).click();
  await dialog.getByLabel("Label").fill("first machine");
  await dialog.getByLabel("Machine limit").fill("1");
  await dialog.getByRole("button", { name: "Create the token" }).click();

  const shown = page.getByRole("dialog", { name: "Run this on the machine" });
  await expect(shown.getByText("will not be shown again")).toBeVisible();
  // One line for each system, both through a pipe: no secret stands in the arguments of a program.
  const command = shown.getByLabel("The command to run on the machine");
  await expect(command).toContainText(/^'gre1[.][^']+' \| \.\\gururmm-agent\.exe enroll .* --token-file -; /);
  await expect(shown.getByText("This address leads only from the server to itself.")).toBeVisible();
  await shot(page, "enroll-secret-windows");
  await shown.getByText("Linux", { exact: true }).click();
  await expect(command).toContainText(/^printf %s 'gre1[.][^']+' \| sudo gururmm-agent enroll .* --token-file - && /);
  const line = (await shown.getByLabel("The command to run on the machine").textContent()) ?? "";
  expect(line).not.toContain("\n");
  expect(line).toContain(serverUrl());
  await shot(page, "enroll-secret");

  const token = /'(gre1[.][^']+)'/.exec(line)?.[1] ?? "";
  const enroll = new Program("gururmm-agent", ["enroll", "--server", serverUrl(), "--data-dir", agentDir()], agentLog(), {
    GURURMM_TOKEN: token,
  });
  expect(await enroll.wait(), `enroll with the token of: ${line}`).toBe(0);
  runAgent();

  const joined = shown.getByRole("link", { name: hostname() });
  await expect(joined).toBeVisible();
  await expect(shown.getByText("Online")).toBeVisible();
  await shot(page, "enroll-joined");
  await joined.click();
  await page.waitForURL("**/agents/*-*");
  agentPath = new URL(page.url()).pathname;
  await expect(page.getByRole("heading", { level: 1, name: hostname() })).toBeVisible();
});

test("the agents page tells presence as it changes", async ({ page }) => {
  await logIn(page);
  const row = page.getByRole("row", { name: new RegExp(hostname()) });
  await expect(row).toContainText("Online");
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  await agent?.stop();
  await expect(row).toContainText("Offline", { timeout: 8_000 });
  runAgent();
  await expect(row).toContainText("Online");
  await page.getByLabel("Find an agent").fill("no machine has this name");
  await expect(page.getByText("No agent matches these filters")).toBeVisible();
  expect(new URL(page.url()).searchParams.get("q")).toBe("no machine has this name");
  await page.getByRole("link", { name: "Remove the filters" }).click();
  await page.getByRole("button", { name: "Presence" }).click();
  await page.getByRole("menuitemradio", { name: "Online" }).click();
  await expect(row).toBeVisible();
  await expect(page).toHaveURL(/presence=online/);
});

test("the inventory is this machine's", async ({ page }) => {
  await logIn(page);
  await page.goto(`${agentPath}/inventory`);
  await expect(page.getByText(release(), { exact: true })).toBeVisible();
  await expect(page.getByText(hostname(), { exact: true }).first()).toBeVisible();
  const gib = totalmem() / 1024 ** 3;
  const memory = page.locator("dt", { hasText: /^Memory$/ }).locator("xpath=following-sibling::dd");
  const shown = Number.parseFloat((await memory.textContent()) ?? "");
  expect(Math.abs(shown - gib)).toBeLessThan(gib * 0.05);
  await shot(page, "inventory");

  await page.getByRole("textbox", { name: "Find in programs" }).fill("coreutils dpkg");
  const software = page.getByRole("table", { name: "Software" });
  await expect(software.getByRole("row").filter({ hasText: "coreutils" }).first()).toBeVisible();
  await software.scrollIntoViewIfNeeded();
  await shot(page, "inventory-software");
  await page.getByRole("textbox", { name: "Find in programs" }).fill("no such program is here");
  await expect(page.getByText("Nothing has all of these words.")).toBeVisible();
});

test("who has a program below a version is found over the fleet", async ({ page }) => {
  const version = execFileSync("dpkg-query", ["-W", "-f", "${Version}", "coreutils"], { encoding: "utf8" });
  await logIn(page);
  await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Software" }).click();
  await expect(page.getByText("Reported by 1 of 1 agent")).toBeVisible();
  await page.getByRole("searchbox", { name: "Find a program" }).fill("COREUTIL");
  const row = page.getByRole("row").filter({ has: page.getByRole("link", { name: "coreutils", exact: true }) });
  await expect(row).toContainText(version);
  await expect(row).toContainText("dpkg");
  await expect(page).toHaveURL(/q=COREUTIL/);
  const below = page.getByRole("searchbox", { name: "Version below" });
  // What is installed is not below itself; a tilde is below everything.
  await below.fill(version);
  await expect(page.getByRole("heading", { name: "No agent is known to have such software" })).toBeVisible();
  await below.fill(`${version}.1`);
  await expect(row).toBeVisible();
  await page.getByRole("searchbox", { name: "Version from" }).fill(`${version}~`);
  await expect(page).toHaveURL(/at_least=/);
  await expect(row).toBeVisible();
  await shot(page, "software");

  await row.getByRole("link").focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name: "coreutils" })).toBeVisible();
  const machine = page.getByRole("row").filter({ has: page.getByRole("link", { name: hostname() }) });
  await expect(machine).toContainText(version);
  await expect(machine).toContainText("Contoso Dental");
  await shot(page, "software-title");
  // The address alone leads there, a version that looks like a number included.
  await page.goto("/software/title?title=coreutils&source=dpkg&at_least=999.10");
  await expect(page.getByRole("searchbox", { name: "Version from" })).toHaveValue("999.10");
  await expect(page.getByRole("heading", { name: "No agent is known to have such a version" })).toBeVisible();
  await page.getByRole("button", { name: "Show every version" }).click();
  await machine.getByRole("link").click();
  await page.waitForURL("**/inventory**");
  await expect(page.getByRole("heading", { level: 1, name: hostname() })).toBeVisible();
});

test("what changed on a machine is told: what it was and what it is", async ({ page }) => {
  await logIn(page);
  await page.goto(`${agentPath}/inventory`);
  await page.getByRole("navigation", { name: "Views of the inventory" }).getByRole("link", { name: "Changes" }).click();
  await expect(page).toHaveURL(/view=changes/);
  await expect(page.getByRole("table", { name: "Changes" }).or(page.getByRole("heading", { name: "Nothing has changed yet" }))).toBeVisible();

  // This machine's packages are not changed for a test: the server's answer is put together here.
  const at = new Date(Date.now() - 3_600_000).toISOString();
  const item = { name: "openssl", publisher: HOSTILE, source: "dpkg", version: "3.0.15-1~deb12u1" };
  const pages = [
    [
      { id: 9, at, section: "software", kind: "changed", key: "openssl", before: item, after: { ...item, version: "3.0.17-1~deb12u2" } },
      { id: 8, at, section: "os", kind: "changed", key: "release", before: "6.1.0-31-amd64", after: "6.1.0-37-amd64" },
      { id: 7, at, section: "software", kind: "removed", key: "telnetd", before: { name: "telnetd", version: "0.17" }, after: null },
    ],
    [{ id: 6, at, section: "services", kind: "added", key: "ssh", before: null, after: { name: "ssh", state: "running", start: "automatic" } }],
  ];
  const asked: string[] = [];
  await page.route("**/inventory/changes?**", (route) => {
    const query = new URL(route.request().url()).searchParams;
    asked.push(query.get("section") ?? "all");
    const second = query.get("cursor") === "second";
    const items = (pages[second ? 1 : 0] ?? []).filter((change) => !query.has("section") || change.section === query.get("section"));
    return route.fulfill({ json: { items, next_cursor: second || query.has("section") ? null : "second" } });
  });
  await page.reload();
  const table = page.getByRole("table", { name: "Changes" });
  await expect(table.getByRole("row")).toHaveCount(4);
  const openssl = table.getByRole("row").filter({ hasText: "openssl" });
  await expect(openssl).toContainText("Changed");
  await expect(openssl).toContainText("3.0.15-1~deb12u1 → , is 3.0.17-1~deb12u2");
  await expect(openssl).not.toContainText("Publisher");
  await expect(table.getByRole("row").filter({ hasText: "telnetd" })).toContainText("Removed");
  await shot(page, "inventory-changes");
  await page.getByRole("button", { name: "Load more" }).click();
  await expect(table.getByRole("row").filter({ hasText: "ssh" }).last()).toContainText("Added");
  await expect(page.getByText("That is all of the last year.")).toBeVisible();
  await page.getByRole("button", { name: "Section" }).click();
  await page.getByRole("menuitemradio", { name: "Software" }).click();
  await expect(page).toHaveURL(/section=software/);
  await expect(table.getByRole("row")).toHaveCount(3);
  expect(asked).toContain("software");
});

test("a command runs with live output, told apart and as text", async ({ page }) => {
  await logIn(page);
  await page.goto(`${agentPath}/commands`);
  // It goes on only after it was seen running.
  const go = join(workDir(), "go");
  await page
    .getByRole("textbox", { name: "Script" })
    .fill(
      `echo '<b>first</b>'; while [ ! -e '${go}' ]; do sleep 0.2; done; echo 'to the other stream' >&2; sleep 1; echo last`,
    );
  await page.getByRole("button", { name: "Run", exact: true }).click();
  const current = page.getByRole("region", { name: "The command you started" });
  await expect(current.getByText("<b>first</b>", { exact: true })).toBeVisible();
  await expect(current.getByRole("status")).toContainText("Running");
  await shot(page, "command-running");
  writeFileSync(go, "");
  await expect(current.getByText("Succeeded")).toBeVisible();
  await expect(current.getByText("exit code 0")).toBeVisible();
  const error = current.locator("[data-stream=stderr]");
  await expect(error).toContainText("to the other stream");
  await expect(error).toContainText("err");
  await expect(current.getByText("last", { exact: true })).toBeVisible();
  // From its own page it is changed and run again; what is typed for the agent otherwise stays as it is.
  await current.getByRole("heading").getByRole("link").click();
  await page.getByRole("link", { name: "Edit and run again" }).click();
  await expect(page).toHaveURL(/\/commands\?again=/);
  await expect(page.getByRole("textbox", { name: "Script" })).toHaveValue(/^echo '<b>first<\/b>'/);
});

test("a long command is cancelled", async ({ page }) => {
  await logIn(page);
  await page.goto(`${agentPath}/commands`);
  await page.getByText("Program with arguments").click();
  await page.getByRole("textbox", { name: "Program and arguments" }).fill("sleep\n600");
  await page.getByRole("button", { name: "Run", exact: true }).click();
  const current = page.getByRole("region", { name: "The command you started" });
  await expect(current.getByRole("status")).toContainText("Running");
  await current.getByRole("button", { name: "Cancel the command" }).click();
  await expect(current.getByRole("status")).toContainText("Cancelled");
});

test("an agent examines itself, and the report is read on the page", async ({ page }) => {
  test.setTimeout(150_000);
  await logIn(page);
  await page.goto(agentPath);
  await page.getByRole("button", { name: "More" }).click();
  await page.getByRole("menuitem", { name: "Self-test" }).click();
  await page.waitForURL("**/commands/*-*");
  await expect(page.getByRole("heading", { name: "Self-test of the agent" })).toBeVisible();
  const report = page.getByRole("region", { name: "Self-test report" });
  await expect(report).toBeVisible({ timeout: 100_000 });
  // That it ran is no verdict; what asks for nobody is folded away where something does.
  await expect(page.getByText("Ran to its end")).toBeVisible();
  const others = report.getByText(/^The other \d+ checks$/);
  if (!(await report.getByText("Server identity", { exact: true }).isVisible())) await others.click();
  const identity = report.getByRole("listitem").filter({ hasText: "Server identity" }).first();
  await expect(identity).toContainText("OK");
  await expect(identity).toContainText("The server holds the key that this machine was enrolled with.");
  await identity.getByText("Details").click();
  await expect(identity.getByText("code proven")).toBeVisible();
  await shot(page, "selftest");
  await page.getByRole("button", { name: "Output as it was written" }).click();
  await expect(page.getByRole("log")).toContainText('"name": "permissions"');
});

test("a secret goes in and never comes out", async ({ page }) => {
  const secret = "correct-horse-battery-staple";
  await logIn(page);
  await page.goto(`${agentPath}/commands`);
  await page.getByRole("textbox", { name: "Script" }).fill('echo "the token is $TOKEN"');
  await page.getByRole("button", { name: "Directory, variables, secrets" }).click();
  await page.getByRole("button", { name: "Add a secret" }).click();
  await page.getByRole("textbox", { name: "Name of variable 1" }).fill("TOKEN");
  await page.getByRole("textbox", { name: "Value of variable 1" }).fill(secret);
  await page.getByRole("button", { name: "Run", exact: true }).click();
  const current = page.getByRole("region", { name: "The command you started" });
  await expect(current.getByText("Succeeded")).toBeVisible();
  await expect(current.getByText("the token is [redacted]")).toBeVisible();
  await current.getByRole("link").first().click();
  await page.waitForURL("**/commands/*-*");
  await expect(page.getByText("TOKEN", { exact: true })).toBeVisible();
  expect(await page.content()).not.toContain(secret);
});

test("a fleet fills the list; what is out of sight is not in the page, and nothing moves under the pointer", async ({ page }) => {
  test.setTimeout(120_000);
  await logIn(page);
  const organization = await change<{ id: string }>(page.request, "post", "/api/organizations", { name: "Northwind Logistics" });
  const tokens: string[] = [];
  for (const name of ["Harbour", "Depot"]) {
    const site = await change<{ id: string }>(page.request, "post", `/api/organizations/${organization.id}/sites`, { name });
    const made = await change<{ secret: string }>(page.request, "post", "/api/enrollment-tokens", { site_id: site.id });
    tokens.push(made.secret);
  }
  await page.goto(`/agents?organization_id=${organization.id}&sort=name`);
  // Where it pressed the button of the login it would lie on the table, and hold the rows.
  await page.mouse.move(0, 0);
  fleet = new Program(
    "gururmm-sim",
    ["fleet", "--server", serverUrl(), "--agents", String(FLEET), "--seed", "7", "--tick", "2"],
    join(workDir(), "fleet.log"),
    { GURURMM_SIM_TOKENS: tokens.join(",") },
  );
  await expect(page.getByText(`${FLEET} online`)).toBeVisible({ timeout: 60_000 });
  await expect(page.getByRole("table")).toHaveAttribute("aria-rowcount", String(FLEET + 1));
  expect(await page.getByRole("row").count()).toBeLessThan(FLEET / 2);
  await expect(page.getByRole("row").nth(1)).toContainText(/\d+ %/);

  // A row that would move to the end stays where the pointer found it, until it is let go.
  const table = page.getByRole("region", { name: "Agents" });
  await table.hover();
  const path = await firstAgentPath(page);
  const waiting = page.getByRole("button", { name: /^\d+ changed$/ });
  await expect(waiting).toHaveCount(0);
  await change(page.request, "patch", `/api${path}`, { display_name: "zzz moved to the end" });
  await expect(waiting).toBeVisible();
  expect(await firstAgentPath(page)).toBe(path);
  await waiting.click();
  await expect.poll(() => firstAgentPath(page)).not.toBe(path);
  // The end of the list is paged in as it is scrolled to.
  await expect(async () => {
    await table.evaluate((element) => element.scrollTo(0, element.scrollHeight));
    await expect(page.getByRole("link", { name: "zzz moved to the end" })).toBeVisible({ timeout: 1_000 });
  }).toPass();
  await change(page.request, "patch", `/api${path}`, { display_name: null });
  await shot(page, "fleet");
});

test("what needs attention is found with its reason, and the fullest volumes come first", async ({ page }) => {
  await logIn(page);
  const { items } = (await (await page.request.get("/api/organizations?q=Northwind")).json()) as { items: { id: string }[] };
  await page.goto(`/agents?organization_id=${items[0]?.id}`);
  await page.getByRole("link", { name: /^\d+ needs? attention$/ }).click();
  await expect(page).toHaveURL(/attention=any/);
  const rows = page.getByRole("row").filter({ has: page.locator("a[data-row-link]") });
  await expect.poll(() => rows.count()).toBeLessThan(FLEET / 2);
  for (const row of await rows.all()) await expect(row).toContainText(/Waits for a restart|is \d+ % full/);
  // The worst first: the full ones, and among them servers before the rest.
  await expect(page.getByRole("columnheader", { name: "Needs attention" })).toHaveAttribute("aria-sort", "ascending");
  const rank = (text: string) => (/is \d+ % full/.test(text) ? 0 : 1);
  const ranks = (await rows.allTextContents()).map(rank);
  expect(ranks).toEqual(ranks.toSorted());
  await page.getByRole("button", { name: "Fullest volume" }).click();
  await expect(page).toHaveURL(/sort=-volume/);
  await expect(page.getByRole("columnheader", { name: "Fullest volume" })).toHaveAttribute("aria-sort", "descending");
  await page.getByRole("button", { name: "Needs attention For any reason" }).click();
  await page.getByRole("menuitemradio", { name: "Waits for a restart" }).click();
  await expect(page).toHaveURL(/attention=pending_reboot/);
  await expect.poll(async () => (await rows.allTextContents()).every((text) => text.includes("Waits for a restart"))).toBe(true);
  await shot(page, "needs-attention");
  await page.getByRole("button", { name: "Remove the filter Needs attention" }).click();
  // The order holds over the whole list, as its rows say.
  const shares = async () => (await rows.allTextContents()).map((text) => Number(/(\d+) %/.exec(text.replaceAll(/is \d+ % full/g, ""))?.[1] ?? -1));
  await expect.poll(async () => (await shares()).length).toBeGreaterThan(15);
  await expect.poll(async () => (await shares()).every((share, index, all) => index === 0 || share <= (all[index - 1] ?? 0))).toBe(true);
});

test("Back leads to the same place in the list, and to the row that was left", async ({ page }) => {
  await logIn(page);
  await page.goto("/agents?sort=name");
  const list = page.getByRole("region", { name: "Agents" });
  // The second hundred of the rows is loaded by scrolling.
  await expect(async () => {
    await list.evaluate((element) => element.scrollTo(0, 3600));
    expect(await list.evaluate((element) => element.scrollTop)).toBe(3600);
  }).toPass();
  const link = list.getByRole("row", { name: /./ }).filter({ has: page.locator("a[data-row-link]") }).nth(20).getByRole("link");
  const name = (await link.textContent()) ?? "";
  await link.focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
  await page.getByRole("navigation", { name: "Parts of this agent's page" }).getByRole("link", { name: "Inventory" }).click();
  await page.waitForURL("**/inventory");
  await page.goBack();
  await page.goBack();
  await expect(list.getByRole("link", { name, exact: true })).toBeFocused();
  expect(await list.evaluate((element) => element.scrollTop)).toBe(3600);
  // The same for a mouse; and whoever comes another way begins at the top.
  await list.getByRole("link", { name, exact: true }).click();
  await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
  await page.goBack();
  await expect(list.getByRole("link", { name, exact: true })).toBeFocused();
  await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Commands" }).click();
  await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Agents" }).click();
  await expect(list.getByRole("link").first()).toBeVisible();
  expect(await list.evaluate((element) => element.scrollTop)).toBe(0);
});

test("hostile text is shown as text", async ({ page }) => {
  await logIn(page);
  const organization = await change<{ id: string }>(page.request, "post", "/api/organizations", { name: HOSTILE });
  await change(page.request, "post", `/api/organizations/${organization.id}/sites`, { name: HOSTILE });
  await change(page.request, "patch", `/api${agentPath}`, { display_name: HOSTILE });
  for (const path of ["/agents", agentPath, "/organizations", `/organizations/${organization.id}`, "/audit", "/commands"]) {
    await page.goto(path);
    await expect(page.getByText(HOSTILE).first()).toBeVisible();
    expect(await page.locator("img[src=x]").count()).toBe(0);
    expect(await page.title()).not.toBe("owned");
  }
  await shot(page, "hostile");
  await change(page.request, "patch", `/api${agentPath}`, { display_name: null });
});

test("the audit log lists what was done", async ({ page }) => {
  await logIn(page);
  await page.goto("/audit");
  await page.getByLabel("Action, like agent.").fill("organization.");
  const entry = page.getByRole("button", { name: /Organization.*Contoso Dental/ }).first();
  await expect(entry).toBeVisible();
  await entry.click();
  await expect(page.getByText("request", { exact: true })).toBeVisible();
  await page.goto(`${agentPath}/activity`);
  await expect(page.getByRole("button", { name: /Command/ }).first()).toBeVisible();
});

test("an enrollment token is listed and revoked", async ({ page }) => {
  await logIn(page);
  await page.goto("/enrollment-tokens");
  await expect(page.getByRole("row", { name: /first machine/ })).toContainText("Used up");
  const sites = (await (await page.request.get("/api/sites")).json()) as { items: { id: string }[] };
  await change(page.request, "post", "/api/enrollment-tokens", { site_id: sites.items[0]?.id, label: "to be revoked" });
  await page.reload();
  const row = page.getByRole("row", { name: /to be revoked/ });
  await row.getByRole("button", { name: /Revoke/ }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke the token" }).click();
  await expect(row).toContainText("Revoked");
});

test("organizations and sites are made, renamed and deleted", async ({ page }) => {
  await logIn(page);
  await page.goto("/organizations");
  await page.getByRole("button", { name: "New organization" }).click();
  await page.getByRole("dialog").getByLabel("Name").fill("Short-lived");
  await page.getByRole("button", { name: "Create the organization" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Short-lived" })).toBeVisible();
  await page.getByRole("button", { name: "New site" }).first().click();
  await page.getByRole("dialog").getByLabel("Name").fill("Depot");
  await page.getByRole("button", { name: "Create the site" }).click();
  await page.getByRole("button", { name: "Rename Depot" }).click();
  await page.getByRole("dialog").getByLabel("Name").fill("Warehouse");
  await page.getByRole("dialog").getByRole("button", { name: "Rename" }).click();
  await page.getByRole("button", { name: "Delete Warehouse" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete the site" }).click();
  await expect(page.getByText("This organization has no site yet")).toBeVisible();
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByRole("button", { name: "Delete the organization" })).toBeDisabled();
  await dialog.getByRole("textbox").fill("Short-lived");
  await dialog.getByRole("button", { name: "Delete the organization" }).click();
  await page.waitForURL("**/organizations");
  await expect(page.getByRole("link", { name: "Short-lived" })).toHaveCount(0);
});
