import type { Locator, Page } from "@playwright/test";
import { expect, logIn, shot, test } from "./fixtures";
import { makeMember } from "./people";

/** A control that stays in its place, does nothing, and says why. */
async function refused(control: Locator, reason: string | RegExp): Promise<void> {
  await expect(control).toHaveAttribute("aria-disabled", "true");
  await expect(control).toHaveAttribute("aria-description", reason);
}

async function organizationOf(page: Page): Promise<string> {
  const { items } = (await (await page.request.get("/api/organizations")).json()) as { items: { id: string }[] };
  expect(items).toHaveLength(1);
  return items[0]?.id ?? "";
}

test("a viewer sees every control with the reason why it cannot be used", async ({ page }) => {
  makeMember("viewer@example.com", "viewer", "Contoso Dental");
  await logIn(page, "viewer@example.com");
  const technician = "This needs the role technician in the organization.";
  const enroll = page.getByRole("button", { name: "Enroll a machine" });
  await refused(enroll, technician);
  // The keyboard comes to it, too.
  await page.getByRole("searchbox", { name: "Find an agent" }).focus();
  await page.keyboard.press("Shift+Tab");
  await expect(enroll).toBeFocused();
  await expect(page.getByRole("tooltip", { name: technician })).toBeVisible();
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/agents$/);
  await shot(page, "viewer-agents");

  await page.locator("a[data-row-link]").first().click();
  // The agent of the server's own host is for dev_admin alone, which is then the reason.
  await refused(page.getByRole("button", { name: "Run a command" }), /needs the role technician|only a dev_admin may act/);

  const organization = await organizationOf(page);
  await page.goto(`/agents/enroll?organization_id=${organization}`);
  const dialog = page.getByRole("dialog", { name: "Enroll a machine" });
  await expect(dialog.getByText("You cannot enroll machines in this organization.")).toBeVisible();
  await refused(dialog.getByRole("button", { name: "Create the token" }), technician);
  await refused(dialog.getByRole("button", { name: "New organization" }), "Only an admin may do this.");

  await page.goto("/organizations");
  await refused(page.getByRole("button", { name: "New organization" }), "Only an admin may do this.");
  await page.goto(`/organizations/${organization}`);
  for (const name of ["Rename", "Delete"]) {
    await refused(page.getByRole("button", { name, exact: true }), "Only an admin may change organizations.");
  }
  for (const name of ["New site", "Rename Head office", "Delete Head office"]) {
    await refused(page.getByRole("button", { name }), "This needs the role org_admin in the organization.");
  }
  await refused(page.getByRole("button", { name: "Enroll a machine at Head office" }), technician);
  await expect(page.getByText("You may look at this organization, but not change it.")).toBeVisible();
  await shot(page, "viewer-organization");

  await page.goto("/enrollment-tokens");
  await expect(page.getByRole("heading", { name: "You may not see enrollment tokens" })).toBeVisible();
  await refused(page.getByRole("button", { name: "New token" }), "This needs the role technician in an organization.");
  await page.goto("/audit");
  await expect(page.getByRole("heading", { name: "You may not read the audit log" })).toBeVisible();
});

test("a technician enrolls and revokes, and is told what is for others", async ({ page }) => {
  makeMember("technician@example.com", "technician", "Contoso Dental");
  await logIn(page, "technician@example.com");
  await page.getByRole("link", { name: "Enroll a machine" }).click();
  const dialog = page.getByRole("dialog", { name: "Enroll a machine" });
  await dialog.getByRole("combobox", { name: "Organization" }).click();
  await page.getByRole("option", { name: "Contoso Dental" }).click();
  await refused(dialog.getByRole("button", { name: "New site" }), "This needs the role org_admin in the organization.");
  await dialog.getByLabel("Label").fill("by a technician");
  await dialog.getByRole("button", { name: "Create the token" }).click();
  await page.getByRole("dialog", { name: "Run this on the machine" }).getByRole("button", { name: "Close" }).last().click();
  await page.goto("/enrollment-tokens");
  const row = page.getByRole("row", { name: /by a technician/ });
  await row.getByRole("button", { name: /Revoke/ }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke the token" }).click();
  await expect(row).toContainText("Revoked");
  await page.goto(`/organizations/${await organizationOf(page)}`);
  await refused(page.getByRole("button", { name: "New site" }), "This needs the role org_admin in the organization.");
});

test("who manages an organization changes its sites, but not what still has agents", async ({ page }) => {
  makeMember("manager@example.com", "org_admin", "Contoso Dental");
  await logIn(page, "manager@example.com");
  await page.goto(`/organizations/${await organizationOf(page)}`);
  await refused(page.getByRole("button", { name: "Delete Head office" }), /^This site still has \d+ agents?; /);
  await page.getByRole("button", { name: "New site" }).click();
  await page.getByRole("dialog").getByLabel("Name").fill("Of the manager");
  await page.getByRole("button", { name: "Create the site" }).click();
  await page.getByRole("button", { name: "Delete Of the manager" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete the site" }).click();
  await expect(page.getByRole("link", { name: "Of the manager" })).toHaveCount(0);
});
