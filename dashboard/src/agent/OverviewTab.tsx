import { SegmentedControl } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Suspense } from "react";
import { readings } from "../api/queries";
import type { Agent, VolumeUse } from "../api/types";
import { page } from "../frame/pages";
import { CHART_SPANS, type ChartSpan, SPAN_HOURS } from "../lib/agentPage";
import { wordsBeyond } from "../lib/attention";
import { formatDuration } from "../lib/age";
import { useClock } from "../lib/clock";
import { isOfNow } from "../lib/readings";
import { formatBytes, percentOf } from "../lib/units";
import { Age } from "../ui/Age";
import { fullest, volumeWords } from "../ui/Alerts";
import { Facts } from "../ui/Facts";
import { ATTENTION, OS_WORDS, ROLE_WORDS } from "../ui/looks";
import { Meter } from "../ui/Meter";
import { Failure, Loading } from "../ui/Notice";
import { PlainTable } from "../ui/PlainTable";
import { State } from "../ui/State";
import styles from "./AgentPage.module.css";

const ReadingCharts = page(() => import("./ReadingCharts"), "default");

const SPAN_WORDS: Record<ChartSpan, string> = { "24h": "24 hours", "7d": "7 days", "30d": "30 days" };

export function OverviewTab({ agent, span }: { agent: Agent; span: ChartSpan }) {
  const { reading_at } = agent;
  const isCurrent = useClock((now) => reading_at != null && isOfNow(Date.parse(reading_at), now));
  return (
    <>
      {agent.attention.length > 0 ? <Reasons agent={agent} /> : null}
      <div className={styles.columns}>
        <section className={styles.panel}>
          <header className={styles.panelHead}>
            <h2>{isCurrent || !reading_at ? "Now" : "Last reading"}</h2>
            <span className={styles.panelNote}>
              {agent.reading_at ? <Age at={agent.reading_at} prefix="measured" /> : "nothing measured yet"}
            </span>
          </header>
          <Facts facts={nowFacts(agent)} />
        </section>
        <section className={styles.panel}>
          <header className={styles.panelHead}>
            <h2>Machine</h2>
          </header>
          <Facts facts={machineFacts(agent)} />
        </section>
      </div>
      <Charts agent={agent} span={span} />
      <section className={styles.panel}>
        <header className={styles.panelHead}>
          <h2>Volumes</h2>
          <span className={styles.panelNote}>
            {agent.reading_at ? <Age at={agent.reading_at} prefix="measured" /> : null}
          </span>
        </header>
        {agent.latest_volumes.length > 0 ? (
          <PlainTable label="Volumes" columns={VOLUME_COLUMNS} rows={agent.latest_volumes} rowId={(volume) => volume.mount} />
        ) : (
          <p className={styles.none}>No volume was reported yet. Readings come once a minute while the agent is online.</p>
        )}
      </section>
    </>
  );
}

