import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api, body } from "../api/client";
import type { Agent } from "../api/types";
import { Age } from "../ui/Age";
import { ConfirmDialog } from "../ui/ConfirmDialog";
import { GatedButton } from "../ui/GatedButton";
import { Banner, Failure } from "../ui/Notice";
import styles from "./AgentPage.module.css";

/** Two machines use one agent's key: shows both, and asks which of them the agent is. */
export function QuarantineBanner({ agent, quarantine }: { agent: Agent; quarantine: NonNullable<Agent["quarantine"]> }) {
  const client = useQueryClient();
  const release = useMutation({
    mutationFn: (machineId: string) =>
      body(api.POST("/api/agents/{id}/release", { params: { path: { id: agent.id } }, body: { machine_id: machineId } })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["agents"] }),
  });
  return (
    <Banner
      family="warn"
      title={
        <>
          Quarantined <Age at={quarantine.since} />: two machines use this agent's key
        </>
      }
    >
      <p>
        {quarantine.reason}. Neither receives commands until you say which machine this agent is; the other one must be
        enrolled anew.
      </p>
      <ul className={styles.machines}>
        {quarantine.machines.map((machine) => (
          <li key={`${machine.machine_id} ${machine.boot_id}`} className={styles.machine}>
            <strong className="any">{machine.hostname}</strong>
            <span className="mono any">{machine.machine_id}</span>
            <span className="muted">
              {machine.address ? `${machine.address}, ` : ""}seen <Age at={machine.seen_at} />
            </span>
            <GatedButton
              permission={agent.permissions.edit}
              variant="default"
              loading={release.isPending && release.variables === machine.machine_id}
              onClick={() => release.mutate(machine.machine_id)}
            >
              This is the agent
            </GatedButton>
          </li>
        ))}
      </ul>
      {release.error ? <Failure error={release.error} what="The quarantine stays." /> : null}
    </Banner>
  );
}

/** The same machine seems to be enrolled already: offers to go on under the older record. */
export function DuplicateBanner({ agent, original }: { agent: Agent; original: NonNullable<Agent["duplicate_of"]> }) {
  const [asking, setAsking] = useState(false);
  const client = useQueryClient();
  const navigate = useNavigate();
  return (
    <Banner
      family="warn"
      title={
        <>
          This may be{" "}
          <Link to="/agents/$agentId/{-$tab}" params={{ agentId: original.id }}>
            {original.name}
          </Link>{" "}
          enrolled a second time
        </>
      }
      action={
        <GatedButton permission={agent.permissions.edit} variant="default" onClick={() => setAsking(true)}>
          Merge into the older record
        </GatedButton>
      }
    >
      <p>Host name or hardware match an agent that was enrolled before. That can be guessed, so nothing was merged by itself.</p>
      {asking ? (
        <ConfirmDialog
          title={`Merge into ${original.name}?`}
          action="Merge"
          run={() => body(api.POST("/api/agents/{id}/merge", { params: { path: { id: agent.id } }, body: { into: original.id } }))}
          onDone={() => {
            void client.invalidateQueries({ queryKey: ["agents"] });
            void navigate({ to: "/agents/$agentId/{-$tab}", params: { agentId: original.id } });
          }}
          onClose={() => setAsking(false)}
        >
          <p>
            The machine goes on as <strong className="any">{original.name}</strong>, with that record's history. This newer
            record ends; the older record's previous key stops working. This cannot be undone.
          </p>
        </ConfirmDialog>
      ) : null}
    </Banner>
  );
}
