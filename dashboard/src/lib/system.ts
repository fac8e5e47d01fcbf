/** An operating system's name as it fits a cell: `Server 2022 Std`, `Windows 11 Pro`, `Debian 12`. */
export function shortSystem(name: string): string {
  return name
    .replace(/^Microsoft\s+/i, "")
    .replace(/^Windows\s+(?=Server\b)/i, "")
    .replace(/\bStandard\b/i, "Std")
    .replace(/\bDatacenter\b/i, "Dtc")
    .replace(/\bEnterprise\b/i, "Ent")
    .replace(/\s*\bGNU\/Linux\b/i, "")
    .replace(/\s*\([^)]*\)/g, "")
    .trim();
}
