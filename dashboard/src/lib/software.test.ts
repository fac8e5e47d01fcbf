import { describe, expect, it } from "vitest";
import { mergePages } from "./pages";
import { installedWithIds, spreadWords, titlesWithIds, unknownParts } from "./software";

describe("how versions spread", () => {
  const common = [
    { version: "120.0", agents: 1200 },
    { version: null, agents: 3 },
    { version: "119.0", agents: 2 },
    { version: "118.0", agents: 1 },
  ];
  it("names the frequent ones and counts the others", () => {
    expect(spreadWords({ versions: 9, common_versions: common })).toBe("120.0 × 1,200, unknown version × 3, 119.0 × 2, 6 more");
  });
  it("names a single one without a count", () => {
    expect(spreadWords({ versions: 1, common_versions: [{ version: "1", agents: 5 }] })).toBe("1");
    expect(spreadWords({ versions: 1, common_versions: [{ version: null, agents: 5 }] })).toBe("unknown version");
  });
});

describe("agents whose software is not known", () => {
  it("are told by reason, the worst first, without those that are none", () => {
    const coverage = { agents: 20, known: 12, partial: 3, stale: 0, unread: 1, never: 4 };
    expect(unknownParts(coverage)).toEqual([
      { count: 4, words: "never read" },
      { count: 1, words: "cannot be read now" },
      { count: 3, words: "read in part" },
    ]);
  });
});

describe("rows", () => {
  const title = { agents: 1, versions: 1, common_versions: [], publishers: [] };
  it("are told apart by source, whatever the case of the name", () => {
    const pages = titlesWithIds([
      { items: [{ ...title, name: "git", source: "dpkg" }, { ...title, name: "Git", source: "windows" }] },
      { items: [{ ...title, name: "GIT", source: "windows" }] },
    ]);
    expect(mergePages(pages).map((row) => row.id)).toEqual(["dpkg git", "windows git"]);
  });
  it("are told apart by version on one agent", () => {
    const row = {
      agent_id: "a", agent_name: "pc", state: "active", organization_id: "o", organization_name: "O", site_id: "s", site_name: "S",
      standing: "known", collected_at: "2026-11-23T12:00:00Z", last_seen_at: "2026-11-23T12:00:00Z",
    } as const;
    const pages = installedWithIds([{ items: [{ ...row, version: "1" }, { ...row, version: "2" }, { ...row, version: null }] }]);
    expect(mergePages(pages)).toHaveLength(3);
  });
});
