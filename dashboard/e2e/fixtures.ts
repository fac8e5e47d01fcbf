import AxeBuilder from "@axe-core/playwright";
import { type APIRequestContext, expect, type Page, test as base } from "@playwright/test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

export const OWNER = { name: "Ada Lovelace", email: "ada@example.com", password: "a few words that are easy" };

/** Markup in a name: it must come out as these very characters. */
export const HOSTILE = `<img src=x onerror="document.title='owned'"><b>Evil & Co</b>`;

/** Where the server under test answers. */
export function serverUrl(): string {
  const url = process.env.GURURMM_E2E_URL;
  if (!url) throw new Error("the server was not started");
  return url;
}

/** A directory that goes away with the run. */
export function workDir(): string {
  return process.env.GURURMM_E2E_WORK ?? "";
}

const shots = join(import.meta.dirname, "shots");

export async function shot(page: Page, name: string): Promise<void> {
  mkdirSync(shots, { recursive: true });
  await page.screenshot({ path: join(shots, `${name}.png`) });
}

const WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

/** Waits until nothing moves, and what fades in stands: colours are judged then. */
async function still(page: Page): Promise<void> {
  await page.waitForFunction(() => {
    const moving = document.getAnimations().some((animation) => animation.playState === "running");
    const faded = [...document.querySelectorAll("[role=dialog], [role=menu]")].some((each) => getComputedStyle(each).opacity !== "1");
    return !moving && !faded;
  });
}

/** Fails where the page as it stands is not accessible (WCAG 2.2 AA, as far as a program can tell). */
export async function accessible(page: Page): Promise<void> {
  await still(page);
  const { violations } = await new AxeBuilder({ page }).withTags(WCAG).analyze();
  const words = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html} ${node.failureSummary ?? ""}`).join("\n")}`);
  expect(words).toEqual([]);
}

export const test = base.extend<{ complaints: string[] }>({
  // Playwright wants a pattern here, and the address is known only when the server runs.
   
  baseURL: async ({}, provide) => provide(serverUrl()),
  // Whatever the browser refuses or the page throws fails the test.
  complaints: [
    async ({ page }, provide) => {
      const complaints: string[] = [];
      page.on("pageerror", (error) => complaints.push(`thrown: ${error.message}`));
      page.on("dialog", (dialog) => {
        complaints.push(`a dialog was opened: ${dialog.message()}`);
        void dialog.dismiss();
      });
      page.on("console", (message) => {
        const text = message.text();
        if (/Content Security Policy|Refused to|React|Mantine/i.test(text) && message.type() !== "info") complaints.push(text);
      });
      await provide(complaints);
      expect(complaints).toEqual([]);
    },
    { auto: true },
  ],
});

export { expect } from "@playwright/test";

/** Logs in, and opens the agents. */
export async function logIn(page: Page, email = OWNER.email): Promise<void> {
  await page.goto("/login");
  await page.getByLabel("Email").fill(email);
  await page.getByRole("textbox", { name: "Password" }).fill(OWNER.password);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.waitForURL("**/overview");
  await page.goto("/agents");
}

/** A change by the API, as the page would make it. */
export async function change<T>(
  request: APIRequestContext,
  method: "post" | "patch" | "delete",
  path: string,
  data?: unknown,
): Promise<T> {
  const answer = await request[method](path, { data, headers: { origin: serverUrl() } });
  expect(answer.ok(), `${method} ${path}: ${answer.status()} ${await answer.text()}`).toBe(true);
  return (answer.status() === 204 ? undefined : await answer.json()) as T;
}
