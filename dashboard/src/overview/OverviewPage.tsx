import { Skeleton } from "@mantine/core";
import { IconDevicesOff } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Hint } from "../api/events";
import { mayEnroll } from "../api/queries";
import { useRefreshOn } from "../api/useRefreshOn";
import type { Overview } from "../api/types";
import { useScope, useScopeNames } from "../frame/useScope";
import type { Scope } from "../lib/search";
import { Age } from "../ui/Age";
import { GatedButton } from "../ui/GatedButton";
import { Empty, ListFailure } from "../ui/Notice";
import { PageHeader } from "../ui/PageHeader";
import { ByOrganization, BySite } from "./ByPlace";
import { Changes } from "./Changes";
import { Fleet, Versions } from "./Fleet";
import styles from "./Overview.module.css";
import { overview } from "./queries";
import { Reasons } from "./Reasons";

const concernsAgents = (hint: Hint) => hint.kind === "agent" || hint.kind === "fleet";
/** The numbers are asked for again at most once per so many milliseconds. */
const PAUSE = 5_000;

/** What is wrong, and where; the fleet at a glance. */
export function OverviewPage() {
  const scope = useScope();
  const names = useScopeNames();
  const fleet = useQuery(overview(scope));
  useRefreshOn(concernsAgents, ["overview"], PAUSE);
  useRefreshOn(concernsAgents, ["changes"], PAUSE);
  return (
    <>
      <PageHeader
        title="Overview"
        detail={
          <>
            {scope.organization_id ? <span className="any">{names}</span> : null}
            {fleet.data ? <Age at={fleet.data.as_of} prefix="as of" /> : null}
          </>
        }
      />
      {fleet.data ? (
        <Loaded overview={fleet.data} scope={scope} />
      ) : fleet.error ? (
        <ListFailure error={fleet.error} what="The overview could not be loaded." retry={() => void fleet.refetch()} />
      ) : (
        <Shape />
      )}
    </>
  );
}

function Loaded({ overview, scope }: { overview: Overview; scope: Scope }) {
  const { fleet, servers, versions } = overview;
  if (fleet.total === 0) {
    return (
      <Empty
        icon={IconDevicesOff}
        title={scope.organization_id ? "No machine is enrolled here" : "No machine is enrolled yet"}
        action={<Enroll scope={scope} />}
      >
        As soon as machines are enrolled, this page says which of them need attention, and where.
      </Empty>
    );
  }
  return (
    <div className={styles.page}>
      <div className={styles.column}>
        <Reasons overview={overview} scope={scope} />
        {scope.organization_id === undefined ? <ByOrganization /> : null}
        {scope.organization_id !== undefined && scope.site_id === undefined ? <BySite organizationId={scope.organization_id} /> : null}
        <Changes scope={scope} />
      </div>
      <div className={styles.column}>
        <Fleet fleet={fleet} servers={servers} scope={scope} />
        <Versions versions={versions} total={fleet.total} />
      </div>
    </div>
  );
}

function Enroll({ scope }: { scope: Scope }) {
  const { data } = useQuery(mayEnroll(scope));
  return (
    <GatedButton permission={data} renderRoot={(props) => <Link to="/agents/enroll" search={scope} {...props} />}>
      Enroll a machine
    </GatedButton>
  );
}

/** Stands where the page will be, in its shape. */
function Shape() {
  return (
    <div className={styles.page} role="status" aria-label="Loading">
      {[0, 1].map((column) => (
        <div key={column} className={styles.column}>
          <Skeleton height={column === 0 ? 120 : 180} radius="md" />
          <Skeleton height={column === 0 ? 320 : 140} radius="md" />
        </div>
      ))}
    </div>
  );
}
