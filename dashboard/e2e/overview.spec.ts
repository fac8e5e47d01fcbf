import { expect, logIn, shot, test } from "./fixtures";

test("the overview says what needs somebody, and leads there", async ({ page }) => {
  await logIn(page);
  await page.goto("/");
  await expect(page).toHaveURL(/\/overview$/);
  await expect(page.getByText(/^as of /)).toBeVisible();
  const organizations = page.getByRole("table", { name: "Organizations that need attention" });
  const row = organizations.getByRole("row", { name: /Northwind/ });
  await expect(row).toContainText(/Servers offline|Volume nearly full|Waits for a restart|Offline too long|Never connected/);
  await shot(page, "overview");
  // The count on the overview is the count of the list it leads to.
  const reason = page.getByRole("region", { name: "Needs attention" }).getByRole("link", { name: /Waits for a restart/ });
  const count = /^\d+/.exec((await reason.textContent()) ?? "")?.[0] ?? "none";
  await reason.click();
  await expect(page).toHaveURL(/attention=pending_reboot/);
  await expect(page.getByRole("heading", { level: 1, name: "Agents" })).toBeVisible();
  await expect(page.locator("main").getByText(new RegExp(`^${count} agents?$`))).toBeVisible();

  await page.goto("/overview");
  // Who logs in and out is left out until it is asked for.
  const changes = page.getByRole("region", { name: "Recent changes" });
  await expect(changes.getByRole("listitem").or(changes.getByText(/has changed since/)).first()).toBeVisible();
  await expect(changes).not.toContainText("Logged-in users");
  await changes.getByRole("checkbox", { name: "Show logons too" }).check();
  await expect(page).toHaveURL(/logons=true/);
  await expect(changes).toContainText("Logged-in users");
  await row.getByRole("link", { name: "Northwind Logistics" }).click();
  await expect(page).toHaveURL(/organization_id=/);
  await expect(page.getByRole("table", { name: "Sites" }).getByRole("row", { name: /Depot/ })).toBeVisible();
});

test("nothing that needs somebody, a fleet without machines and a failure are told apart", async ({ page }) => {
  await logIn(page);
  const none = { total: 0, online: 0, offline: 0, reconnecting: 0, never: 0, quarantined: 0, attention: 0 };
  const answer = { fleet: none, servers: none, reasons: [], offline_server: null, last_seen_at: null, versions: [], as_of: new Date().toISOString() };
  await page.route(/\/api\/overview(\?|$)/, (route) => route.fulfill({ json: answer }));
  await page.goto("/overview");
  await expect(page.getByRole("heading", { name: "No machine is enrolled yet" })).toBeVisible();
  await page.unroute(/\/api\/overview(\?|$)/);
  await page.route(/\/api\/overview(\?|$)/, (route) =>
    route.fulfill({ json: { ...answer, fleet: { ...none, total: 3, online: 3 }, versions: [{ version: "1.0.0", count: 3 }] } }),
  );
  await page.reload();
  await expect(page.getByRole("heading", { name: "No machine needs attention" })).toBeVisible();
  await expect(page.getByText("All 3 run 1.0.0.")).toBeVisible();
  await shot(page, "overview-calm");
  // A server that has just left needs nobody yet, and is said all the same; when all are away at once, that is said first.
  const left = new Date(Date.now() - 3 * 60_000).toISOString();
  const gone = { id: crypto.randomUUID(), name: "DC1", organization_name: "Acme", words: "Offline", since: left };
  const away = { ...none, total: 3, offline: 3 };
  await page.unroute(/\/api\/overview(\?|$)/);
  await page.route(/\/api\/overview(\?|$)/, (route) =>
    route.fulfill({ json: { ...answer, fleet: away, servers: { ...none, total: 1, offline: 1 }, offline_server: gone, last_seen_at: left } }),
  );
  await page.reload();
  await expect(page.getByText(/^No machine is connected; the last one was seen 3 min ago$/)).toBeVisible();
  await expect(page.getByRole("heading", { name: "No machine needs attention" })).toHaveCount(0);
  const offline = page.getByRole("region", { name: "Needs attention" }).getByRole("link", { name: /Server offline/ });
  await expect(offline).toContainText("DC1");
  await expect(offline).toContainText("for 3 min");
  await offline.click();
  await expect(page).toHaveURL(/presence=offline/);
  await expect(page).toHaveURL(/role=any_server/);
  await page.goto("/overview");
  await page.unroute(/\/api\/overview(\?|$)/);
  await page.route(/\/api\/overview(\?|$)/, (route) =>
    route.fulfill({ status: 500, contentType: "application/problem+json", json: { status: 500, title: "Broken", code: "internal", detail: "it broke" } }),
  );
  await page.reload();
  await expect(page.locator("main").getByRole("alert")).toContainText("The overview could not be loaded.");
});

test("an operation of the API is found, described and linked", async ({ page }) => {
  await logIn(page);
  await page.getByRole("button", { name: "Account and theme" }).click();
  await page.getByRole("menuitem", { name: "API" }).click();
  await page.getByRole("searchbox", { name: "Find an operation" }).fill("post agents commands");
  await page.getByRole("navigation", { name: "Operations" }).getByRole("link", { name: "POST /api/agents/{id}/commands" }).click();
  await expect(page).toHaveURL(/op=create_command/);
  await expect(page.getByRole("region", { name: "The call for a shell" })).toContainText("curl -X POST");
  await expect(page.getByRole("region", { name: "The call for a shell" })).toContainText("Bearer $TOKEN");
  await page.getByRole("article").getByText("Program", { exact: true }).last().click();
  await expect(page.getByRole("article").getByText("Script", { exact: false }).first()).toBeVisible();
  await page.goto("/reference?op=no_such");
  await expect(page.getByRole("heading", { name: "This server has no such operation" })).toBeVisible();
});

test("what one has under way is found in one place, and its end is said", async ({ page }) => {
  await logIn(page);
  const [command] = ((await (await page.request.get("/api/commands?limit=1")).json()) as { items: { id: string; agent_id: string; agent_name: string }[] }).items;
  if (!command) throw new Error("no command was made");
  const item = {
    kind: "command",
    id: command.id,
    summary: "a long piece of work",
    agent_id: command.agent_id,
    agent_name: command.agent_name,
    created_at: new Date().toISOString(),
    ended_at: null as string | null,
    state: "running",
    counts: null,
  };
  await page.route("**/api/work", (route) => route.fulfill({ json: { items: [item], open: item.ended_at ? 0 : 1 } }));
  await page.goto("/overview");
  const bell = page.getByRole("button", { name: /^Work in progress: 1 open/ });
  await bell.focus();
  await page.keyboard.press("Enter");
  const list = page.getByRole("dialog", { name: "Work in progress", exact: true });
  await expect(list.getByRole("link", { name: /a long piece of work/ })).toContainText("Running on");
  await page.keyboard.press("Escape");
  await expect(list).toHaveCount(0);
  await expect(bell).toBeFocused();

  Object.assign(item, { ended_at: new Date().toISOString(), state: "failed" });
  // Coming back to the tab asks anew.
  await page.evaluate(() => dispatchEvent(new Event("visibilitychange")));
  const notice = page.getByRole("status", { name: "What has ended" });
  await expect(notice).toContainText("a long piece of work");
  await expect(notice).toContainText("Failed on");
  await expect(page.getByRole("button", { name: /1 ended and not seen yet/ })).toBeVisible();
  await shot(page, "work-ended");
  await notice.getByRole("link").click();
  await page.waitForURL(`**/commands/${command.id}`);
});
