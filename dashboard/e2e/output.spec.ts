import type { Page } from "@playwright/test";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { accessible, change, expect, logIn, shot, test, workDir } from "./fixtures";
import { Program } from "./programs";

test.describe.configure({ mode: "serial" });

let agent: Program | undefined;

test.beforeAll(() => {
  agent = new Program("gururmm-agent", ["run", "--data-dir", join(workDir(), "agent")], join(workDir(), "agent.log"));
});

test.afterAll(async () => {
  await agent?.stop();
});

/** Runs a script on the machine itself and opens its page when it has ended. */
async function run(page: Page, script: string): Promise<void> {
  const { items } = (await (await page.request.get(`/api/agents?q=${hostname()}`)).json()) as { items: { id: string; hostname: string }[] };
  const machine = items.find((each) => each.hostname === hostname());
  if (!machine) throw new Error("the machine is not enrolled");
  const program = { kind: "shell", interpreter: "sh", script };
  const data = { program, output_limit_bytes: 8 * 1024 * 1024 };
  const { id } = await change<{ id: string }>(page.request, "post", `/api/agents/${machine.id}/commands`, data);
  await page.goto(`/commands/${id}`);
  await expect(page.locator("main").getByText("Succeeded").first()).toBeVisible({ timeout: 60_000 });
}

const COLOURS = [
  String.raw`printf '\033[31mred\033[0m and \033[38;5;226myellow\033[0m and \033[48;2;20;40;90mon blue\033[0m\n'`,
  String.raw`printf '\033[1;4munder\033[0m \033[7minverse\033[0m \033[9mstruck\033[0m\n'`,
  String.raw`printf '\033]0;owned\007progress 10 %%\rprogress 99 %%\n'`,
  String.raw`printf '\033[2J\033[10;10Hcursor\033[?25l moved\n'`,
  `echo 'needle in a Needle stack'`,
  `echo 'to the other stream' >&2`,
  `head -c 5000 /dev/zero | tr '\\0' x; echo needle`,
].join("\n");

test("colours are shown so that they can be read, and the rest of what steers a terminal is not", async ({ page }) => {
  await logIn(page);
  await run(page, COLOURS);
  const lines = page.getByRole("log", { name: "Lines of output" });
  await expect(lines.getByText("progress 99 %", { exact: true })).toBeVisible();
  await expect(lines.getByText("cursor moved", { exact: true })).toBeVisible();
  await expect(lines).not.toContainText("owned");
  const plain = await lines.getByText("cursor moved").evaluate((element) => getComputedStyle(element).color);
  for (const word of ["red", "yellow"]) {
    expect(await lines.getByText(word, { exact: true }).evaluate((element) => getComputedStyle(element).color)).not.toBe(plain);
  }
  await expect(lines.getByText("on blue")).toHaveCSS("background-color", "rgb(20, 40, 90)");
  await expect(lines.getByText("under", { exact: true })).toHaveCSS("font-weight", "700");
  await expect(lines.locator("[data-stream=stderr]")).toContainText("err");
  for (const colorScheme of ["light", "dark"] as const) {
    for (const width of [1440, 360]) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await page.setViewportSize({ width, height: 740 });
      await expect(page.locator("html")).toHaveAttribute("data-mantine-color-scheme", colorScheme);
      await accessible(page);
      expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
      await shot(page, `output-${colorScheme}-${width}`);
    }
  }
});

