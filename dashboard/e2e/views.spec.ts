import type { Page } from "@playwright/test";
import { readFileSync } from "node:fs";
import { accessible, change, expect, logIn, shot, test } from "./fixtures";

test.describe.configure({ mode: "serial" });

const menu = (page: Page) => page.getByRole("button", { name: /^Views?(:|$)/ });

/** Opens the menu of views. A list that has just come may close it again. */
async function open(page: Page): Promise<void> {
  await expect(page.locator("a[data-row-link]").first()).toBeVisible();
  await expect(async () => {
    if (!(await page.getByRole("menuitem", { name: "Save as…" }).isVisible())) await menu(page).click();
    await expect(page.getByRole("menuitem", { name: "Save as…" })).toBeVisible({ timeout: 2_000 });
  }).toPass();
}

test("a view is saved with its filters, sort and columns, and chosen again", async ({ page }) => {
  await logIn(page);
  await page.goto("/agents?os_family=linux&sort=-name");
  await open(page);
  await expect(page.getByText("No view is saved yet")).toBeVisible();
  await page.getByRole("menuitem", { name: "Save as…" }).click();
  await expect(page).toHaveURL(/view_dialog=save/);
  const dialog = page.getByRole("dialog", { name: "Save this view" });
  await dialog.getByRole("button", { name: "Save the view" }).click();
  await expect(dialog.getByText("This is needed.")).toBeVisible();
  await dialog.getByLabel("Name").fill("Linux, from the end");
  await accessible(page);
  await shot(page, "views-save");
  await dialog.getByRole("button", { name: "Save the view" }).click();
  await expect(dialog).toHaveCount(0);
  await expect(menu(page)).toHaveText("View: Linux, from the end");

  // The same name once more is wrong at the name.
  await open(page);
  await page.getByRole("menuitem", { name: "Save as…" }).click();
  await dialog.getByLabel("Name").fill("linux, from the END");
  await dialog.getByRole("button", { name: "Save the view" }).click();
  await expect(dialog.getByText(/you have a view of this name/i)).toBeVisible();
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("dialog", { name: "Leave without saving?" }).getByRole("button", { name: "Leave" }).click();
  await expect(dialog).toHaveCount(0);

  await page.goto("/agents");
  await open(page);
  await page.getByRole("menuitemcheckbox", { name: "Linux, from the end" }).click();
  await expect(page).toHaveURL(/os_family=linux/);
  await expect(page).toHaveURL(/sort=-name/);
  await expect(page.getByRole("columnheader", { name: "Name" })).toHaveAttribute("aria-sort", "descending");
  await page.reload();
  await expect(menu(page)).toHaveText("View: Linux, from the end");
});

test("another filter changes it, which is saved or taken back; columns belong to it", async ({ page }) => {
  await logIn(page);
  await open(page);
  await page.getByRole("menuitemcheckbox", { name: "Linux, from the end" }).click();
  await page.getByRole("button", { name: "Remove the filter System" }).click();
  await expect(menu(page)).toContainText("changed");
  await open(page);
  await page.getByRole("menuitem", { name: "Discard the changes" }).click();
  await expect(menu(page)).not.toContainText("changed");
  await expect(page).toHaveURL(/os_family=linux/);

  await page.getByRole("button", { name: "Columns" }).click();
  await page.getByRole("menuitemcheckbox", { name: "CPU" }).click();
  await page.keyboard.press("Escape");
  await expect(menu(page)).toContainText("changed");
  await open(page);
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await accessible(page);
    await shot(page, `views-${colorScheme}`);
  }
  await page.getByRole("menuitem", { name: "Save the changes" }).click();
  await expect(menu(page)).not.toContainText("changed");
  await page.getByRole("button", { name: "Columns" }).click();
  await page.getByRole("menuitem", { name: "Reset the columns" }).click();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("columnheader", { name: "CPU" })).toBeVisible();
  await open(page);
  await page.getByRole("menuitemcheckbox", { name: "Linux, from the end" }).click();
  await expect(page.getByRole("columnheader", { name: "CPU" })).toHaveCount(0);
});

