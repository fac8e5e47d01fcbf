import type { InstalledSoftware, Page, SoftwareCoverage, SoftwareTitle, UnknownSoftware, VersionCount } from "../api/types";
import type { TitleSource } from "./search";
import { formatCount } from "./units";

/** Who keeps track of an installation, in words. */
export const SOURCE_WORDS: Record<TitleSource, string> = {
  windows: "Windows",
  dpkg: "dpkg",
  rpm: "RPM",
  other: "Other",
};

/** The titles of all loaded pages, each with what tells it from the others. */
export function titlesWithIds(pages: readonly Page<SoftwareTitle>[]): Page<SoftwareTitle & { id: string }>[] {
  return pages.map((page) => ({
    ...page,
    items: page.items.map((title) => ({ ...title, id: `${title.source} ${title.name.toLowerCase()}` })),
  }));
}

/** The installations of all loaded pages: an agent may have several versions. */
export function installedWithIds(pages: readonly Page<InstalledSoftware>[]): Page<InstalledSoftware & { id: string }>[] {
  return pages.map((page) => ({
    ...page,
    items: page.items.map((each) => ({ ...each, id: `${each.agent_id} ${each.version ?? ""}` })),
  }));
}

/** The agents of all loaded pages whose software is not known. */
export function unknownWithIds(pages: readonly Page<UnknownSoftware>[]): Page<UnknownSoftware & { id: string }>[] {
  return pages.map((page) => ({ ...page, items: page.items.map((each) => ({ ...each, id: each.agent_id })) }));
}

/** A version in words. */
export function versionWords(version: string | null | undefined): string {
  return version ?? "unknown version";
}

/** How the versions of a title spread: the frequent ones with their agents, and how many others there are. */
export function spreadWords(title: Pick<SoftwareTitle, "versions" | "common_versions">): string {
  const [first] = title.common_versions;
  if (title.versions === 1 && first) return versionWords(first.version);
  const shown = title.common_versions.slice(0, 3);
  const words = shown.map(({ version, agents }: VersionCount) => `${versionWords(version)} × ${formatCount(agents)}`);
  const others = title.versions - shown.length;
  if (others > 0) words.push(`${formatCount(others)} more`);
  return words.join(", ");
}

/** The agents whose software is not known, by reason: the worst first, and none that is zero. */
export function unknownParts(coverage: SoftwareCoverage): { count: number; words: string }[] {
  return [
    { count: coverage.never, words: "never read" },
    { count: coverage.unread, words: "cannot be read now" },
    { count: coverage.stale, words: "not seen for 7 days" },
    { count: coverage.partial, words: "read in part" },
  ].filter(({ count }) => count > 0);
}
