import { IconClipboardOff } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { inventory } from "../api/queries";
import type { Agent, InventorySection } from "../api/types";
import type { AgentSearch } from "../lib/agentPage";
import {
  hardwareOf,
  networkOf,
  osOf,
  rebootOf,
  SECTION_TITLES,
  sortSections,
  usersOf,
  volumesOf,
  WIDE_SECTIONS,
} from "../lib/inventory";
import { formatBytes } from "../lib/units";
import { Age } from "../ui/Age";
import { Facts } from "../ui/Facts";
import { OS_WORDS, ROLE_WORDS } from "../ui/looks";
import { Empty, Failure, Loading } from "../ui/Notice";
import { PlainTable } from "../ui/PlainTable";
import styles from "./AgentPage.module.css";
import { ChangesView, SectionFilter } from "./ChangesView";
import { DisksSection, GroupsSection, HotFixesSection, ServicesSection, SoftwareSection } from "./InventoryLists";
import own from "./InventoryTab.module.css";

/** What the machine says of itself, and what changed of it; each has its own address. */
export function InventoryTab({ agent, view, section }: { agent: Agent } & Pick<AgentSearch, "view" | "section">) {
  const changes = view === "changes";
  return (
    <>
      <div className={own.head}>
        <nav className={own.views} aria-label="Views of the inventory">
          {[false, true].map((each) => (
            <Link
              key={String(each)}
              to="/agents/$agentId/{-$tab}"
              params={{ agentId: agent.id, tab: "inventory" }}
              search={{ view: each ? "changes" : undefined }}
              className={own.view}
              data-active={each === changes || undefined}
              aria-current={each === changes ? "page" : undefined}
            >
              {each ? "Changes" : "As it is"}
            </Link>
          ))}
        </nav>
        {changes ? <SectionFilter agent={agent} section={section} /> : null}
      </div>
      {changes ? <ChangesView agent={agent} section={section} /> : <Sections agent={agent} />}
    </>
  );
}

/** Section by section, each with its age. */
function Sections({ agent }: { agent: Agent }) {
  const list = useQuery(inventory(agent.id));
  if (list.error && !list.data) {
    return <Failure error={list.error} what="The inventory could not be loaded." retry={() => void list.refetch()} />;
  }
  if (!list.data) return <Loading lines={8} />;
  if (list.data.sections.length === 0) {
    return (
      <Empty icon={IconClipboardOff} title="No inventory yet">
        The agent sends it when it first connects. {agent.presence.state === "never" ? "It has not connected yet." : ""}
      </Empty>
    );
  }
  return (
    <div className={styles.columns}>
      {sortSections(list.data.sections).map((section) => (
        <section
          key={section.section}
          className={WIDE_SECTIONS.has(section.section) ? `${styles.panel} ${own.wide}` : styles.panel}
        >
          <header className={styles.panelHead}>
            <h2>{SECTION_TITLES[section.section] ?? section.section}</h2>
            <span className={styles.panelNote}>
              <Age at={section.collected_at} prefix="collected" />, <Age at={section.changed_at} prefix="changed" />
            </span>
          </header>
          <Unread section={section} />
          {section.data === null ? null : <Section name={section.section} data={section.data} />}
        </section>
      ))}
    </div>
  );
}

/** What of a section the agent could not read, and why: silence would look like "there is none". */
function Unread({ section: { data, error, error_since: since, problems } }: { section: InventorySection }) {
  if (error) {
    return (
      <div className={own.told}>
        <strong>Could not be read</strong> {since ? <Age at={since} prefix="since" /> : null}: {error}
        {data === null ? null : <div>Below stands what was read last.</div>}
      </div>
    );
  }
  if (problems.length === 0) return null;
  return (
    <div className={own.told}>
      <strong>Not all of it could be read:</strong>
      <ul>
        {problems.map((problem, index) => (
          <li key={index}>{problem}</li>
        ))}
      </ul>
    </div>
  );
}

function Section({ name, data }: { name: string; data: unknown }): ReactNode {
  switch (name) {
    case "os":
      return <OsSection data={data} />;
    case "hardware":
      return <HardwareSection data={data} />;
    case "volumes":
      return <VolumesSection data={data} />;
    case "network":
      return <NetworkSection data={data} />;
    case "users":
      return <UsersSection data={data} />;
    case "reboot":
      return <RebootSection data={data} />;
    case "disks":
      return <DisksSection data={data} />;
    case "groups":
      return <GroupsSection data={data} />;
    case "services":
      return <ServicesSection data={data} />;
    case "software":
      return <SoftwareSection data={data} />;
    case "hot_fixes":
      return <HotFixesSection data={data} />;
    default:
      return <pre className={`${styles.none} mono any`}>{JSON.stringify(data, null, 2)}</pre>;
  }
}

