import type { Page } from "@playwright/test";
import { accessible, expect, logIn, shot, test } from "./fixtures";

/** The pages by name; `{agent}`, `{command}`, `{run}` and so on stand for the first of each. */
const PAGES = {
  overview: "/overview",
  "overview-organization": "/overview?organization_id={organization}",
  api: "/reference",
  operation: "/reference?op=create_command",
  agents: "/agents",
  enroll: "/agents/enroll",
  evidence: "/agents/evidence/{waiting}/pending_reboot",
  agent: "/agents/{agent}",
  inventory: "/agents/{agent}/inventory",
  changes: "/agents/{agent}/inventory?view=changes",
  software: "/software?q=lib",
  "software-nothing": "/software?q=no such program&below=1.10",
  title: "/software/title?title=coreutils&source=dpkg&below=99",
  "software-unknown": "/software/unknown",
  "agent-commands": "/agents/{agent}/commands",
  activity: "/agents/{agent}/activity",
  rename: "/agents/{agent}?dialog=rename",
  decommission: "/agents/{agent}?dialog=decommission",
  commands: "/commands",
  command: "/commands/{command}",
  selftest: "/commands/{selftest}",
  runs: "/commands/runs",
  run: "/commands/runs/{run}",
  organizations: "/organizations",
  organization: "/organizations/{organization}",
  tokens: "/enrollment-tokens",
  audit: "/audit",
} as const;

/** What opens over a page and has no address: the page, and how. */
const OPENED: Record<string, { path: string; open: (page: Page) => Promise<void> }> = {
  palette: {
    path: "/overview",
    open: async (page) => {
      await page.keyboard.press("Control+k");
      await expect(page.getByRole("option", { name: /^Commands/ })).toBeVisible();
    },
  },
  keys: {
    path: "/agents",
    open: async (page) => {
      await expect(page.locator("a[data-row-link]").first()).toBeVisible();
      await page.keyboard.press("?");
      await expect(page.getByRole("dialog", { name: "Keyboard" })).toBeVisible();
    },
  },
  work: {
    path: "/overview",
    open: async (page) => {
      await page.getByRole("button", { name: /^Work in progress/ }).click();
      await expect(page.getByRole("dialog", { name: "Work in progress", exact: true }).getByRole("link").nth(1)).toBeVisible();
    },
  },
  filter: {
    path: "/agents?presence=offline",
    open: async (page) => {
      await page.getByRole("button", { name: /^Presence/ }).click();
      await expect(page.getByRole("menuitemradio", { name: "Offline" })).toBeChecked();
    },
  },
  account: {
    path: "/commands",
    open: async (page) => {
      await page.getByRole("button", { name: "Account and theme" }).click();
      await expect(page.getByRole("menuitem", { name: "Log out" })).toBeVisible();
    },
  },
  bulk: {
    path: "/agents",
    open: async (page) => {
      await page.getByRole("region", { name: "Agents" }).getByRole("checkbox").nth(1).check();
      await page.getByRole("region", { name: "Selection" }).getByRole("link", { name: "Run a command" }).click();
      await expect(page.getByRole("dialog", { name: /^Run a command on \d+ machines?$/ })).toBeVisible();
    },
  },
};

async function address(page: Page, path: string): Promise<string> {
  interface Items {
    items: { id: string; reading_at?: string | null; summary?: string; attention?: { reason: string }[] }[];
  }
  /** The first of a list, or the first that is as wanted: a page about nothing would prove nothing. */
  const first = async (list: string, wanted: (item: Items["items"][number]) => boolean = () => true) => {
    const { items } = (await (await page.request.get(`/api/${list}?limit=200`)).json()) as Items;
    const found = items.find(wanted);
    if (!found) throw new Error(`there is nothing to show among ${list}`);
    return found.id;
  };
  const kinds: Partial<Record<string, () => Promise<string>>> = {
    // An agent with readings shows more.
    agent: () => first("agents", ({ reading_at }) => Boolean(reading_at)),
    waiting: () => first("agents", ({ attention }) => attention?.some(({ reason }) => reason === "pending_reboot") ?? false),
    command: () => first("commands"),
    run: () => first("runs"),
    selftest: () => first("commands", ({ summary }) => summary === "selftest"),
    organization: () => first("organizations"),
  };
  const kind = /\{(\w+)\}/.exec(path)?.[1];
  if (kind === undefined) return path;
  const find = kinds[kind];
  if (!find) throw new Error(`nobody knows what {${kind}} is`);
  return path.replace(`{${kind}}`, await find());
}

async function settled(page: Page): Promise<void> {
  // Before its code has arrived a page shows nothing at all, which is neither loading nor wrong.
  await expect(page.locator("h1").first()).toBeVisible();
  await expect(page.getByRole("status", { name: "Loading" })).toHaveCount(0);
  await expect(page.getByRole("alert")).toHaveCount(0);
}

async function nothingSideways(page: Page): Promise<void> {
  const over = await page.evaluate(() => {
    const wide = document.documentElement.clientWidth;
    const scrolls = [...document.querySelectorAll<HTMLElement>("html, body, main, [role=dialog], [role=region]")];
    return scrolls.filter((each) => each.scrollWidth > each.clientWidth + 1 || each.clientWidth > wide).map((each) => `${each.tagName} ${each.className}`);
  });
  expect(over).toEqual([]);
}

for (const theme of ["light", "dark"] as const) {
  for (const [size, viewport] of [
    ["desk", { width: 1440, height: 900 }],
    ["phone", { width: 360, height: 740 }],
  ] as const) {
    test(`every page, ${theme}, ${size}: accessible, nothing sideways`, async ({ page }) => {
      test.setTimeout(240_000);
      await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
      await page.setViewportSize(viewport);
      await page.goto("/login");
      await settled(page);
      await accessible(page);
      await nothingSideways(page);
      await shot(page, `login-${theme}-${size}`);
      await logIn(page);
      const look = async (name: string, path: string, open?: (page: Page) => Promise<void>) => {
        await test.step(name, async () => {
          await page.goto(await address(page, path));
          await settled(page);
          await open?.(page);
          await accessible(page);
          await nothingSideways(page);
          await shot(page, `${name}-${theme}-${size}`);
        });
      };
      for (const [name, path] of Object.entries(PAGES)) await look(name, path);
      for (const [name, { path, open }] of Object.entries(OPENED)) await look(name, path, open);
    });
  }
}

test("the theme is chosen in the menu and stays", async ({ page }) => {
  await logIn(page);
  await page.getByRole("button", { name: "Account and theme" }).click();
  await page.getByRole("menuitemradio", { name: "Dark" }).click();
  await expect(page.locator("html")).toHaveAttribute("data-mantine-color-scheme", "dark");
  await page.reload();
  await expect(page.locator("html")).toHaveAttribute("data-mantine-color-scheme", "dark");
});

test("the scope stands in the address and follows to other pages", async ({ page }) => {
  await logIn(page);
  await page.getByRole("complementary", { name: "Scope" }).getByRole("treeitem", { name: /^Contoso Dental/ }).click();
  await expect(page).toHaveURL(/organization_id=/);
  await page.getByRole("link", { name: "Commands" }).click();
  await expect(page).toHaveURL(/\/commands\?organization_id=/);
  await page.reload();
  await expect(page.getByRole("button", { name: "Scope: Contoso Dental" })).toBeVisible();
});
