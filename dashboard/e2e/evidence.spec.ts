import type { Page } from "@playwright/test";
import { accessible, expect, logIn, shot, test } from "./fixtures";
import { isAwayFor, neverConnected } from "./people";

interface Machine {
  id: string;
  name: string;
  attention: { reason: string; words: string }[];
}

/** A simulated machine that needs somebody for a reason, or one that needs nobody. */
async function machine(page: Page, reason: string | null): Promise<Machine> {
  const { items: places } = (await (await page.request.get("/api/organizations?q=Northwind")).json()) as { items: { id: string }[] };
  const filter = reason === null ? "" : `&attention=${reason}`;
  const { items } = (await (await page.request.get(`/api/agents?limit=200&organization_id=${places[0]?.id}${filter}`)).json()) as { items: Machine[] };
  const found = items.find(({ attention }) => (reason === null ? attention.length === 0 : true));
  if (!found) throw new Error(`no machine: ${reason}`);
  return found;
}

test("a reason opens to its evidence over the list, at an address of its own", async ({ page }) => {
  await logIn(page);
  const one = await machine(page, "pending_reboot");
  await page.goto(`/agents?attention=pending_reboot&q=${one.name}`);
  const row = page.getByRole("row").filter({ hasText: one.name });
  const reason = row.getByRole("link", { name: "Waits for a restart" });
  await reason.focus();
  await page.keyboard.press("Enter");
  const drawer = page.getByRole("dialog", { name: one.name });
  await expect(drawer.getByRole("heading", { name: "Computed from" })).toBeVisible();
  await expect(drawer.getByText("Source")).toBeVisible();
  await expect(drawer.getByRole("listitem").filter({ hasText: "Restart it." })).toBeVisible();
  await expect(drawer.getByRole("link", { name: "Open the agent's page" })).toBeVisible();
  await expect(page).toHaveURL(new RegExp(`/agents/evidence/${one.id}/pending_reboot\\?.*attention=pending_reboot`));
  await page.reload();
  await expect(drawer).toBeVisible();
  // The absolute time is reached without a pointer.
  const age = drawer.getByRole("note").first();
  await age.focus();
  await expect(page.getByRole("tooltip")).toContainText(/GMT|UTC|CET/);
  await page.keyboard.press("Escape");
  await expect(drawer).toHaveCount(0);
  await expect(page).toHaveURL(new RegExp(`/agents\\?.*attention=pending_reboot`));
  await page.goto(`/agents/evidence/${one.id}/no-such-reason`);
  await expect(page.getByRole("heading", { name: "There is no page at this address" })).toBeVisible();
});

test("on the agent's page each reason opens to its values and the next step", async ({ page }) => {
  await logIn(page);
  const full = await machine(page, "volume_full");
  await page.goto(`/agents/${full.id}`);
  const words = full.attention.find(({ reason }) => reason === "volume_full")?.words ?? "";
  await page.getByRole("link", { name: `Evidence and next step: ${words}` }).click();
  await expect(page).toHaveURL(/evidence=volume_full/);
  const drawer = page.getByRole("dialog", { name: full.name });
  // The bound; a volume may have come just as far.
  await expect(drawer.getByText("92 %", { exact: true }).last()).toBeVisible();
  await expect(drawer).toContainText(/\d+ %, [\d.]+ \wi?B free of/);
  for (const [colorScheme, width] of [["light", 1440], ["dark", 360]] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.setViewportSize({ width, height: 740 });
    await expect(page.locator("html")).toHaveAttribute("data-mantine-color-scheme", colorScheme);
    await accessible(page);
    await shot(page, `evidence-volume-${colorScheme}-${width}`);
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  await expect(drawer.getByRole("link", { name: "in the charts" })).toHaveAttribute("href", /#readings$/);
  await drawer.getByRole("button", { name: "Close" }).click();
  await expect(page).not.toHaveURL(/evidence=/);
});

test("who is away, who never came, and who needs nobody any more", async ({ page }) => {
  await logIn(page);
  const one = await machine(page, null);
  await page.goto(`/agents/${one.id}?evidence=offline`);
  await expect(page.getByText("This no longer holds.")).toBeVisible();
  isAwayFor(one.id, "8 days");
  // What a pointer brings up stays under it, and goes with Escape.
  await page.goto(`/agents/${one.id}`);
  await page.getByRole("note").first().hover();
  const tooltip = page.getByRole("tooltip");
  await expect(tooltip).toContainText(/GMT|UTC|CET/);
  await tooltip.hover();
  await expect(tooltip).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(tooltip).toHaveCount(0);
  await page.goto(`/agents/${one.id}?evidence=offline`);
  const drawer = page.getByRole("dialog");
  await expect(drawer.getByText("Missed after")).toBeVisible();
  await shot(page, "evidence-offline");
  await drawer.getByRole("link", { name: /^Who else is offline at/ }).click();
  await expect(page).toHaveURL(/presence=offline/);
  neverConnected(one.id);
  await page.goto(`/agents/${one.id}?evidence=never_connected`);
  await expect(drawer.getByLabel("The command to run on the machine")).toHaveText("gururmm-agent selftest");
  await shot(page, "evidence-never");
  await drawer.getByRole("link", { name: "Decommission it" }).click();
  await expect(page.getByRole("dialog", { name: `Decommission ${one.name}?` })).toBeVisible();
});

test("the step that evidence names begins with its command, and every reason is reached from every other", async ({ page }) => {
  await logIn(page);
  const one = await machine(page, "pending_reboot");
  await page.goto(`/agents/evidence/${one.id}/pending_reboot`);
  const drawer = page.getByRole("dialog", { name: one.name });
  await drawer.getByRole("link", { name: "Restart…" }).click();
  await expect(page).toHaveURL(new RegExp(`/agents/${one.id}/commands\\?task=restart`));
  await expect(page.getByText("This command was written for you.")).toBeVisible();
  await expect(page.getByRole("textbox", { name: "Script" })).toHaveValue(/^shutdown/);
  await shot(page, "evidence-step");
  // What was typed before is not lost to it.
  await page.goto(`/agents/${one.id}/commands`);
  await expect(page.getByRole("textbox", { name: "Script" })).toHaveValue("");

  const { items } = (await (await page.request.get("/api/agents?limit=200&attention=any")).json()) as { items: Machine[] };
  const many = items.find(({ attention }) => attention.length > 1);
  if (!many) throw new Error("no machine has two reasons");
  await page.goto(`/agents/evidence/${many.id}/${many.attention.at(-1)?.reason}`);
  const reasons = page.getByRole("dialog", { name: many.name }).getByRole("navigation", { name: "Everything it needs" }).getByRole("link");
  await expect(reasons).toHaveCount(many.attention.length);
  await reasons.first().click();
  await expect(page).toHaveURL(new RegExp(`/agents/evidence/${many.id}/${many.attention[0]?.reason}`));
  await expect(reasons.first()).toHaveAttribute("aria-current", "page");
});
