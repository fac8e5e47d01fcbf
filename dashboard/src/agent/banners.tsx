import { Button } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import { api, body } from "../api/client";
import { agent as agentQuery } from "../api/queries";
import type { Agent } from "../api/types";
import { formatAbsolute } from "../lib/age";
import { Age } from "../ui/Age";
import { ConfirmDialog } from "../ui/ConfirmDialog";
import { GatedButton } from "../ui/GatedButton";
import { Banner, Failure } from "../ui/Notice";
import { PlainTable } from "../ui/PlainTable";
import { Presence } from "../ui/Presence";
import styles from "./AgentPage.module.css";

/** The agent will not obey its decommission order: says why, and what comes of it. */
export function RefusedBanner({ decommission, refusal }: {
  decommission: NonNullable<Agent["decommission"]>;
  refusal: string;
}) {
  return (
    <Banner
      family="warn"
      title={
        <>
          Told to leave <Age at={decommission.since} />, and it will not
        </>
      }
    >
      <p>
        {refusal}. Decommission it again to decide: the record then ends without the agent, which has to be removed on the
        machine by hand. Where a restored backup made the order void, the agent gets a new one.
      </p>
      {decommission.ends_at ? (
        <p>
          Otherwise the record ends on {formatAbsolute(Date.parse(decommission.ends_at))}.
        </p>
      ) : null}
    </Banner>
  );
}

/** The same machine seems to be enrolled already: asks whether to go on under the older record. */
export function DuplicateBanner({ agent, original }: { agent: Agent; original: NonNullable<Agent["duplicate_of"]> }) {
  const [asking, setAsking] = useState(false);
  const client = useQueryClient();
  const navigate = useNavigate();
  const apart = useMutation({
    mutationFn: () => body(api.PATCH("/api/agents/{id}", { params: { path: { id: agent.id } }, body: { duplicate_of: null } })),
    onSuccess: (changed) => {
      client.setQueryData(agentQuery(agent.id).queryKey, changed);
      void client.invalidateQueries({ queryKey: ["agents"] });
    },
  });
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
        <>
          <GatedButton permission={agent.permissions.edit} variant="default" onClick={() => setAsking(true)}>
            Merge into the older record
          </GatedButton>
          <GatedButton
            permission={agent.permissions.edit}
            variant="default"
            loading={apart.isPending}
            onClick={() => apart.mutate()}
          >
            They are two machines
          </GatedButton>
        </>
      }
    >
      <p>
        Both say that they are the same machine. That can be guessed or copied, so nothing was merged by itself. After a
        reinstallation merge them; for a copied disk image say that they are two.
      </p>
      <Comparison agent={agent} originalId={original.id} />
      {apart.error ? <Failure error={apart.error} what="Nothing was changed." /> : null}
      {asking ? (
        <ConfirmDialog
          title={`Merge into ${original.name}?`}
          action={`Merge into ${original.name}`}
          keep="Not now"
          run={() => body(api.POST("/api/agents/{id}/merge", { params: { path: { id: agent.id } }, body: { into: original.id } }))}
          onDone={() => {
            void client.invalidateQueries({ queryKey: ["agents"] });
            void navigate({ to: "/agents/$agentId/{-$tab}", params: { agentId: original.id } });
          }}
          onClose={() => setAsking(false)}
        >
          <p>
            The machine goes on as <strong className="any">{original.name}</strong>, with that record's history. This newer
            record ends; its own history stays with it. The older record's key stops working, and commands that were sent
            to it and have no result yet end as unknown. This cannot be undone.
          </p>
        </ConfirmDialog>
      ) : null}
    </Banner>
  );
}

/** The two records side by side, as far as they tell whether they are one machine. */
function Comparison({ agent, originalId }: { agent: Agent; originalId: string }) {
  const { data: original } = useQuery(agentQuery(originalId));
  if (!original) return null;
  return (
    <div className={styles.comparison}>
      <PlainTable
        label="The two records"
        rows={COMPARED}
        rowId={([name]) => name}
        columns={[
          { header: "", narrow: true, cell: ([name]) => name },
          { header: "This record", cell: ([, of]) => of(agent) },
          { header: "Older record", cell: ([, of]) => of(original) },
        ]}
      />
    </div>
  );
}

const COMPARED: readonly (readonly [name: string, of: (agent: Agent) => ReactNode])[] = [
  ["Name", ({ name }) => name],
  ["Host name", ({ hostname }) => hostname],
  ["System", ({ os_name }) => os_name ?? "unknown"],
  ["Enrolled", ({ enrolled_at }) => <Age at={enrolled_at} />],
  ["State", (agent) => <Presence agent={agent} />],
  ["Last seen", ({ presence }) => (presence.last_seen_at ? <Age at={presence.last_seen_at} /> : "never")],
  ["Address", ({ address }) => address ?? "unknown"],
];

/** The record is over, or about to be: what that means, and where it went on. */
export function EndBanner({ agent }: { agent: Agent }) {
  const { merged_into: into, state } = agent;
  if (into) {
    return (
      <Banner
        family="info"
        title="This record was merged into an older one"
        action={
          <Button
            variant="default"
            renderRoot={(props) => <Link to="/agents/$agentId/{-$tab}" params={{ agentId: into.id }} {...props} />}
          >
            Open {into.name}
          </Button>
        }
      >
        <p>The machine goes on there. What was recorded here stays as history.</p>
      </Banner>
    );
  }
  if (state === "decommissioning") {
    return (
      <Banner family="info" title="Decommission pending">
        <p>
          {agent.presence.state === "online"
            ? "It is online and ends within seconds; its key is then revoked."
            : "It ends, and its key is revoked, when the machine connects, and without that 30 days after it was ordered."}
        </p>
      </Banner>
    );
  }
  return (
    <Banner family="info" title="This agent is decommissioned">
      <p>Its key is revoked. What was recorded stays as history. To manage the machine again, enroll it anew.</p>
    </Banner>
  );
}