test("output is searched, chosen from and taken away with the keyboard", async ({ page, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await logIn(page);
  await run(page, COLOURS);
  const output = page.getByRole("region", { name: "Output" });
  const lines = output.getByRole("log");
  const field = output.getByRole("searchbox", { name: "Search the output" });
  await lines.focus();
  await page.keyboard.press("/");
  await expect(field).toBeFocused();
  await page.keyboard.type("needle");
  await expect(output.getByText("1 of 3", { exact: true })).toBeVisible();
  await expect(lines.locator("mark[data-current]")).toHaveText("needle");
  await page.keyboard.press("Enter");
  await expect(output.getByText("2 of 3", { exact: true })).toBeVisible();
  await expect(lines.locator("mark[data-current]")).toHaveText("Needle");
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.press("Shift+Enter");
  await expect(output.getByText("3 of 3", { exact: true })).toBeVisible();
  await expect(lines.locator("mark[data-current]")).toBeInViewport();
  await output.getByRole("button", { name: "Match case" }).click();
  await expect(output.getByText("1 of 2", { exact: true })).toBeVisible();
  await field.fill("no such thing");
  await expect(output.getByText("not found")).toBeVisible();
  await field.press("Escape");
  await expect(lines).toBeFocused();
  await expect(lines.locator("mark")).toHaveCount(0);
  await page.keyboard.press("Control+f");
  await expect(field).toBeFocused();

  const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
  await output.getByRole("button", { name: "Copy all" }).click();
  await expect(output.getByText("Copied")).toBeVisible();
  const all = await clipboard();
  expect(all.split("\n")).toContain(`${"x".repeat(5000)}needle`);
  expect(all.split("\n")[0]).toBe("red and yellow and on blue");
  await lines.getByText("3", { exact: true }).click();
  await lines.getByText("4", { exact: true }).click({ modifiers: ["Shift"] });
  await output.getByRole("button", { name: "Copy 2 chosen lines" }).click();
  expect(await clipboard()).toBe("progress 99 %\ncursor moved");
  await lines.focus();
  await page.keyboard.press("Shift+ArrowUp");
  await page.keyboard.press("Control+c");
  expect(await clipboard()).toBe("progress 99 %");
  await page.keyboard.press("Control+a");
  await page.keyboard.press("Control+c");
  expect(await clipboard()).toBe(all);

  const [file] = await Promise.all([page.waitForEvent("download"), output.getByRole("button", { name: "Download as text" }).click()]);
  expect(file.suggestedFilename()).toMatch(/^command-[0-9a-f-]+\.txt$/);
  expect(readFileSync(await file.path(), "utf8")).toBe(`${all}\n`);

  const wrap = output.getByRole("button", { name: "Wrap long lines" });
  await expect(wrap).toHaveAttribute("aria-pressed", "true");
  await wrap.click();
  const sideways = () => lines.evaluate((element) => element.scrollWidth > element.clientWidth);
  expect(await sideways()).toBe(true);
  await page.reload();
  await expect(wrap).toHaveAttribute("aria-pressed", "false");
  await wrap.click();
  expect(await sideways()).toBe(false);
});

test("of fifty thousand lines only those in sight are in the page, and all of them are found", async ({ page }) => {
  test.setTimeout(120_000);
  await logIn(page);
  await run(page, `awk 'BEGIN { for (i = 1; i <= 50000; i++) printf "%d \\033[3%dmbottles\\033[0m of output on the wall\\n", i, i % 8 }'`);
  const output = page.getByRole("region", { name: "Output" });
  await expect(output.getByText("50,000 lines")).toBeVisible();
  const lines = output.getByRole("log");
  await lines.focus();
  await page.keyboard.press("End");
  await expect(lines.locator("[data-index='49999']")).toContainText("50000 bottles of output on the wall");
  await expect(lines.locator("[data-index='49999']")).toBeInViewport();
  expect(await lines.locator("[data-index]").count()).toBeLessThan(150);
  await page.keyboard.press("Home");
  await expect(lines.locator("[data-index='0']")).toBeInViewport();
  await page.keyboard.press("/");
  await page.keyboard.type("12345 bottles");
  await expect(output.getByText("1 of 1", { exact: true })).toBeVisible();
  await expect(lines.locator("mark[data-current]").first()).toBeInViewport();
  expect(await lines.locator("[data-index]").count()).toBeLessThan(150);
  await shot(page, "output-long");
});
