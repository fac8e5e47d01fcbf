import type { InventorySection } from "../api/types";

/** What each section is called, in the order in which they are shown. */
export const SECTION_TITLES: Record<string, string> = {
  os: "Operating system",
  hardware: "Hardware",
  volumes: "Volumes",
  disks: "Disks",
  network: "Network",
  users: "Logged-in users",
  groups: "Local groups",
  reboot: "Pending restart",
  services: "Services",
  software: "Software",
  hot_fixes: "Updates",
};

/** Sections with long rows, which need the whole width of the page. */
export const WIDE_SECTIONS: ReadonlySet<string> = new Set(["network", "services", "software"]);

/** Known sections in their order, others behind them by name. */
export function sortSections(sections: readonly InventorySection[]): InventorySection[] {
  const order = Object.keys(SECTION_TITLES);
  const place = ({ section }: InventorySection) => {
    const index = order.indexOf(section);
    return index < 0 ? order.length : index;
  };
  return sections.toSorted((a, b) => place(a) - place(b) || a.section.localeCompare(b.section));
}

// The server passes sections on as the agent sent them, so each field is looked at before it is used.

type Fields = Record<string, unknown>;

function fields(data: unknown): Fields {
  return typeof data === "object" && data !== null && !Array.isArray(data) ? (data as Fields) : {};
}

function items(data: unknown): Fields[] {
  return Array.isArray(data) ? data.map(fields) : [];
}

function str(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

function num(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each): each is string => typeof each === "string") : [];
}

/** An instant that can be shown; null for a text that is none. */
function instant(value: unknown): string | null {
  const text = str(value);
  return text !== null && !Number.isNaN(Date.parse(text)) ? text : null;
}

export function osOf(data: unknown) {
  const os = fields(data);
  return {
    family: str(os.family),
    name: str(os.name),
    edition: str(os.edition),
    version: str(os.version),
    build: str(os.build),
    architecture: str(os.architecture),
    role: str(os.role),
    hostname: str(os.hostname),
    domain: str(os.domain),
    release: str(os.release),
    time_zone: str(os.time_zone),
    booted_at: instant(os.booted_at),
  };
}

export function hardwareOf(data: unknown) {
  const hardware = fields(data);
  return {
    manufacturer: str(hardware.manufacturer),
    model: str(hardware.model),
    serial: str(hardware.serial),
    cpu: str(hardware.cpu),
    cores: num(hardware.cores),
    threads: num(hardware.threads),
    memory_bytes: num(hardware.memory_bytes),
    virtualization: str(hardware.virtualization),
    uuid: str(hardware.uuid),
    firmware: [str(hardware.bios_vendor), str(hardware.bios_version), str(hardware.bios_date)].filter((part) => part !== null).join(", ") || null,
  };
}

export function volumesOf(data: unknown) {
  return items(data).map((volume) => ({
    mount: str(volume.mount) ?? "?",
    device: str(volume.device),
    file_system: str(volume.file_system),
    total_bytes: num(volume.total_bytes) ?? 0,
    removable: volume.removable === true,
    encryption: word(volume.encryption, ENCRYPTION_WORDS),
    encryption_method: str(volume.encryption_method),
  }));
}

export function networkOf(data: unknown) {
  return items(data).map((each) => ({
    name: str(each.name) ?? "?",
    mac: str(each.mac),
    addresses: strings(each.addresses),
    gateways: strings(each.gateways),
    dns: strings(each.dns),
  }));
}

export function usersOf(data: unknown) {
  return items(data).map((user) => ({
    name: str(user.name) ?? "?",
    session: str(user.session),
    host: str(user.host),
    since: instant(user.since),
  }));
}

export function rebootOf(data: unknown) {
  const reboot = fields(data);
  return { pending: typeof reboot.pending === "boolean" ? reboot.pending : null, sources: strings(reboot.sources) };
}

