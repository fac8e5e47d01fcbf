import { Button } from "@mantine/core";
import { IconDevicesOff } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { Suspense, useCallback } from "react";
import { ApiError } from "../api/client";
import type { Hint } from "../api/events";
import { agent as agentQuery } from "../api/queries";
import type { Agent } from "../api/types";
import { useRefreshOn } from "../api/useRefreshOn";
import { page } from "../frame/pages";
import { AGENT_TABS, type AgentSearch, type AgentTab } from "../lib/agentPage";
import { fullest, RestartAlert, VolumeAlert } from "../ui/Alerts";
import { AGENT_STATE, OS_WORDS, ROLE_WORDS } from "../ui/looks";
import { Empty, Failure, Loading } from "../ui/Notice";
import { PageHeader } from "../ui/PageHeader";
import { Presence } from "../ui/Presence";
import { State } from "../ui/State";
import { ActivityTab } from "./ActivityTab";
import { AgentActions } from "./AgentActions";
import styles from "./AgentPage.module.css";
import { AgentDialogs } from "./AgentDialogs";
import { DuplicateBanner, EndBanner, RefusedBanner } from "./banners";
import { CommandsTab } from "./CommandsTab";
import { InventoryTab } from "./InventoryTab";
import { QuarantineBanner } from "./QuarantineBanner";
import { OverviewTab } from "./OverviewTab";

const PageEvidence = page(() => import("./AgentEvidence"), "PageEvidence");

const TAB_WORDS: Record<AgentTab, string> = {
  overview: "Overview",
  inventory: "Inventory",
  commands: "Commands",
  activity: "Activity",
};

/** One machine. */
export function AgentPage() {
  const { agentId } = useParams({ from: "/frame/agents/$agentId/{-$tab}" });
  const agent = useQuery(agentQuery(agentId));
  const concerns = useCallback((hint: Hint) => hint.kind === "agent" && hint.agentId === agentId, [agentId]);
  useRefreshOn(concerns, ["agents", "one", agentId], 500);
  useRefreshOn(concerns, ["agents", "inventory", agentId], 2_000);
  if (agent.data) return <Loaded key={agentId} agent={agent.data} />;
  if (agent.error instanceof ApiError && agent.error.status === 404) {
    return (
      <>
        <PageHeader title="No such agent" />
        <Empty
          icon={IconDevicesOff}
          title="There is no agent with this id"
          action={
            <Button variant="default" renderRoot={(props) => <Link to="/agents" {...props} />}>
              All agents
            </Button>
          }
        >
          It may belong to an organization that you do not see.
        </Empty>
      </>
    );
  }
  if (agent.error) {
    return (
      <div className={styles.body}>
        <Failure error={agent.error} what="The agent could not be loaded." retry={() => void agent.refetch()} />
      </div>
    );
  }
  return <Loading lines={10} />;
}

function Loaded({ agent }: { agent: Agent }) {
  const { tab = "overview" } = useParams({ from: "/frame/agents/$agentId/{-$tab}" });
  const search = useSearch({ from: "/frame/agents/$agentId/{-$tab}" });
  const navigate = useNavigate();
  const setDialog = useCallback(
    (dialog: AgentSearch["dialog"]) =>
      void navigate({
        to: "/agents/$agentId/{-$tab}",
        params: { agentId: agent.id, tab: tab === "overview" ? undefined : tab },
        search: (previous) => ({ ...previous, dialog }),
        // Closed, it is not what Back leads to.
        replace: dialog === undefined,
      }),
    [navigate, agent.id, tab],
  );
  const closeEvidence = () =>
    void navigate({ to: ".", search: (previous: AgentSearch) => ({ ...previous, evidence: undefined }), replace: true });
  return (
    <>
      <PageHeader
        title={agent.name}
        detail={<Headline agent={agent} />}
        actions={<AgentActions agent={agent} tab={tab} open={setDialog} />}
      />
      <nav className={styles.tabs} aria-label="Parts of this agent's page">
        {AGENT_TABS.map((each) => (
          <Link
            key={each}
            to="/agents/$agentId/{-$tab}"
            params={{ agentId: agent.id, tab: each === "overview" ? undefined : each }}
            className={styles.tab}
            data-active={each === tab || undefined}
            aria-current={each === tab ? "page" : undefined}
          >
            {TAB_WORDS[each]}
          </Link>
        ))}
      </nav>
      <div className={styles.body}>
        {agent.state === "decommissioned" || (agent.state === "decommissioning" && !agent.decommission?.refusal) ? (
          <EndBanner agent={agent} />
        ) : null}
        {agent.quarantine ? <QuarantineBanner agent={agent} quarantine={agent.quarantine} /> : null}
        {agent.decommission?.refusal ? (
          <RefusedBanner decommission={agent.decommission} refusal={agent.decommission.refusal} />
        ) : null}
        {agent.duplicate_of ? <DuplicateBanner agent={agent} original={agent.duplicate_of} /> : null}
        {tab === "overview" ? <OverviewTab agent={agent} span={search.span ?? "24h"} /> : null}
        {tab === "inventory" ? <InventoryTab agent={agent} view={search.view} section={search.section} /> : null}
        {tab === "commands" ? <CommandsTab agent={agent} search={search} /> : null}
        {tab === "activity" ? <ActivityTab agent={agent} /> : null}
      </div>
      {search.evidence ? (
        <Suspense fallback={null}>
          <PageEvidence agentId={agent.id} reason={search.evidence} close={closeEvidence} />
        </Suspense>
      ) : null}
      <AgentDialogs agent={agent} dialog={search.dialog} close={() => setDialog(undefined)} />
    </>
  );
}

function Headline({ agent }: { agent: Agent }) {
  const role = agent.machine_role && agent.machine_role !== "unknown" ? ROLE_WORDS[agent.machine_role] : undefined;
  return (
    <>
      {agent.state === "active" ? null : <State look={AGENT_STATE[agent.state]} />}
      <Presence agent={agent} />
      {agent.state === "decommissioned" ? null : <VolumeAlert volume={fullest(agent.latest_volumes)} />}
      {agent.pending_reboot && agent.state !== "decommissioned" ? <RestartAlert /> : null}
      <span className="any">{agent.os_name ?? OS_WORDS[agent.os_family ?? ""] ?? "System not reported yet"}</span>
      {role ? <span>{role}</span> : null}
      <span className="any">
        <Link to="/agents" search={{ organization_id: agent.organization_id }}>
          {agent.organization_name}
        </Link>
        {" › "}
        <Link to="/agents" search={{ organization_id: agent.organization_id, site_id: agent.site_id }}>
          {agent.site_name}
        </Link>
      </span>
      {agent.agent_version ? <span className="num">agent {agent.agent_version}</span> : null}
    </>
  );
}
