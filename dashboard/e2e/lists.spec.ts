import type { Page } from "@playwright/test";
import { readFileSync } from "node:fs";
import { accessible, change, expect, logIn, test } from "./fixtures";

const BROKEN = { status: 500, contentType: "application/problem+json", body: JSON.stringify({ status: 500, title: "Broken", code: "internal", detail: "it broke" }) };

interface Items {
  items: { id: string; name: string }[];
}

const region = (page: Page, name: string) => page.getByRole("region", { name, exact: true });
const topOf = (page: Page, name: string) => region(page, name).evaluate((each) => each.scrollTop);

test("rows stay in sight, and idle, until those of another order are there; these begin at the top", async ({ page }) => {
  await logIn(page);
  await page.goto("/agents?sort=name");
  const list = region(page, "Agents");
  await expect(list.locator("[data-row]").first()).toBeVisible();
  await list.evaluate((each) => each.scrollTo({ top: 600 }));
  await expect.poll(() => topOf(page, "Agents")).toBe(600);
  const { items } = (await (await page.request.get("/api/agents?sort=-name&limit=1")).json()) as Items;
  let answer = (): void => undefined;
  const asked = new Promise<void>((resolve) => {
    answer = resolve;
  });
  await page.route(/\/api\/agents\?.*sort=-name/, async (route) => {
    await asked;
    await route.continue();
  });
  const sort = list.getByRole("columnheader", { name: "Name" }).getByRole("button");
  await sort.click();
  await expect(list).toHaveAttribute("aria-busy", "true");
  await expect(list.getByRole("columnheader", { name: "Name" })).toHaveAttribute("aria-sort", "descending");
  await expect(list.locator("[data-row]").first()).toBeVisible();
  await expect(list.locator("tbody")).toHaveAttribute("inert");
  expect(await topOf(page, "Agents")).toBe(600);
  // The pointer and the focus hold the rows of a list, not those of the list before.
  await sort.focus();
  answer();
  await expect(list).toHaveAttribute("aria-busy", "false");
  await expect(list.locator("a[data-row-link]").first()).toHaveText(items[0]?.name ?? "");
  expect(await topOf(page, "Agents")).toBe(0);
  await expect(sort).toBeFocused();
  await page.keyboard.press("ArrowDown");
  await expect(list.locator("a[data-row-link]").first()).toBeFocused();
});

test("a filter that is not answered is said in the place of the rows of before", async ({ page }) => {
  await logIn(page);
  await expect(region(page, "Agents").locator("[data-row]").first()).toBeVisible();
  await page.route(/\/api\/agents\?.*q=unanswered/, (route) => route.fulfill(BROKEN));
  await page.getByRole("searchbox", { name: "Find an agent" }).fill("unanswered");
  await expect(page.locator("main").getByRole("alert")).toContainText("It broke.");
  await expect(page.locator("[data-row]")).toHaveCount(0);
});

test("a further page that cannot be had is said below the rows, and asked for by hand", async ({ page }) => {
  await logIn(page);
  let asked = 0;
  await page.route(/\/api\/agents\?/, async (route) => {
    if (route.request().url().includes("cursor=")) {
      asked += 1;
      await (asked === 1 ? route.fulfill(BROKEN) : route.fulfill({ json: { items: [], next_cursor: null, permissions: { create: { allowed: true, reason: null } } } }));
      return;
    }
    const answer = await route.fetch();
    const first = (await answer.json()) as Items;
    await route.fulfill({ json: { ...first, items: first.items.slice(0, 5), next_cursor: "further" } });
  });
  await page.goto("/agents");
  const list = region(page, "Agents");
  await expect(list.getByRole("alert")).toContainText("The rest of the list could not be loaded.");
  await expect(list.locator("[data-row]")).toHaveCount(5);
  await list.evaluate((each) => each.scrollTo({ top: 1_000 }));
  await expect(list.getByRole("alert")).toBeVisible();
  expect(asked).toBe(1);
  await accessible(page);
  await list.getByRole("button", { name: "Try again" }).click();
  await expect(list.getByRole("alert")).toHaveCount(0);
  expect(asked).toBe(2);
});

test("entries of the audit log stand still under the pointer, and Back leads to where one was", async ({ page }) => {
  await logIn(page);
  await page.goto("/audit");
  const log = region(page, "Audit entries");
  const entries = log.getByRole("listitem");
  await expect(entries.first()).toBeVisible();
  const top = (await entries.first().getAttribute("data-row")) ?? "";
  await log.hover();
  const { id } = await change<{ id: string }>(page.request, "post", "/api/organizations", { name: "Made meanwhile" });
  // Coming back to the tab asks anew.
  await page.evaluate(() => dispatchEvent(new Event("visibilitychange")));
  const waiting = log.getByRole("button", { name: /^\d+ changed$/ });
  await expect(waiting).toBeVisible();
  await expect(entries.first()).toHaveAttribute("data-row", top);
  await waiting.click();
  await expect(entries.first()).toContainText("Made meanwhile");
  await change(page.request, "delete", `/api/organizations/${id}`);

  await log.evaluate((each) => each.scrollTo({ top: 1_500 }));
  await expect.poll(() => topOf(page, "Audit entries")).toBe(1_500);
  // Of hundreds only those in sight are in the page.
  expect(await entries.count()).toBeLessThan(70);
  const entry = log.getByRole("button", { name: /Agent enrolled/ }).last();
  await entry.scrollIntoViewIfNeeded();
  await entry.click();
  const before = await topOf(page, "Audit entries");
  await log.getByRole("link", { name: "Open the agent" }).click();
  await page.waitForURL("**/agents/*-*");
  await page.goBack();
  await expect(entries.first()).toBeVisible();
  await expect.poll(() => topOf(page, "Audit entries")).toBe(before);
});

test("j and k move in a list whose rows lead nowhere", async ({ page }) => {
  await logIn(page);
  await page.goto("/enrollment-tokens");
  const rows = region(page, "Enrollment tokens").locator("[data-row]");
  await expect(rows.nth(1)).toBeVisible();
  await page.keyboard.press("j");
  await expect(rows.first().locator(":focus")).toHaveCount(1);
  await page.keyboard.press("j");
  await expect(rows.nth(1).locator(":focus")).toHaveCount(1);
  await page.keyboard.press("k");
  await expect(rows.first().locator(":focus")).toHaveCount(1);
});

test("commands and the audit log are files too", async ({ page }) => {
  await logIn(page);
  for (const [path, header] of [
    ["/commands?state=succeeded", /^summary,agent,state,exit_code,requested_by,created_at/],
    ["/audit?action=organization.", /^\S*action/],
  ] as const) {
    await page.goto(path);
    const downloading = page.waitForEvent("download");
    await page.getByRole("button", { name: "Export CSV" }).click();
    const download = await downloading;
    const [head = "", ...rows] = readFileSync(await download.path(), "utf8").replace("\ufeff", "").trimEnd().split("\r\n");
    expect(head).toMatch(header);
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.join("\n")).toContain(path.startsWith("/audit") ? "organization." : "succeeded");
  }
});
