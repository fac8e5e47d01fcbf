import { Popover } from "@mantine/core";
import { useDisclosure, useLocalStorage } from "@mantine/hooks";
import { IconBell } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useId } from "react";
import type { Hint } from "../../api/events";
import type { WorkItem } from "../../api/types";
import { useRefreshOn } from "../../api/useRefreshOn";
import { formatCount } from "../../lib/units";
import { latestEnd, progressOf, progressWords, unreadCount } from "../../lib/work";
import { Age } from "../../ui/Age";
import { COMMAND_STATE } from "../../ui/looks";
import { Failure, Loading } from "../../ui/Notice";
import { work as workQuery } from "../queries";
import { EndNotices } from "./EndNotices";
import styles from "./Work.module.css";
import { workLook } from "./workLook";
import { WorkLink } from "./WorkLink";

const concernsWork = (hint: Hint) => hint.kind === "run" || hint.kind === "command";
/** Asked for again at most once per so many milliseconds: every end of a command may concern it. */
const PAUSE = 2_000;

/** What the reader has under way, in one place: open runs and commands with their progress, and what ended today. */
export function Bell({ userId }: { userId: string }) {
  const heading = useId();
  const [open, list] = useDisclosure();
  const work = useQuery(workQuery);
  useRefreshOn(concernsWork, ["work"], PAUSE);
  const [seen, setSeen] = useLocalStorage({ key: `gururmm-work-seen:${userId}`, defaultValue: 0, getInitialValueInEffect: false });
  const items = work.data?.items ?? [];
  const running = work.data?.open ?? 0;
  const unread = unreadCount(items, seen);
  const under = items.filter(({ ended_at }) => !ended_at);
  const over = items.filter(({ ended_at }) => ended_at);
  const show = (wanted: boolean) => {
    // What is shown counts as read when the list is left: until then it stands out.
    if (!wanted && open) setSeen(Math.max(seen, latestEnd(items)));
    if (wanted) list.open();
    else list.close();
  };
  return (
    <>
      <Popover opened={open} onChange={show} position="bottom-end" width="min(380px, calc(100vw - 16px))" trapFocus returnFocus>
        <Popover.Target>
          <button type="button" className={styles.bell} onClick={() => show(!open)} title="Work in progress">
            <IconBell size={18} stroke={1.7} aria-hidden />
            <span className="sr">Work in progress:</span>
            <span className={running > 0 ? styles.open : "sr"}>
              {formatCount(running)}
              <span className="sr"> open</span>
            </span>
            {unread > 0 ? (
              <span className={styles.unread}>
                <span className="sr">, {formatCount(unread)} ended and not seen yet</span>
              </span>
            ) : null}
          </button>
        </Popover.Target>
        <Popover.Dropdown aria-labelledby={heading} className={styles.dropdown}>
          <header className={styles.head}>
            <h2 id={heading} tabIndex={-1} data-autofocus className={styles.heading}>
              Work in progress
            </h2>
            <Link to="/commands" onClick={() => show(false)}>
              All commands
            </Link>
          </header>
          {work.data ? (
            <div className={styles.list}>
              {under.length > 0 ? (
                <Items items={under} seen={seen} leave={() => show(false)} label="Work in progress" />
              ) : (
                <p className={styles.none}>Nothing of yours is under way{over.length > 0 ? "" : ", and nothing ended within a day"}.</p>
              )}
              {over.length > 0 ? (
                <>
                  <h3 className={styles.part}>Recently finished</h3>
                  <Items items={over} seen={seen} leave={() => show(false)} label="Recently finished" />
                </>
              ) : null}
            </div>
          ) : work.error ? (
            <Failure error={work.error} what="What is under way could not be loaded." retry={() => void work.refetch()} />
          ) : (
            <Loading lines={4} />
          )}
        </Popover.Dropdown>
      </Popover>
      <EndNotices work={work.data} />
    </>
  );
}

function Items({ items, seen, leave, label }: { items: readonly WorkItem[]; seen: number; leave: () => void; label: string }) {
  return (
    <ul aria-label={label}>
      {items.map((item) => (
        <li key={item.id}>
          <Item item={item} fresh={unreadCount([item], seen) > 0} leave={leave} />
        </li>
      ))}
    </ul>
  );
}

function Item({ item, fresh, leave }: { item: WorkItem; fresh: boolean; leave: () => void }) {
  const { summary, counts, state, agent_name, created_at, ended_at } = item;
  const progress = counts ? progressOf(counts) : undefined;
  const { icon: Glyph, family } = workLook(item);
  const words = progress ? progressWords(progress) : `${state ? COMMAND_STATE[state].word : "Unknown"} on ${agent_name ?? "an agent"}`;
  return (
    <WorkLink item={item} className={styles.item} onClick={leave}>
      <span className={styles.glyph} data-family={family}>
        <Glyph size={17} stroke={1.9} aria-hidden />
      </span>
      <span className={styles.words}>
        <span className={styles.summary} data-fresh={fresh || undefined}>
          {summary || "(empty)"}
          {fresh ? <span className="sr">, not seen yet</span> : null}
        </span>
        <span className="muted any">
          {words}, {ended_at ? <Age at={ended_at} prefix="ended" /> : <Age at={created_at} prefix="ordered" />}
        </span>
        {progress && !ended_at ? (
          <progress className={styles.bar} max={progress.total} value={progress.ended} aria-label={progressWords(progress)} />
        ) : null}
      </span>
    </WorkLink>
  );
}
