import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useCallback } from "react";
import { ApiError } from "../api/client";
import type { Hint } from "../api/events";
import { agent as agentQuery, inventory } from "../api/queries";
import type { AttentionReason } from "../api/types";
import { useRefreshOn } from "../api/useRefreshOn";
import { EvidenceDrawer } from "../ui/EvidenceDrawer";
import { ATTENTION } from "../ui/looks";
import { Banner, Failure, Loading } from "../ui/Notice";
import { evidenceOf } from "./attentionEvidence";

/** Why an agent needs somebody, opened to what it rests on; live, and said when it no longer holds. */
export function AgentEvidence({ agentId, reason, close }: { agentId: string; reason: AttentionReason; close: () => void }) {
  const agent = useQuery(agentQuery(agentId));
  const needsInventory = reason === "pending_reboot";
  const details = useQuery({ ...inventory(agentId), enabled: needsInventory });
  const concerns = useCallback((hint: Hint) => hint.kind === "agent" && hint.agentId === agentId, [agentId]);
  useRefreshOn(concerns, ["agents", "one", agentId], 500);
  const { data } = agent;
  const reboot = details.data?.sections.find(({ section }) => section === "reboot");
  const evidence = data ? evidenceOf(data, reason, agent.dataUpdatedAt, reboot) : null;
  return (
    <EvidenceDrawer subject={data ? `${data.name}: ${ATTENTION[reason].word.toLowerCase()}` : ATTENTION[reason].word} evidence={evidence} close={close}>
      {data && !evidence ? (
        <Banner family="info" title="This no longer holds.">
          <p>
            {data.attention.length === 0
              ? "The machine needs nobody at the moment."
              : `It needs somebody for another reason: ${data.attention.map(({ words }) => words).join("; ")}.`}
          </p>
        </Banner>
      ) : null}
      {details.error && !details.data ? (
        <Failure error={details.error} what="What asks for the restart could not be loaded." retry={() => void details.refetch()} />
      ) : null}
      {agent.error && !data ? (
        agent.error instanceof ApiError && agent.error.status === 404 ? (
          <Failure what="There is no agent with this id, or you cannot see it." />
        ) : (
          <Failure error={agent.error} what="The agent could not be loaded." retry={() => void agent.refetch()} />
        )
      ) : null}
      {agent.isPending ? <Loading lines={8} /> : null}
    </EvidenceDrawer>
  );
}

/** The same over the list of agents. */
export function ListEvidence() {
  const { agentId, reason } = useParams({ from: "/frame/agents/evidence/$agentId/$reason" });
  const search = useSearch({ from: "/frame/agents" });
  const navigate = useNavigate();
  return <AgentEvidence agentId={agentId} reason={reason} close={() => void navigate({ to: "/agents", search, replace: true })} />;
}
