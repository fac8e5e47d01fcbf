import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { organization, site } from "../api/queries";
import type { Scope } from "../lib/search";

/** Where every page looks: it stands in the address. */
export function useScope(): Scope {
  return useSearch({ from: "/frame", select: ({ organization_id, site_id }) => ({ organization_id, site_id }) });
}

/** Looks elsewhere, on the page that is open. */
export function useSetScope(): (scope: Scope) => void {
  const navigate = useNavigate();
  return (scope) =>
    void navigate({
      to: ".",
      search: (previous: Record<string, unknown>) => ({
        ...previous,
        organization_id: scope.organization_id,
        site_id: scope.site_id,
      }),
    } as Parameters<typeof navigate>[0]);
}

/** The scope in words. */
export function useScopeNames(): string {
  const scope = useScope();
  const id = scope.organization_id ?? "";
  const chosen = useQuery({ ...organization(id), enabled: id !== "" });
  const its = useQuery({ ...site(scope.site_id ?? ""), enabled: scope.site_id !== undefined });
  if (id === "") return "All organizations";
  const name = chosen.data?.name ?? "Organization";
  if (!scope.site_id) return name;
  return `${name} › ${its.data?.name ?? "Site"}`;
}
