import { useCallback } from "react";
import type { VersionSearch } from "../lib/search";
import { SearchInput } from "../ui/SearchInput";

/** Which versions are looked for; both stand in the address. */
export function VersionFilters({ search, set }: { search: VersionSearch; set: (change: VersionSearch) => void }) {
  const setBelow = useCallback((below: string | undefined) => set({ below }), [set]);
  const setAtLeast = useCallback((at_least: string | undefined) => set({ at_least }), [set]);
  return (
    <>
      <SearchInput label="Below version" word="Below" width={150} value={search.below} onChange={setBelow} />
      <SearchInput label="At least version" word="At least" width={160} value={search.at_least} onChange={setAtLeast} />
    </>
  );
}
