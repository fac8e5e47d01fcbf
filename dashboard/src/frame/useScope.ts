import { useQuery } from "@tanstack/react-query";
import { useNavigate, useRouter, useSearch } from "@tanstack/react-router";
import { organization, site } from "../api/queries";
import type { Scope } from "../lib/search";
import { FUNCTIONS } from "./functions";

/** Where every page looks: it stands in the address. */
export function useScope(): Scope {
  return useSearch({ from: "/frame", select: ({ organization_id, site_id }) => ({ organization_id, site_id }) });
}

/** Looks elsewhere, on the page that is open; from the page of one thing, on the list it belongs to. */
export function useSetScope(): (scope: Scope) => void {
  const navigate = useNavigate();
  const router = useRouter();
  return ({ organization_id, site_id }) => {
    const { pathname } = router.state.location;
    const ofOne = router.state.matches.some(({ params }) => Object.keys(params).length > 0);
    const list = FUNCTIONS.find(({ to }) => pathname.startsWith(`${to}/`))?.to;
    if (ofOne && list) return void navigate({ to: list, search: { organization_id, site_id } });
    return void navigate({
      to: ".",
      search: (previous: Record<string, unknown>) => ({ ...previous, organization_id, site_id }),
    } as Parameters<typeof navigate>[0]);
  };
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
