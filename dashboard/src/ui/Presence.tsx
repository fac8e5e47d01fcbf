import type { Agent } from "../api/types";
import { Age } from "./Age";
import { PRESENCE } from "./looks";
import { State } from "./State";

/** Whether the agent is there, and for how long. That one which was removed is away is no news. */
export function Presence({ agent }: { agent: Pick<Agent, "state" | "presence"> }) {
  const { state, since, last_seen_at } = agent.presence;
  if (agent.state === "decommissioned") {
    return (
      <span className="muted">
        {last_seen_at ? <Age at={last_seen_at} prefix="last seen" /> : "never seen"}
      </span>
    );
  }
  return <State look={PRESENCE[state]} at={since} />;
}
