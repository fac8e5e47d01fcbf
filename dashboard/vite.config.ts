import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { contentSecurityPolicy } from "./csp.ts";

// The API server that the development server hands requests on to.
const server = process.env.GURURMM_SERVER ?? "http://127.0.0.1:3001";
const port = Number(process.env.PORT ?? 3002);
const proxy = { "/api": { target: server }, "/health": { target: server } };

export default defineConfig({
  plugins: [react()],
  build: {
    target: "es2023",
    outDir: "dist",
    assetsDir: "assets",
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    manifest: "assets/manifest.json",
    // The polyfill is an inline script, which the content security policy refuses; every supported browser has it.
    modulePreload: { polyfill: false },
    // scripts/size.mjs judges what is sent.
    chunkSizeWarningLimit: 1_000,
    rolldownOptions: {
      output: {
        // What the frame itself needs comes in one file, not in a dozen that wait for each other.
        codeSplitting: { groups: [{ name: "first", tags: ["$initial"] }] },
      },
    },
  },
  server: { host: "127.0.0.1", port, proxy, strictPort: true },
  preview: {
    host: "127.0.0.1",
    port,
    proxy,
    strictPort: true,
    headers: { "Content-Security-Policy": contentSecurityPolicy },
  },
  test: { include: ["src/**/*.test.ts"] },
});
