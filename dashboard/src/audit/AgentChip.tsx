import { IconX } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { agent } from "../api/queries";
import styles from "../ui/Chip.module.css";

/** The agent that the log is narrowed to. */
export function AgentChip({ id, remove }: { id: string; remove: () => void }) {
  const { data } = useQuery(agent(id));
  return (
    <span className={styles.chip} data-active>
      <span className={styles.open}>
        Agent <strong className="cut">{data?.name ?? id}</strong>
      </span>
      <button type="button" className={styles.clear} aria-label="Remove the filter Agent" onClick={remove}>
        <IconX size={13} aria-hidden />
      </button>
    </span>
  );
}
