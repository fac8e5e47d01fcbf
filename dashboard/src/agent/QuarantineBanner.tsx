import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, body } from "../api/client";
import { agent as agentQuery } from "../api/queries";
import type { Agent } from "../api/types";
import { type Claimant, claimantsOf } from "../lib/claimants";
import { sentence } from "../lib/words";
import { Age } from "../ui/Age";
import { ConfirmDialog } from "../ui/ConfirmDialog";
import { GatedButton } from "../ui/GatedButton";
import { Banner } from "../ui/Notice";
import styles from "./AgentPage.module.css";

/** Characters of a machine's id that tell two machines apart; the whole one stands in the evidence. */
const SHORT_ID = 12;

/** Several machines use one agent's key: shows them, and asks which of them the agent is. */
export function QuarantineBanner({ agent, quarantine }: { agent: Agent; quarantine: NonNullable<Agent["quarantine"]> }) {
  const [chosen, setChosen] = useState<Claimant>();
  const claimants = claimantsOf(quarantine.machines, agent.machine_id);
  const copies = claimants.length === 1;
  return (
    <Banner
      family="warn"
      title={
        <>
          Quarantined <Age at={quarantine.since} />: more than one machine uses this agent's key
        </>
      }
    >
      <p>
        {sentence(quarantine.reason)}{" "}
        {copies
          ? "All of them say that they are the same machine, as copies of a disk image do, so the server cannot tell them apart: first remove the agent from the copies, then release it here. Until then none receives commands."
          : "None receives commands until you say which machine this agent is. The others must be enrolled anew."}
      </p>
      <ul className={styles.machines}>
        {claimants.map((claimant) => (
          <li key={claimant.machineId} className={styles.machine}>
            <span className={styles.machineWords}>
              <strong className="any">{claimant.hostname}</strong>
              {claimant.onRecord ? <span className={styles.tag}>on record until now</span> : null}
              <span className="mono" title={claimant.machineId}>
                {claimant.machineId.slice(0, SHORT_ID)}…
              </span>
              {claimant.sightings.map((seen) => (
                <span key={`${seen.boot_id} ${seen.address} ${seen.hostname}`} className="muted">
                  {seen.address ? `${seen.address}, ` : ""}seen <Age at={seen.seen_at} />
                </span>
              ))}
            </span>
            <GatedButton
              permission={agent.permissions.edit}
              variant="default"
              aria-label={copies ? undefined : `${claimant.hostname} is the agent`}
              onClick={() => setChosen(claimant)}
            >
              {copies ? "Release it" : "This is the agent"}
            </GatedButton>
          </li>
        ))}
      </ul>
      {chosen ? (
        <ReleaseDialog
          agent={agent}
          chosen={chosen}
          others={claimants.filter(({ machineId }) => machineId !== chosen.machineId)}
          close={() => setChosen(undefined)}
        />
      ) : null}
    </Banner>
  );
}

function ReleaseDialog({ agent, chosen, others, close }: {
  agent: Agent;
  chosen: Claimant;
  others: Claimant[];
  close: () => void;
}) {
  const client = useQueryClient();
  return (
    <ConfirmDialog
      title={`Release ${agent.name}?`}
      action={`Release for ${chosen.hostname}`}
      keep="Not now"
      run={async () => {
        const path = { id: agent.id };
        const released = await body(
          api.POST("/api/agents/{id}/release", { params: { path }, body: { machine_id: chosen.machineId } }),
        );
        client.setQueryData(agentQuery(agent.id).queryKey, released);
        void client.invalidateQueries({ queryKey: ["agents"] });
      }}
      onDone={close}
      onClose={close}
    >
      <p>
        <strong className="any">{chosen.hostname}</strong> goes on as this agent. It tries to connect every five minutes.
      </p>
      {others.length > 0 ? (
        <p>
          <strong className="any">{others.map(({ hostname }) => hostname).join(", ")}</strong>: refused with this key from
          now on. To manage {others.length === 1 ? "it" : "them"}, enroll {others.length === 1 ? "it" : "each"} anew. This
          cannot be undone.
        </p>
      ) : null}
      <p>Commands that were sent and have no result yet end as unknown where another machine may have run them.</p>
    </ConfirmDialog>
  );
}
