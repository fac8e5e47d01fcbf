import { Button } from "@mantine/core";
import { IconMapOff } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { Empty } from "../ui/Notice";
import { PageHeader } from "../ui/PageHeader";

/** No page has this address. */
export function NotFound() {
  return (
    <>
      <PageHeader title="No such page" />
      <Empty
        icon={IconMapOff}
        title="There is no page at this address"
        action={
          <Button component={Link} to="/agents">
            Go to the agents
          </Button>
        }
      >
        It may have been mistyped, or what it showed was removed.
      </Empty>
    </>
  );
}
