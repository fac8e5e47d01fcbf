import { expect, logIn, test } from "./fixtures";

test("what is wrong with a field is said at it, and what is typed is not left by mistake", async ({ page }) => {
  await logIn(page);
  const { items } = (await (await page.request.get("/api/agents?limit=1")).json()) as { items: { id: string }[] };
  const id = items[0]?.id;
  if (!id) throw new Error("there is no agent");
  const problem = {
    status: 422,
    title: "Invalid",
    code: "invalid",
    detail: "invalid",
    errors: [{ field: "display_name", message: "is taken already" }, { field: "memberships.0.role", message: "is not known" }],
  };
  const address = new RegExp(`/api/agents/${id}$`);
  await page.route(address, (route) =>
    route.request().method() === "PATCH"
      ? route.fulfill({ status: 422, contentType: "application/problem+json", body: JSON.stringify(problem) })
      : route.fallback(),
  );
  await page.goto(`/agents/${id}?dialog=rename`);
  const dialog = page.getByRole("dialog", { name: "Change the display name" });
  const field = dialog.getByLabel("Display name");
  await field.fill("x".repeat(101));
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog.getByText("At most 100 characters.")).toBeVisible();
  await expect(field).toBeFocused();
  await field.fill("Reception desk");
  await expect(dialog.getByText("At most 100 characters.")).toHaveCount(0);
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog.getByText("is taken already")).toBeVisible();
  await expect(field).toBeFocused();
  await expect(field).toHaveAccessibleDescription(/is taken already/);
  await expect(dialog.getByRole("alert")).toContainText(/memberships\.0\.role: is not known/i);
  await page.unroute(address);
  await dialog.getByRole("button", { name: "Cancel" }).click();
  const leave = page.getByRole("dialog", { name: "Leave without saving?" });
  await leave.getByRole("button", { name: "Stay" }).click();
  await expect(field).toHaveValue("Reception desk");
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await leave.getByRole("button", { name: "Leave" }).click();
  await expect(dialog).toHaveCount(0);
  await expect(page).not.toHaveURL(/dialog=/);

  // Saved, nothing is left to be lost, and Back does not open the dialog again.
  for (const name of ["Reception desk", ""]) {
    await page.goto(`/agents/${id}`);
    await page.getByRole("button", { name: "More", exact: true }).click();
    await page.getByRole("menuitem", { name: /name/ }).click();
    await field.fill(name);
    await dialog.getByRole("button", { name: "Save" }).click();
    await expect(dialog).toHaveCount(0);
    await expect(leave).toHaveCount(0);
    await expect(page.getByRole("heading", { level: 1, name: name === "" ? undefined : name })).toBeVisible();
    await page.goBack();
    await expect(dialog).toHaveCount(0);
  }
});

test("what is typed into the enrollment form is there again", async ({ page }) => {
  await logIn(page);
  await page.goto("/agents/enroll");
  const dialog = page.getByRole("dialog", { name: "Enroll a machine" });
  await dialog.getByLabel("Label").fill("for the new branch");
  await dialog.getByLabel("Machine limit").fill("0");
  await dialog.getByRole("button", { name: "Create the token" }).click();
  await expect(dialog.getByText("This is needed.")).toBeVisible();
  await expect(dialog.getByText("A whole number from 1 to 100000, or nothing.")).toBeVisible();
  await page.reload();
  await expect(dialog.getByLabel("Label")).toHaveValue("for the new branch");
});