/** Why it needs somebody; each reason opens to what it rests on. */
function Reasons({ agent }: { agent: Agent }) {
  return (
    <section className={styles.panel}>
      <header className={styles.panelHead}>
        <h2>Needs attention</h2>
      </header>
      <ul className={styles.reasons}>
        {agent.attention.map(({ reason, words, since }) => (
          <li key={reason} className={styles.reason}>
            <State look={ATTENTION[reason]} at={since} tip />
            <span className="any">{wordsBeyond(reason, words)}</span>
            <Link
              to="/agents/$agentId/{-$tab}"
              params={{ agentId: agent.id }}
              search={(known) => ({ ...known, evidence: reason })}
              aria-label={`Evidence and next step: ${words}`}
            >
              Evidence and next step
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}

const VOLUME_COLUMNS = [
  { header: "Mount", cell: (volume: VolumeUse) => volume.mount },
  {
    header: "Used",
    narrow: true,
    right: true,
    cell: (volume: VolumeUse) => `${formatBytes(volume.used_bytes)} of ${formatBytes(volume.total_bytes)}`,
  },
  {
    header: "Free",
    narrow: true,
    right: true,
    hideOnPhone: true,
    cell: (volume: VolumeUse) => formatBytes(volume.total_bytes - volume.used_bytes),
  },
  {
    header: "Share",
    narrow: true,
    right: true,
    cell: (volume: VolumeUse) => <Meter percent={percentOf(volume.used_bytes, volume.total_bytes)} />,
  },
] as const;

function nowFacts(agent: Agent) {
  const volume = fullest(agent.latest_volumes);
  const memory = percentOf(agent.memory_used_bytes, agent.memory_total_bytes);
  return [
    ["CPU", agent.cpu_percent == null ? null : <Meter key="cpu" percent={agent.cpu_percent} />],
    [
      "Memory",
      memory === null ? null : (
        <span key="memory">
          <Meter percent={memory} />{" "}
          <span className="muted">
            {formatBytes(agent.memory_used_bytes ?? 0)} of {formatBytes(agent.memory_total_bytes ?? 0)}
          </span>
        </span>
      ),
    ],
    [
      "Fullest volume",
      volume === null ? null : (
        <span key="volume" title={volumeWords(volume)}>
          <Meter percent={percentOf(volume.used_bytes, volume.total_bytes)} />{" "}
          <span className="muted any">
            {volume.mount}, {formatBytes(volume.total_bytes - volume.used_bytes)} free
          </span>
        </span>
      ),
    ],
    ["Uptime", agent.uptime_seconds == null ? null : formatDuration(agent.uptime_seconds * 1_000)],
    ["Restart pending", agent.pending_reboot == null || agent.state === "decommissioned" ? null : agent.pending_reboot ? "Yes" : "No"],
    ["Last seen", agent.presence.last_seen_at ? <Age key="seen" at={agent.presence.last_seen_at} /> : "never"],
    ["Address", agent.address],
  ] as const;
}

function machineFacts(agent: Agent) {
  return [
    ["Host name", agent.hostname],
    ["System", agent.os_name ?? OS_WORDS[agent.os_family ?? ""]],
    ["Role", ROLE_WORDS[agent.machine_role ?? "unknown"]],
    ["Enrolled", <Age key="enrolled" at={agent.enrolled_at} />],
    ["Agent", agent.agent_version ? `${agent.agent_version}, protocol ${agent.protocol_version ?? "unknown"}` : null],
    ["Machine id", agent.machine_id ? <span key="id" className="mono">{agent.machine_id}</span> : null],
  ] as const;
}

function Charts({ agent, span }: { agent: Agent; span: ChartSpan }) {
  const navigate = useNavigate();
  const hours = SPAN_HOURS[span];
  const points = useQuery(readings(agent.id, hours));
  return (
    <section id="readings" className={styles.panel}>
      <header className={styles.panelHead}>
        <h2>Readings</h2>
        <SegmentedControl
          size="xs"
          aria-label="Span of the charts"
          data={CHART_SPANS.map((value) => ({ value, label: SPAN_WORDS[value] }))}
          value={span}
          onChange={(value) =>
            void navigate({
              to: "/agents/$agentId/{-$tab}",
              params: { agentId: agent.id },
              search: (previous) => ({ ...previous, span: value === "24h" ? undefined : (value as ChartSpan) }),
              replace: true,
            })
          }
        />
      </header>
      {points.error && !points.data ? (
        <div className={styles.none}>
          <Failure error={points.error} what="The readings could not be loaded." retry={() => void points.refetch()} />
        </div>
      ) : points.data?.points.length === 0 ? (
        <p className={styles.none}>No reading in the last {SPAN_WORDS[span]}. Readings come once a minute while the agent is online.</p>
      ) : points.data ? (
        <Suspense fallback={<Loading lines={6} />}>
          <ReadingCharts points={points.data.points} hours={hours} />
        </Suspense>
      ) : (
        <Loading lines={6} />
      )}
    </section>
  );
}
