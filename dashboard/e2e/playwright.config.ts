import { defineConfig } from "@playwright/test";

// Everything runs against one real server, in order: the walk makes what the pages then show.
export default defineConfig({
  testDir: ".",
  outputDir: "./report",
  globalSetup: "./server.ts",
  workers: 1,
  fullyParallel: false,
  forbidOnly: true,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  reporter: "list",
  use: {
    viewport: { width: 1440, height: 900 },
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
    trace: "retain-on-failure",
    launchOptions: {
      executablePath: process.env.GURURMM_CHROMIUM ?? "/usr/bin/chromium",
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
  projects: [
    { name: "walk", testMatch: "walk.spec.ts" },
    { name: "bulk", testMatch: "bulk.spec.ts", dependencies: ["walk"] },
    { name: "lists", testMatch: "lists.spec.ts", dependencies: ["walk"] },
    { name: "states", testMatch: "states.spec.ts", dependencies: ["walk"] },
    { name: "output", testMatch: "output.spec.ts", dependencies: ["walk"] },
    { name: "forms", testMatch: "forms.spec.ts", dependencies: ["walk"] },
    { name: "evidence", testMatch: "evidence.spec.ts", dependencies: ["walk"] },
    { name: "roles", testMatch: "roles.spec.ts", dependencies: ["walk"] },
    { name: "faults", testMatch: "faults.spec.ts", dependencies: ["walk"] },
    { name: "overview", testMatch: "overview.spec.ts", dependencies: ["walk"] },
    { name: "keyboard", testMatch: "keyboard.spec.ts", dependencies: ["walk"] },
    { name: "views", testMatch: "views.spec.ts", dependencies: ["walk"] },
    // What was run on many machines is a page too.
    { name: "pages", testMatch: "pages.spec.ts", dependencies: ["walk", "bulk"] },
  ],
});
