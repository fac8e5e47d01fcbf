import { change, expect, logIn, OWNER, shot, test } from "./fixtures";

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
  await page.getByRole("button", { name: "Create the organization" }).click();
  await expect(page.getByText("The server does not answer").first()).toBeVisible();
  await expect(name).toHaveValue("Typed while away");
  await page.context().setOffline(false);
  await expect(page.getByText(/^The server does not answer$/)).toHaveCount(0);
  await page.getByRole("button", { name: "Create the organization" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Typed while away" })).toBeVisible();
});

test("an address without a page and an agent without a record say so", async ({ page }) => {
  await logIn(page);
  await page.goto("/nowhere");
  await expect(page.getByRole("heading", { name: "There is no page at this address" })).toBeVisible();
  await page.goto("/agents/0190a6c0-0000-7000-8000-000000000001");
  await expect(page.getByRole("heading", { name: "There is no agent with this id" })).toBeVisible();
  await page.goto("/commands/0190a6c0-0000-7000-8000-000000000001");
  await expect(page.getByRole("heading", { name: "There is no command with this id" })).toBeVisible();
  await page.goto("/commands/runs/0190a6c0-0000-7000-8000-000000000001");
  await expect(page.getByRole("heading", { name: "There is no run with this id" })).toBeVisible();
});

test("a scope that is not there is said so on every page, and left by one press", async ({ page }) => {
  await logIn(page);
  const { items } = (await (await page.request.get("/api/sites")).json()) as { items: { id: string; organization_id: string }[] };
  const one = items[0];
  const foreign = items.find((each) => each.organization_id !== one?.organization_id);
  if (!one || !foreign) throw new Error("two organizations with a site each are needed");
  const nowhere = "0190a6c0-0000-7000-8000-000000000001";
  for (const path of ["/agents", "/commands", "/audit"]) {
    await page.goto(`${path}?organization_id=${nowhere}`);
    await expect(page.getByRole("heading", { name: "This organization does not exist, or you cannot see it" })).toBeVisible();
    // No such site, and one of another organization.
    for (const site of [nowhere, foreign.id]) {
      await page.goto(`${path}?organization_id=${one.organization_id}&site_id=${site}`);
      await expect(page.getByRole("heading", { name: /^This site does not exist in / })).toBeVisible();
    }
  }
  await page.getByRole("button", { name: "The whole organization" }).click();
  await expect(page).toHaveURL(new RegExp(`/audit\\?organization_id=${one.organization_id}$`));
  await expect(page.getByRole("heading", { level: 1, name: "Audit" })).toBeVisible();
});

test("commands are listed for one site", async ({ page }) => {
  await logIn(page);
  const answer = await page.request.get("/api/organizations?q=Contoso");
  const organization = ((await answer.json()) as { items: { id: string }[] }).items[0]?.id;
  const list = await page.request.get(`/api/organizations/${organization}/sites`);
  const office = ((await list.json()) as { items: { id: string; name: string }[] }).items.find(({ name }) => name === "Head office");
  const empty = await change<{ id: string }>(page.request, "post", `/api/organizations/${organization}/sites`, { name: "Without commands" });
  await page.goto(`/commands?organization_id=${organization}&site_id=${office?.id}`);
  await expect(page.locator("a[data-row-link]").first()).toBeVisible();
  await page.goto(`/commands?organization_id=${organization}&site_id=${empty.id}`);
  await expect(page.getByRole("heading", { name: "No command matches" })).toBeVisible();
  await change(page.request, "delete", `/api/sites/${empty.id}`);
});

test("a list that cannot be loaded says so within the page's margins", async ({ page }) => {
  await logIn(page);
  const broken = { status: 500, contentType: "application/problem+json", body: JSON.stringify({ status: 500, title: "Broken", code: "internal", detail: "it broke", request_id: "3f2a" }) };
  const pages = { agents: "agents", commands: "commands", organizations: "organizations", tokens: "enrollment-tokens", audit: "audit" };
  for (const [name, path] of Object.entries(pages)) {
    await page.route(new RegExp(`/api/${path}\\?`), (route) => route.fulfill(broken));
    await page.goto(`/${path}`);
    const alert = page.locator("main").getByRole("alert");
    await expect(alert).toContainText("It broke.");
    // What it is looked up by, and what to do next; nothing is offered that would take the list that is not there.
    await expect(alert).toContainText(/The server answered 500 on .*, request 3f2a\./);
    await expect(alert).toContainText("Try again. If it fails again, look in the log");
    await expect(alert.getByRole("button", { name: "Copy details" })).toBeVisible();
    await expect(page.getByRole("button", { name: /^(Export CSV|Columns)$/ })).toHaveCount(0);
    await expect(page.getByText("Failing")).toBeVisible();
    const [inner, outer] = await Promise.all([alert.boundingBox(), page.locator("main").boundingBox()]);
    if (!inner || !outer) throw new Error("nothing is shown");
    expect(inner.x - outer.x, name).toBeGreaterThanOrEqual(12);
    expect(outer.x + outer.width - inner.x - inner.width, name).toBeGreaterThanOrEqual(12);
    await shot(page, `failed-${name}`);
    if (name === "organizations") await expect(page.getByRole("complementary", { name: "Scope" }).getByRole("alert")).toContainText("The organizations could not be loaded.");
  }
});

test("a page that could not be refreshed says so, and asks again when told to", async ({ page }) => {
  await logIn(page);
  await page.goto("/organizations");
  await expect(page.getByRole("link", { name: "Contoso Dental" }).first()).toBeVisible();
  const broken = { status: 500, contentType: "application/problem+json", body: JSON.stringify({ status: 500, title: "Broken", code: "internal", detail: "it broke" }) };
  const list = /\/api\/organizations\?.*limit=100/;
  await page.route(list, (route) => route.fulfill(broken));
  await page.evaluate(() => dispatchEvent(new Event("visibilitychange")));
  await expect(page.getByText(/^The organizations could not be refreshed\. What is shown is of \d\d:\d\d:\d\d \(/)).toBeVisible();
  await expect(page.getByRole("link", { name: "Contoso Dental" }).first()).toBeVisible();
  await shot(page, "stale");
  await page.unroute(list);
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByText(/^The organizations could not be refreshed\. What is shown is of \d\d:\d\d:\d\d \(/)).toHaveCount(0);
});
