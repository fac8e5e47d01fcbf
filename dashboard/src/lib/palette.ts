/** How well words answer what was typed: 0 not at all, then anywhere, at the beginning of a word, at the beginning. */
export function rank(words: string, typed: string): number {
  const [text, wanted] = [words.toLowerCase(), typed.trim().toLowerCase()];
  if (wanted === "") return 1;
  if (text.startsWith(wanted)) return 3;
  const parts = wanted.split(/\s+/);
  if (!parts.every((part) => text.includes(part))) return 0;
  return parts.every((part) => ` ${text}`.includes(` ${part}`)) ? 2 : 1;
}

/**
 * Those that answer what was typed, the best first: by their title, and after these by what stands beside it as well.
 * Among equals the order stays.
 */
export function ranked<T extends { title: string; detail?: string }>(all: readonly T[], typed: string): T[] {
  const BY_TITLE = 3;
  return all
    .map((one) => {
      const byTitle = rank(one.title, typed);
      return { one, rank: byTitle > 0 ? BY_TITLE + byTitle : rank(`${one.title} ${one.detail ?? ""}`, typed) };
    })
    .filter((each) => each.rank > 0)
    .sort((a, b) => b.rank - a.rank)
    .map(({ one }) => one);
}

/** Where an arrow key leads in a list of so many: round at its ends. */
export function step(from: number, by: 1 | -1, count: number): number {
  return count === 0 ? -1 : (from + by + count) % count;
}