/** Why a restart is due, by what the agent found; what has no words of its own stands for itself. */
const REBOOT_WORDS: readonly (readonly [sign: RegExp, words: string])[] = [
  [/WindowsUpdate\\(Auto Update|Services)/i, "Windows Update installed updates that need a restart."],
  [/Component Based Servicing/i, "Windows has to finish installing or removing a part of itself."],
  [/ServerManager/i, "A server role or feature was installed or removed."],
  [/PendingFileRenameOperations/i, "A program waits to replace files that are in use."],
  [/Configuration Manager/i, "Microsoft Configuration Manager asks for a restart."],
  [/^kernel /, "A newer kernel is installed than the one that runs."],
  [/reboot-required|^package /, "Packages were installed that need a restart."],
];

/** The signs of a pending restart in plain words, each once; nothing where none has words. */
export function rebootWords(sources: readonly string[]): string {
  const found = sources.map((source) => REBOOT_WORDS.find(([sign]) => sign.test(source))?.[1]);
  return [...new Set(found.filter((words) => words !== undefined))].join(" ");
}

const ENCRYPTION_WORDS: Record<string, string> = {
  encrypted: "Encrypted",
  suspended: "Encrypted, protection suspended",
  encrypting: "Being encrypted",
  decrypting: "Being decrypted",
  unencrypted: "Not encrypted",
};

const HEALTH_WORDS: Record<string, string> = { healthy: "Healthy", warning: "Warns", failing: "Failing" };

const SERVICE_STATE_WORDS: Record<string, string> = {
  running: "Running",
  stopped: "Stopped",
  starting: "Starting",
  stopping: "Stopping",
  paused: "Paused",
  failed: "Failed",
};

const SERVICE_START_WORDS: Record<string, string> = {
  automatic: "Automatic",
  automatic_delayed: "Automatic, delayed",
  manual: "On demand",
  disabled: "Disabled",
};

const SOURCE_WORDS: Record<string, string> = {
  machine: "All users",
  machine32: "All users, 32 bits",
  user: "One user",
  dpkg: "dpkg",
  rpm: "RPM",
};

/** The word for a known value; none for anything else. */
function word(value: unknown, words: Record<string, string>): string | null {
  return typeof value === "string" && Object.hasOwn(words, value) ? (words[value] ?? null) : null;
}

export function disksOf(data: unknown) {
  return items(data).map((disk) => ({
    name: str(disk.name) ?? "?",
    model: str(disk.model),
    serial: str(disk.serial),
    kind: [str(disk.media) === "unknown" ? null : str(disk.media)?.toUpperCase(), str(disk.bus)].filter(Boolean).join(", ") || null,
    total_bytes: num(disk.total_bytes) ?? 0,
    health: word(disk.health, HEALTH_WORDS) ?? "Unknown",
    health_detail: str(disk.health_detail),
  }));
}

export function groupsOf(data: unknown) {
  return items(data).map((group) => ({ name: str(group.name) ?? "?", members: strings(group.members) }));
}

export function servicesOf(data: unknown) {
  return items(data).map((service) => ({
    name: str(service.name) ?? "?",
    display_name: str(service.display_name),
    state: word(service.state, SERVICE_STATE_WORDS) ?? "Unknown",
    start: word(service.start, SERVICE_START_WORDS) ?? "Unknown",
    account: str(service.account),
  }));
}

export function softwareOf(data: unknown) {
  return items(data).map((each) => ({
    name: str(each.name) ?? "?",
    version: str(each.version),
    publisher: str(each.publisher),
    source: str(each.user) ?? word(each.source, SOURCE_WORDS),
    installed_on: str(each.installed_on),
  }));
}

export function hotFixesOf(data: unknown) {
  return items(data).map((fix) => ({
    id: str(fix.id) ?? "?",
    description: str(fix.description),
    installed_on: str(fix.installed_on),
  }));
}

/** The rows in which every word of the search stands somewhere, whatever the case. */
export function matching<T extends object>(rows: readonly T[], search: string): T[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [...rows];
  return rows.filter((row) => {
    const text = Object.values(row).join("\n").toLowerCase();
    return words.every((each) => text.includes(each));
  });
}