test("it is renamed and shared, on a phone with the keyboard alone too", async ({ page }) => {
  await logIn(page);
  await page.setViewportSize({ width: 360, height: 740 });
  await expect(page.locator("a[data-row-link]").first()).toBeVisible();
  await menu(page).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("menuitemcheckbox", { name: "Linux, from the end" }).focus();
  await page.keyboard.press("Enter");
  await expect(menu(page)).toContainText("Linux, from the end");
  await open(page);
  await shot(page, "views-phone");
  await page.getByRole("menuitem", { name: "Rename or share…" }).click();
  const dialog = page.getByRole("dialog", { name: "Rename or share the view" });
  await dialog.getByLabel("Name").fill("Linux machines");
  await dialog.getByRole("combobox", { name: "Shared with" }).click();
  await page.getByRole("option", { name: "Whoever belongs to one organization" }).click();
  await dialog.getByRole("button", { name: "Save", exact: true }).click();
  await expect(dialog.getByText("This is needed.")).toBeVisible();
  await dialog.getByRole("combobox", { name: "Shared with" }).click();
  await page.getByRole("option", { name: "Everyone" }).click();
  await accessible(page);
  await shot(page, "views-share");
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  await dialog.getByRole("button", { name: "Save", exact: true }).click();
  await expect(dialog).toHaveCount(0);
  await open(page);
  await expect(page.getByRole("menuitemcheckbox", { name: /Linux machines/ })).toContainText("shared with everyone");
});

test("a filter that is no more is left out, and said", async ({ page }) => {
  await logIn(page);
  const { id } = await change<{ id: string }>(page.request, "post", "/api/views", {
    page: "agents",
    name: "From long ago",
    query: { role: "server", colour: "red" },
    columns: [],
    shared: "nobody",
  });
  await open(page);
  await page.getByRole("menuitemcheckbox", { name: "From long ago" }).click();
  await expect(page.getByText("A filter of this view no longer exists and was left out.")).toBeVisible();
  await expect(page.getByText("colour: red")).toBeVisible();
  await shot(page, "views-lost");
  await page.getByRole("button", { name: "Save the view as it is shown" }).click();
  await expect(page.getByText("colour: red")).toHaveCount(0);
  await change(page.request, "delete", `/api/views/${id}`);
  await page.goto(`/agents?saved=${id}`);
  await expect(page.getByText("The saved view of this address was deleted")).toBeVisible();
  await page.getByRole("button", { name: "Go on without it" }).click();
  await expect(page).not.toHaveURL(/saved=/);
});

test("the list as it is filtered is a file with the columns that are shown", async ({ page }) => {
  await logIn(page);
  await page.goto("/agents?os_family=linux&sort=-name");
  const first = page.locator("a[data-row-link]").first();
  await expect(first).toBeVisible();
  const name = (await first.textContent()) ?? "";
  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export CSV" }).click();
  const download = await downloading;
  expect(download.suggestedFilename()).toMatch(/^agents-[0-9-]{10}\.csv$/);
  const [header = "", row = ""] = readFileSync(await download.path(), "utf8").replace("\ufeff", "").split("\r\n");
  expect(header).toMatch(/^name,state,presence,last_seen_at,attention,organization,site,os_name/);
  expect(row).toContain(name);

  await page.route("**/api/agents/export*", (route) =>
    route.fulfill({ status: 429, contentType: "application/problem+json", body: JSON.stringify({ title: "Too many requests", code: "too_many_requests" }) }),
  );
  await page.getByRole("button", { name: "Export CSV" }).click();
  await expect(page.getByRole("alert")).toContainText("Two of your exports are running already");
});

test("it is deleted when that was asked about", async ({ page }) => {
  await logIn(page);
  await open(page);
  await page.getByRole("menuitemcheckbox", { name: /Linux machines/ }).click();
  await open(page);
  await page.getByRole("menuitem", { name: "Delete…" }).click();
  const dialog = page.getByRole("dialog", { name: "Delete this view?" });
  await expect(dialog).toContainText("Linux machines");
  await dialog.getByRole("button", { name: "Delete the view" }).click();
  await expect(dialog).toHaveCount(0);
  await expect(menu(page)).toHaveText("Views");
  await open(page);
  await expect(page.getByText("No view is saved yet")).toBeVisible();
});
