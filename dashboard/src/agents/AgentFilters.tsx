import { useCallback } from "react";
import { AGENT_STATES, type AgentsSearch, ATTENTION_REASONS, OS_FAMILIES, PRESENCES, ROLES } from "../lib/search";
import { FilterChip } from "../ui/Chip";
import { FilterBar } from "../ui/FilterBar";
import { AGENT_STATE, ATTENTION, OS_WORDS, PRESENCE, ROLE_WORDS } from "../ui/looks";
import { SearchInput } from "../ui/SearchInput";

const PRESENCE_OPTIONS = PRESENCES.map((value) => ({ value, label: PRESENCE[value].word }));
const OS_OPTIONS = OS_FAMILIES.map((value) => ({ value, label: OS_WORDS[value] ?? value }));
const ROLE_OPTIONS = ROLES.map((value) => ({ value, label: value === "any_server" ? "Any server" : (ROLE_WORDS[value] ?? value) }));
const STATE_OPTIONS = AGENT_STATES.map((value) => ({ value, label: AGENT_STATE[value].word }));

const ATTENTION_OPTIONS = [
  { value: "any" as const, label: "For any reason" },
  ...ATTENTION_REASONS.map((value) => ({ value, label: ATTENTION[value].word })),
];

/** What the list is narrowed by; all of it stands in the address. */
export function AgentFilters({ search, set }: { search: AgentsSearch; set: (change: Partial<AgentsSearch>) => void }) {
  const setText = useCallback((q: string | undefined) => set({ q }), [set]);
  return (
    <FilterBar>
      <SearchInput label="Find an agent" value={search.q} onChange={setText} />
      <FilterChip label="Needs attention" value={search.attention} options={ATTENTION_OPTIONS} onChange={(attention) => set({ attention })} />
      <FilterChip label="Presence" value={search.presence} options={PRESENCE_OPTIONS} onChange={(presence) => set({ presence })} />
      <FilterChip label="System" value={search.os_family} options={OS_OPTIONS} onChange={(os_family) => set({ os_family })} />
      <FilterChip label="Role" value={search.role} options={ROLE_OPTIONS} onChange={(role) => set({ role })} />
      <FilterChip label="State" value={search.state} options={STATE_OPTIONS} onChange={(state) => set({ state })} />
    </FilterBar>
  );
}
