import type { Page } from "@playwright/test";
import { expect, logIn, shot, test } from "./fixtures";

/** The frame is there, and hears the keyboard. */
const ready = (page: Page) => expect(page.getByRole("heading", { level: 1 })).toBeVisible();

test("from the palette to an agent's page and on, without a mouse", async ({ page }) => {
  await logIn(page);
  await ready(page);
  await page.keyboard.press("Control+k");
  const field = page.getByRole("combobox", { name: /^Find an agent/ });
  await expect(field).toBeFocused();
  // Nothing typed: actions and pages.
  await expect(page.getByRole("option", { name: /^Commands/ })).toBeVisible();
  await page.keyboard.type("Contoso");
  const found = page.getByRole("group", { name: "Organizations" }).getByRole("option", { name: "Contoso Dental" });
  await expect(found).toBeVisible();
  await shot(page, "palette");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("ArrowDown");
  while ((await found.getAttribute("aria-selected")) !== "true") await page.keyboard.press("ArrowDown");
  expect(await field.getAttribute("aria-activedescendant")).toBe(await found.getAttribute("id"));
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/agents\?organization_id=/);
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await expect(page.getByRole("navigation", { name: "Breadcrumbs" })).toContainText("Contoso Dental");

  const name = (await page.locator("a[data-row-link]").first().textContent()) ?? "";
  await page.keyboard.press("Control+k");
  await expect(field).toBeFocused();
  await page.keyboard.type(name);
  await expect(page.getByRole("group", { name: "Agents" }).getByRole("option").first()).toContainText(name);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name, exact: true })).toBeVisible();
  // What can be done here comes first, and what was looked at is found again.
  await page.keyboard.press("Control+k");
  await expect(page.getByRole("group", { name: "On this page" }).getByRole("option").first()).toContainText("Run a command");
  await page.keyboard.type("display name");
  await expect(page.getByRole("option", { name: /^Change the display name/ })).toHaveAttribute("aria-selected", "true");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog")).toBeVisible();
  await expect(page).toHaveURL(/dialog=rename/);
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
});

test("a palette that finds nothing says so, and one that cannot search too", async ({ page }) => {
  await logIn(page);
  await ready(page);
  await page.keyboard.press("Control+k");
  await expect(page.getByRole("combobox", { name: /^Find an agent/ })).toBeFocused();
  await page.keyboard.type("no such thing is anywhere");
  await expect(page.getByText("Nothing is called “no such thing is anywhere”.")).toBeVisible();
  await page.route("**/api/search?**", (route) =>
    route.fulfill({ status: 500, contentType: "application/problem+json", json: { status: 500, title: "Broken", code: "internal", detail: "it broke" } }),
  );
  await page.keyboard.type(" else");
  await expect(page.getByRole("dialog").getByRole("alert")).toContainText("It broke.");
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
});

test("what takes a while is asked for once, however often Enter is pressed", async ({ page }) => {
  await logIn(page);
  interface Agents {
    items: { id: string }[];
  }
  const [agent] = ((await (await page.request.get("/api/agents?limit=1")).json()) as Agents).items;
  await page.route(new RegExp(`/api/agents/${agent?.id}$`), async (route) => {
    const shown = (await (await route.fetch()).json()) as { permissions: object; presence: object };
    const allowed = { allowed: true, reason: null };
    await route.fulfill({ json: { ...shown, presence: { ...shown.presence, state: "online" }, permissions: { ...shown.permissions, command: allowed } } });
  });
  let asked = 0;
  let answer = (): void => undefined;
  const both = new Promise<void>((resolve) => {
    answer = resolve;
  });
  await page.route(/\/api\/agents\/[^/]+\/commands$/, async (route) => {
    asked += 1;
    await both;
    await route.fulfill({ status: 409, contentType: "application/problem+json", json: { status: 409, title: "No", code: "conflict", detail: "not now" } });
  });
  await page.goto(`/agents/${agent?.id}`);
  await ready(page);
  await page.keyboard.press("Control+k");
  await expect(page.getByRole("combobox", { name: /^Find an agent/ })).toBeFocused();
  await page.keyboard.type("self-test");
  await expect(page.getByRole("option", { name: /^Self-test/ })).toHaveAttribute("aria-selected", "true");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Enter");
  await expect.poll(() => asked).toBe(1);
  answer();
  await expect(page.getByRole("dialog").getByRole("alert")).toContainText("Not now.");
  expect(asked).toBe(1);
});

