// Fails when the first load of any page, as sent (brotli), is over the budget: the entry's scripts and styles with all
// they import, plus the largest page that is loaded on demand with its own.
import { readFileSync, statSync } from "node:fs";

const budget = 280 * 1024;
const dist = new URL("../dist/", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL("assets/manifest.json", dist), "utf8"));

/** Every file that a chunk needs before it can run. */
function filesOf(key, files = new Set()) {
  const chunk = manifest[key];
  if (files.has(chunk.file)) return files;
  files.add(chunk.file);
  for (const style of chunk.css ?? []) files.add(style);
  for (const imported of chunk.imports ?? []) filesOf(imported, files);
  return files;
}

const bytes = (files) => [...files].reduce((sum, file) => sum + statSync(new URL(`${file}.br`, dist)).size, 0);
const kib = (count) => `${(count / 1024).toFixed(1)} KiB`;

const [entryKey, entry] = Object.entries(manifest).find(([, chunk]) => chunk.isEntry);
const first = filesOf(entryKey);
const pages = (entry.dynamicImports ?? []).map((key) => {
  const own = [...filesOf(key)].filter((file) => !first.has(file));
  return { name: manifest[key].name ?? key, bytes: bytes(own) };
});
pages.sort((a, b) => b.bytes - a.bytes);
for (const page of pages) console.log(`  ${page.name.padEnd(24)} ${kib(page.bytes)}`);

const sum = bytes(first) + (pages[0]?.bytes ?? 0);
console.log(`entry ${kib(bytes(first))} + largest page ${kib(pages[0]?.bytes ?? 0)} = ${kib(sum)} of ${kib(budget)}`);
if (sum > budget) {
  console.error("The first load is over its budget: load something later.");
  process.exit(1);
}
