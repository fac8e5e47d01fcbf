import { useCallback } from "react";
import type { VersionSearch } from "../lib/search";
import { SearchInput } from "../ui/SearchInput";

/** Which versions are looked for; both stand in the address. */
export function VersionFilters({ search, set }: { search: VersionSearch; set: (change: VersionSearch) => void }) {
  const setBelow = useCallback((below: string | undefined) => set({ below }), [set]);
  const setAtLeast = useCallback((at_least: string | undefined) => set({ at_least }), [set]);
  return (
    <>
      <SearchInput label="Version below" word="Version below" width={210} value={search.below} onChange={setBelow} />
      <SearchInput label="Version from" word="Version from" width={200} value={search.at_least} onChange={setAtLeast} />
    </>
  );
}