test("keys lead to pages and to the filter, and can be switched off", async ({ page }) => {
  await logIn(page);
  await expect(page.getByRole("heading", { level: 1, name: "Agents" })).toBeVisible();
  await page.keyboard.press("g");
  await page.keyboard.press("c");
  await expect(page.getByRole("heading", { level: 1, name: "Commands" })).toBeVisible();
  await page.keyboard.press("g");
  await page.keyboard.press("a");
  await expect(page.getByRole("heading", { level: 1, name: "Agents" })).toBeVisible();
  await page.keyboard.press("/");
  const filter = page.getByRole("searchbox", { name: "Find an agent" });
  await expect(filter).toBeFocused();
  // What is typed into a field is text.
  await page.keyboard.type("gc?");
  await expect(filter).toHaveValue("gc?");
  await expect(page).toHaveURL(/q=gc/);
  await filter.fill("");
  await filter.blur();

  await page.keyboard.press("?");
  const keys = page.getByRole("dialog", { name: "Keyboard" });
  await expect(keys.getByText("To the page's filter")).toBeVisible();
  await keys.getByRole("checkbox", { name: "Single-key shortcuts" }).uncheck();
  await page.keyboard.press("Escape");
  await expect(keys).toHaveCount(0);
  await page.reload();
  await expect(page.getByRole("heading", { level: 1, name: "Agents" })).toBeVisible();
  await page.keyboard.press("?");
  await page.keyboard.press("g");
  await page.keyboard.press("c");
  await page.keyboard.press("Control+k");
  await expect(page.getByRole("dialog", { name: "Find and do" })).toBeVisible();
  await expect(keys).toHaveCount(0);
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await expect(page.getByRole("heading", { level: 1, name: "Agents" })).toBeVisible();
  // They come back where the list of keys is found without them.
  await page.getByRole("button", { name: "Account and theme" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("menuitem", { name: "Keyboard" }).press("Enter");
  await keys.getByRole("checkbox", { name: "Single-key shortcuts" }).check();
});

test("the tree opens to a site's servers, and Enter goes to them", async ({ page }) => {
  await logIn(page);
  const tree = page.getByRole("complementary", { name: "Scope" }).getByRole("tree", { name: "Places" });
  await tree.getByRole("treeitem", { name: "All organizations" }).focus();
  const organization = tree.getByRole("treeitem", { name: /^Northwind/ });
  while (!(await organization.evaluate((each) => each === document.activeElement))) await page.keyboard.press("ArrowDown");
  await expect(organization).toHaveAttribute("aria-expanded", "false");
  await page.keyboard.press("ArrowRight");
  await expect(organization).toHaveAttribute("aria-expanded", "true");
  const site = tree.getByRole("treeitem", { name: /^Depot/ });
  await expect(site).toBeVisible();
  await page.keyboard.press("ArrowRight");
  await expect(site).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/site_id=/);
  const server = tree.locator("[aria-level='3'][href*='/agents/']").first();
  await expect(server).toBeVisible();
  await expect(server).toContainText(/, (Online|Offline|Reconnecting|Never seen|Quarantined)/);
  await shot(page, "tree");
  await expect(site).toBeFocused();
  await page.keyboard.press("ArrowRight");
  await expect(server).toBeFocused();
  await page.keyboard.press("Enter");
  await page.waitForURL("**/agents/*-*");
  await expect(server).toHaveAttribute("aria-current", "page");
  const way = page.getByRole("navigation", { name: "Breadcrumbs" });
  await expect(way.getByRole("listitem")).toHaveText(["Northwind Logistics", "Depot", /.+/]);
  // A count of the others leads to the site's list.
  await tree.getByRole("treeitem", { name: /other machines?/ }).click();
  await expect(page).toHaveURL(/\/agents\?.*site_id=/);
});

test("the tree and the rail fold, and stay so", async ({ page }) => {
  await logIn(page);
  const tree = page.getByRole("complementary", { name: "Scope" });
  await expect(tree).toBeVisible();
  await page.getByRole("button", { name: /^Scope:/ }).click();
  await expect(tree).toBeHidden();
  await page.getByRole("button", { name: "Fold the pages to icons" }).click();
  await page.reload();
  await expect(page.getByRole("button", { name: /^Scope:/ })).toHaveAttribute("aria-expanded", "false");
  await expect(tree).toBeHidden();
  await expect(page.getByRole("button", { name: "Fold the pages to icons" })).toHaveAttribute("aria-pressed", "true");
  await expect(page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Audit" })).toBeVisible();
  await shot(page, "folded");
});

test("on a phone four pages stand in the bar, and the others behind More", async ({ page }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  await logIn(page);
  const bar = page.getByRole("navigation", { name: "Pages" });
  await expect(bar.getByRole("link")).toHaveCount(4);
  await bar.getByRole("button", { name: "More" }).click();
  await page.getByRole("dialog", { name: "More pages" }).getByRole("link", { name: "Audit" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Audit" })).toBeVisible();
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await page.getByRole("button", { name: /^Scope:/ }).click();
  const sheet = page.getByRole("dialog", { name: "Scope" });
  await sheet.getByRole("treeitem", { name: /^Contoso Dental/ }).click();
  await expect(page).toHaveURL(/\/audit\?organization_id=/);
});
