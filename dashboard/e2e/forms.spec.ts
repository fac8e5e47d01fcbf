import { expect, logIn, test } from "./fixtures";

test("what is typed into the enrollment form is there again", async ({ page }) => {
  await logIn(page);
  await page.goto("/agents/enroll");
  const dialog = page.getByRole("dialog", { name: "Enroll a machine" });
  await dialog.getByLabel("Label").fill("for the new branch");
  await dialog.getByLabel("Most machines").fill("0");
  await dialog.getByRole("button", { name: "Make the token" }).click();
  await expect(dialog.getByText("This is needed.")).toBeVisible();
  await expect(dialog.getByText("A whole number from 1 to 100000, or nothing.")).toBeVisible();
  await page.reload();
  await expect(dialog.getByLabel("Label")).toHaveValue("for the new branch");
});
