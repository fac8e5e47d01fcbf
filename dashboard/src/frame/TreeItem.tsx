import { IconAlertTriangle, IconChevronRight, IconDevices, IconMapPin, IconServer2, IconWorld } from "@tabler/icons-react";
import type { Icon } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { SpineAgent } from "../api/types";
import type { TreeLine, TreeNode } from "../lib/tree";
import { formatCount } from "../lib/units";
import { AGENT_STATE, ATTENTION, PRESENCE } from "../ui/looks";
import styles from "./ScopeTree.module.css";

/** One line of the tree: a place, a server with its state, or a count of what is not named. */
export function TreeItem({ line, tabbable, chosen, onFocus, choose, fold }: {
  line: TreeLine;
  tabbable: boolean;
  chosen: boolean;
  onFocus: () => void;
  choose: () => void;
  fold: () => void;
}) {
  const { key, level, position, siblings, open, node } = line;
  const item = {
    role: "treeitem",
    "data-line": key,
    "data-level": level,
    "data-chosen": chosen || undefined,
    "aria-level": level,
    "aria-posinset": position,
    "aria-setsize": siblings,
    "aria-expanded": open,
    "aria-current": chosen ? ("true" as const) : undefined,
    tabIndex: tabbable ? 0 : -1,
    className: styles.line,
    onFocus,
    onClick: choose,
  };
  if (node.kind === "server") {
    return (
      <Link to="/agents/$agentId/{-$tab}" params={{ agentId: node.server.id }} {...item}>
        <Server server={node.server} />
      </Link>
    );
  }
  if (node.kind === "rest") {
    const { site, total, attention, servers } = node;
    const Glyph = servers ? IconServer2 : IconDevices;
    return (
      <Link to="/agents" search={{ organization_id: site.organization_id, site_id: site.id }} {...item}>
        <Glyph size={14} aria-hidden className={styles.glyph} />
        <span className="cut">
          {formatCount(total)} {servers ? "more servers" : total === 1 ? "other machine" : "other machines"}
        </span>
        <Needing count={attention} />
      </Link>
    );
  }
  if (node.kind === "note") {
    return (
      <div {...item} onClick={undefined} aria-disabled className={`${styles.line} ${styles.quiet}`}>
        {node.words}
      </div>
    );
  }
  return (
    <div
      {...item}
      onKeyDown={(event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        choose();
      }}
    >
      {open === undefined ? null : (
        <span
          className={styles.fold}
          data-open={open || undefined}
          aria-hidden
          onClick={(event) => {
            event.stopPropagation();
            fold();
          }}
        >
          <IconChevronRight size={13} />
        </span>
      )}
      <Place node={node} />
    </div>
  );
}

function Place({ node }: { node: Extract<TreeNode, { kind: "all" | "organization" | "site" }> }) {
  if (node.kind === "all") return <Named icon={IconWorld} name="All organizations" />;
  const place = node.kind === "site" ? node.site : node.organization;
  return (
    <Named icon={node.kind === "site" ? IconMapPin : undefined} name={place.name}>
      <Needing count={place.attention_count} />
      <span className={styles.count}>
        {formatCount(place.agent_count)}
        <span className="sr"> agents</span>
      </span>
    </Named>
  );
}

function Named({ icon: Glyph, name, children }: { icon: Icon | undefined; name: string; children?: ReactNode }) {
  return (
    <>
      {Glyph ? <Glyph size={15} aria-hidden className={styles.glyph} /> : null}
      <span className="cut" title={name}>
        {name}
      </span>
      {children ? <span className={styles.end}>{children}</span> : null}
    </>
  );
}

/** How many need somebody; nothing when none does. */
function Needing({ count }: { count: number }) {
  if (count === 0) return null;
  return (
    <span className={styles.needing} title={`${formatCount(count)} ${count === 1 ? "needs" : "need"} attention`}>
      <IconAlertTriangle size={13} aria-hidden />
      {formatCount(count)}
      <span className="sr"> {count === 1 ? "needs" : "need"} attention,</span>
    </span>
  );
}

function Server({ server }: { server: SpineAgent }) {
  const look = server.state === "active" ? PRESENCE[server.presence.state] : AGENT_STATE[server.state];
  const [worst] = server.attention;
  const Needs = worst ? ATTENTION[worst.reason].icon : undefined;
  const words = server.attention.map((each) => each.words).join("; ");
  return (
    <>
      <span className={styles.state} data-family={look.family} title={look.word}>
        <look.icon size={14} stroke={2} aria-hidden />
      </span>
      <span className="cut" title={server.name}>
        {server.name}
      </span>
      <span className="sr">, {look.word}</span>
      {worst && Needs ? (
        <span className={styles.attention} data-family={ATTENTION[worst.reason].family} title={words}>
          <Needs size={14} stroke={2} aria-hidden />
          <span className="sr">, {words}</span>
        </span>
      ) : null}
    </>
  );
}
