import { Button } from "@mantine/core";
import { IconBuildingOff } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { ApiError } from "../api/client";
import { organization } from "../api/queries";
import { Empty } from "../ui/Notice";
import { useScope, useSetScope } from "./useScope";

/** Shows the page, unless it is scoped to an organization that is not there: then nothing on it would be true. */
export function ScopeGuard({ children }: { children: ReactNode }) {
  const id = useScope().organization_id;
  const setScope = useSetScope();
  const chosen = useQuery({ ...organization(id ?? ""), enabled: id !== undefined });
  if (id === undefined || !(chosen.error instanceof ApiError) || chosen.error.status !== 404) return children;
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
