import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { Fragment, type ReactNode, useCallback } from "react";
import { ApiError } from "../api/client";
import type { Hint } from "../api/events";
import { agent as agentQuery, inventory } from "../api/queries";
import type { Agent, AttentionReason } from "../api/types";
import { useRefreshOn } from "../api/useRefreshOn";
import { wordsBeyond } from "../lib/attention";
import { EvidenceDrawer } from "../ui/EvidenceDrawer";
import styles from "../ui/EvidenceDrawer.module.css";
import { ATTENTION } from "../ui/looks";
import { Banner, Failure, Loading } from "../ui/Notice";
import { State } from "../ui/State";
import { evidenceOf } from "./attentionEvidence";

/** Why an agent needs somebody, opened to what it rests on; live, and said when it no longer holds. */
function AgentEvidence({ agentId, reason, close, way, onPage }: {
  agentId: string;
  reason: AttentionReason;
  close: () => void;
  /** A link to the evidence of another reason. */
  way: (reason: AttentionReason, props: WayProps) => ReactNode;
  /** The agent's page stands behind it. */
  onPage: boolean;
}) {
  const agent = useQuery(agentQuery(agentId));
  const needsInventory = reason === "pending_reboot";
  const details = useQuery({ ...inventory(agentId), enabled: needsInventory });
  const concerns = useCallback((hint: Hint) => hint.kind === "agent" && hint.agentId === agentId, [agentId]);
  useRefreshOn(concerns, ["agents", "one", agentId], 500);
  const { data } = agent;
  const reboot = details.data?.sections.find(({ section }) => section === "reboot");
  const evidence = data ? evidenceOf(data, reason, agent.dataUpdatedAt, reboot) : null;
  return (
    <EvidenceDrawer subject={data?.name ?? ATTENTION[reason].word} ways={data ? <Ways agent={data} way={way} onPage={onPage} /> : null} evidence={evidence} close={close}>
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

/** What a link to the evidence of a reason is given. */
interface WayProps {
  className: string | undefined;
  children: ReactNode;
}

/** To the agent's page, and to each of its reasons, the most urgent first. */
function Ways({ agent, way, onPage }: { agent: Agent; way: (reason: AttentionReason, props: WayProps) => ReactNode; onPage: boolean }) {
  if (onPage && agent.attention.length < 2) return null;
  return (
    <>
      {onPage ? null : (
        <p>
          <Link to="/agents/$agentId/{-$tab}" params={{ agentId: agent.id }}>
            Open the agent's page
          </Link>
        </p>
      )}
      {agent.attention.length < 2 ? null : (
        <nav aria-label="Everything it needs" className={styles.ways}>
          {agent.attention.map((each) => (
            <Fragment key={each.reason}>
              {way(each.reason, {
                className: styles.way,
                children: (
                  <>
                    <State look={ATTENTION[each.reason]} at={each.since} />
                    <span className="muted any">{wordsBeyond(each.reason, each.words)}</span>
                  </>
                ),
              })}
            </Fragment>
          ))}
        </nav>
      )}
    </>
  );
}

/** Over the agent's own page. */
export function PageEvidence({ agentId, reason, close }: { agentId: string; reason: AttentionReason; close: () => void }) {
  return (
    <AgentEvidence
      agentId={agentId}
      reason={reason}
      close={close}
      onPage
      way={(evidence, props) => <Link to="." search={(known) => ({ ...known, evidence })} replace {...props} />}
    />
  );
}

/** The same over the list of agents. */
export function ListEvidence() {
  const { agentId, reason } = useParams({ from: "/frame/agents/evidence/$agentId/$reason" });
  const search = useSearch({ from: "/frame/agents" });
  const navigate = useNavigate();
  return (
    <AgentEvidence
      agentId={agentId}
      reason={reason}
      close={() => void navigate({ to: "/agents", search, replace: true })}
      onPage={false}
      way={(other, props) => (
        <Link to="/agents/evidence/$agentId/$reason" params={{ agentId, reason: other }} search={search} replace preload={false} {...props} />
      )}
    />
  );
}
