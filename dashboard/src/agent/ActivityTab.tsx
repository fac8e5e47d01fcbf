import { IconHistory } from "@tabler/icons-react";
import { ApiError } from "../api/client";
import type { Agent } from "../api/types";
import { AuditList } from "../audit/AuditList";
import { sentence } from "../lib/words";
import { Empty } from "../ui/Notice";
import styles from "./Tabs.module.css";

/** What people and the server did with this agent, from the audit log. */
export function ActivityTab({ agent }: { agent: Agent }) {
  return (
    <div className={styles.list}>
      <AuditList
        query={{ agent_id: agent.id }}
        ofOne
        what="The activity could not be loaded."
        empty={
          <Empty icon={IconHistory} title="Nothing was recorded yet">
            Every change and every refused attempt that concerns this agent is listed here.
          </Empty>
        }
        failed={(error) =>
          error instanceof ApiError && error.status === 403 ? (
            <Empty icon={IconHistory} title="You may not read the audit log">
              {sentence(error.message)}
            </Empty>
          ) : null
        }
      />
    </div>
  );
}
