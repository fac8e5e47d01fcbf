import { expect, logIn, OWNER, test } from "./fixtures";

test("a session that ended leads to the login and back", async ({ page }) => {
  await logIn(page);
  await page.goto("/commands?state=succeeded");
  await expect(page.getByRole("heading", { level: 1, name: "Commands" })).toBeVisible();
  await page.context().clearCookies();
  // Coming back to the tab asks anew; a hint may have asked before.
  await page.evaluate(() => dispatchEvent(new Event("visibilitychange")));
  await page.waitForURL("**/login?*");
  await expect(page.getByText("Your session has ended.")).toBeVisible();
  await page.getByLabel("Email").fill(OWNER.email);
  await page.getByRole("textbox", { name: "Password" }).fill(OWNER.password);
  await page.keyboard.press("Enter");
  await page.waitForURL("**/commands?state=succeeded");
});

test("a server that is away is said so, nothing typed is lost, and it recovers by itself", async ({ page }) => {
  await logIn(page);
  await page.goto("/organizations");
  await page.getByRole("button", { name: "New organization" }).first().click();
  const name = page.getByRole("dialog").getByLabel("Name");
  await name.fill("Typed while away");
  await page.context().setOffline(true);
  await page.getByRole("button", { name: "Make the organization" }).click();
  await expect(page.getByText("The server does not answer").first()).toBeVisible();
  await expect(name).toHaveValue("Typed while away");
  await page.context().setOffline(false);
  await expect(page.getByText(/^The server does not answer$/)).toHaveCount(0);
  await page.getByRole("button", { name: "Make the organization" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Typed while away" })).toBeVisible();
});

test("an address without a page and an agent without a record say so", async ({ page }) => {
  await logIn(page);
  await page.goto("/nowhere");
  await expect(page.getByRole("heading", { name: "There is no page at this address" })).toBeVisible();
  await page.goto("/agents/0190a6c0-0000-7000-8000-000000000001");
  await expect(page.getByRole("heading", { name: "There is no agent with this id" })).toBeVisible();
});
