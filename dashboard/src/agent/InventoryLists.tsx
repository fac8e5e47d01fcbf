import { Button, TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useState } from "react";
import { disksOf, groupsOf, hotFixesOf, matching, servicesOf, softwareOf } from "../lib/inventory";
import { formatBytes } from "../lib/units";
import { PlainTable } from "../ui/PlainTable";
import styles from "./InventoryTab.module.css";

/** Rows shown at first, and added with each press: thousands at once would make the page slow. */
const STEP = 50;
/** Rows shown at first of a list that few people look for: it must not push the rest of the page away. */
const FEW = 8;

type Columns<T> = Parameters<typeof PlainTable<T>>[0]["columns"];

/** A table of many rows: a search, and more rows on request. */
function LongTable<T extends object>({ label, what, first = STEP, rows, rowId, columns }: {
  label: string;
  /** The rows in words, for the search's label and the count. */
  what: string;
  /** Rows shown at first. */
  first?: number;
  rows: readonly T[];
  rowId: (row: T, index: number) => string;
  columns: Columns<T>;
}) {
  const [search, setSearch] = useState("");
  const [shown, setShown] = useState(first);
  const found = matching(rows, search);
  const left = found.length - shown;
  const all = left <= STEP * 4;
  return (
    <>
      <div className={styles.tools}>
        <TextInput
          aria-label={`Find in ${what}`}
          placeholder={`Find in ${what}`}
          leftSection={<IconSearch size={16} aria-hidden />}
          value={search}
          onChange={(event) => {
            setSearch(event.currentTarget.value);
            setShown(first);
          }}
        />
        <span className={styles.count} role="status">
          {found.length === rows.length ? `${rows.length} ${what}` : `${found.length} of ${rows.length} ${what}`}
        </span>
      </div>
      {found.length === 0 ? (
        <p className={styles.nothing}>{rows.length === 0 ? "None." : "Nothing has all of these words."}</p>
      ) : (
        <PlainTable label={label} rows={found.slice(0, shown)} rowId={rowId} columns={columns} />
      )}
      {left > 0 ? (
        <div className={styles.more}>
          <Button variant="default" size="xs" onClick={() => setShown(all ? found.length : shown + STEP * 4)}>
            {all ? `Show all ${found.length}` : `Show more (${left} left)`}
          </Button>
        </div>
      ) : null}
    </>
  );
}

export function ServicesSection({ data }: { data: unknown }) {
  return (
    <LongTable
      label="Services"
      what="services"
      rows={servicesOf(data)}
      rowId={(service, index) => `${service.name} ${index}`}
      columns={[
        { header: "Service", cell: (service) => <TwoNames name={service.display_name ?? service.name} other={service.name} /> },
        { header: "State", cell: (service) => service.state },
        { header: "Start", cell: (service) => service.start },
        { header: "Account", cell: (service) => service.account ?? "–", hideOnPhone: true },
      ]}
    />
  );
}

export function SoftwareSection({ data }: { data: unknown }) {
  return (
    <LongTable
      label="Software"
      what="programs"
      rows={softwareOf(data)}
      rowId={(each, index) => `${each.name} ${index}`}
      columns={[
        { header: "Name", cell: (each) => each.name },
        { header: "Version", cell: (each) => each.version ?? "–" },
        { header: "Publisher", cell: (each) => each.publisher ?? "–", hideOnPhone: true },
        { header: "Installed for", cell: (each) => each.source ?? "–", hideOnPhone: true },
        { header: "Installed on", cell: (each) => each.installed_on ?? "–", hideOnPhone: true },
      ]}
    />
  );
}

export function HotFixesSection({ data }: { data: unknown }) {
  return (
    <LongTable
      label="Updates"
      what="updates"
      rows={hotFixesOf(data)}
      rowId={(fix, index) => `${fix.id} ${index}`}
      columns={[
        { header: "Update", cell: (fix) => fix.id },
        { header: "Kind", cell: (fix) => fix.description ?? "–" },
        { header: "Installed on", cell: (fix) => fix.installed_on ?? "–" },
      ]}
    />
  );
}

export function GroupsSection({ data }: { data: unknown }) {
  return (
    <LongTable
      label="Local groups"
      what="groups"
      first={FEW}
      rows={groupsOf(data)}
      rowId={(group, index) => `${group.name} ${index}`}
      columns={[
        { header: "Group", cell: (group) => group.name },
        { header: "Members", cell: (group) => (group.members.length === 0 ? "nobody" : group.members.join(", ")) },
      ]}
    />
  );
}

export function DisksSection({ data }: { data: unknown }) {
  const disks = disksOf(data);
  if (disks.length === 0) return <p className={styles.nothing}>No disk is visible to the system.</p>;
  return (
    <PlainTable
      label="Disks"
      rows={disks}
      rowId={(disk, index) => `${disk.name} ${index}`}
      columns={[
        { header: "Disk", cell: (disk) => <TwoNames name={disk.model ?? disk.name} other={disk.name} /> },
        { header: "Kind", cell: (disk) => disk.kind ?? "–", hideOnPhone: true },
        { header: "Serial number", cell: (disk) => disk.serial ?? "–", hideOnPhone: true },
        { header: "Health", cell: (disk) => <TwoNames name={disk.health} other={disk.health_detail} /> },
        { header: "Size", right: true, cell: (disk) => formatBytes(disk.total_bytes) },
      ]}
    />
  );
}

/** What people call it, and below it what the system does, where that differs. */
function TwoNames({ name, other }: { name: string; other: string | null }): ReactNode {
  return (
    <>
      <div>{name}</div>
      {other !== null && other !== name ? <div className={styles.other}>{other}</div> : null}
    </>
  );
}