function OsSection({ data }: { data: unknown }) {
  const os = osOf(data);
  return (
    <Facts
      facts={[
        ["Name", os.name],
        ["Family", OS_WORDS[os.family ?? ""]],
        ["Edition", os.edition],
        ["Version", os.version],
        ["Build", os.build],
        ["Release", os.release],
        ["Architecture", os.architecture],
        ["Role", ROLE_WORDS[os.role ?? "unknown"]],
        ["Host name", os.hostname],
        ["Domain", os.domain],
        ["Time zone", os.time_zone],
        ["Started", os.booted_at ? <Age key="booted" at={os.booted_at} /> : null],
      ]}
    />
  );
}

function HardwareSection({ data }: { data: unknown }) {
  const hardware = hardwareOf(data);
  const cores = hardware.cores ?? null;
  const threads = hardware.threads ?? null;
  return (
    <Facts
      facts={[
        ["Maker", hardware.manufacturer],
        ["Model", hardware.model],
        ["Serial number", hardware.serial],
        ["UUID", hardware.uuid],
        ["Firmware", hardware.firmware],
        ["Processor", hardware.cpu],
        ["Cores", cores === null && threads === null ? null : `${cores ?? "?"} cores, ${threads ?? "?"} threads`],
        ["Memory", hardware.memory_bytes == null ? null : formatBytes(hardware.memory_bytes)],
        ["Virtual machine", hardware.virtualization ?? "none reported"],
      ]}
    />
  );
}

function VolumesSection({ data }: { data: unknown }) {
  return (
    <PlainTable
      label="Volumes"
      rows={volumesOf(data)}
      rowId={(volume, index) => `${volume.mount} ${index}`}
      columns={[
        { header: "Mount", cell: (volume) => volume.mount },
        { header: "Device", cell: (volume) => volume.device ?? "–", hideOnPhone: true },
        { header: "File system", cell: (volume) => volume.file_system ?? "–" },
        {
          header: "Encryption",
          cell: (volume) => [volume.encryption ?? "Unknown", volume.encryption_method].filter(Boolean).join(", "),
          hideOnPhone: true,
        },
        {
          header: "Size",
          right: true,
          cell: (volume) => `${formatBytes(volume.total_bytes)}${volume.removable ? ", removable" : ""}`,
        },
      ]}
    />
  );
}

function lines(texts: readonly string[]): ReactNode {
  return texts.length === 0 ? "–" : texts.map((text, index) => <div key={index}>{text}</div>);
}

function NetworkSection({ data }: { data: unknown }) {
  return (
    <PlainTable
      label="Network interfaces"
      rows={networkOf(data)}
      rowId={(each, index) => `${each.name} ${index}`}
      columns={[
        { header: "Name", cell: (each) => each.name },
        { header: "Hardware address", cell: (each) => <span className="mono">{each.mac ?? "–"}</span>, hideOnPhone: true },
        {
          header: "Addresses",
          cell: (each) => lines(each.addresses),
        },
        { header: "Gateway", cell: (each) => lines(each.gateways), hideOnPhone: true },
        { header: "Name servers", cell: (each) => lines(each.dns), hideOnPhone: true },
      ]}
    />
  );
}

function UsersSection({ data }: { data: unknown }) {
  const users = usersOf(data);
  if (users.length === 0) return <p className={styles.none}>Nobody is logged in.</p>;
  return (
    <PlainTable
      label="Logged-in users"
      rows={users}
      rowId={(user, index) => `${user.name} ${index}`}
      columns={[
        { header: "User", cell: (user) => user.name },
        { header: "Session", cell: (user) => user.session ?? "–" },
        { header: "From", cell: (user) => user.host ?? "here" },
        { header: "Since", cell: (user) => (user.since ? <Age at={user.since} /> : "–") },
      ]}
    />
  );
}

function RebootSection({ data }: { data: unknown }) {
  const reboot = rebootOf(data);
  const word = reboot.pending === null ? "Unknown" : reboot.pending ? "A restart is pending" : "No restart is pending";
  return (
    <Facts
      facts={[
        ["Restart", word],
        ["Source", reboot.sources.length === 0 ? "–" : reboot.sources.map((source, index) => <div key={index}>{source}</div>)],
      ]}
    />
  );
}
