import { Button } from "@mantine/core";
import { IconBuildingOff, IconMapPinOff } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { ApiError } from "../api/client";
import { organization, site } from "../api/queries";
import { Empty } from "../ui/Notice";
import { useScope, useSetScope } from "./useScope";

const isMissing = (error: unknown) => error instanceof ApiError && error.status === 404;

/** Shows the page, unless it is scoped to a place that is not there: then nothing on it would be true. */
export function ScopeGuard({ children }: { children: ReactNode }) {
  const { organization_id, site_id } = useScope();
  const setScope = useSetScope();
  const chosen = useQuery({ ...organization(organization_id ?? ""), enabled: organization_id !== undefined });
  const place = useQuery({ ...site(site_id ?? ""), enabled: site_id !== undefined });
  if (organization_id !== undefined && isMissing(chosen.error)) {
    return (
      <Empty
        icon={IconBuildingOff}
        title="This organization does not exist, or you cannot see it"
        action={<Button onClick={() => setScope({})}>All organizations</Button>}
      >
        It may have been deleted since this address was made.
      </Empty>
    );
  }
  const elsewhere = place.data !== undefined && place.data.organization_id !== organization_id;
  if (site_id !== undefined && (isMissing(place.error) || elsewhere)) {
    return (
      <Empty
        icon={IconMapPinOff}
        title={`This site does not exist${chosen.data ? ` in ${chosen.data.name}` : ""}`}
        action={<Button onClick={() => setScope({ organization_id })}>The whole organization</Button>}
      >
        It may have been deleted since this address was made.
      </Empty>
    );
  }
  return children;
}
