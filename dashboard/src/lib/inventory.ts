import type { InventorySection } from "../api/types";

/** What each section is called, in the order in which they are shown. */
export const SECTION_TITLES: Record<string, string> = {
  os: "Operating system",
  hardware: "Hardware",
  volumes: "Volumes",
  network: "Network",
  users: "Logged-in users",
  reboot: "Pending restart",
};

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
  };
}

export function volumesOf(data: unknown) {
  return items(data).map((volume) => ({
    mount: str(volume.mount) ?? "?",
    device: str(volume.device),
    file_system: str(volume.file_system),
    total_bytes: num(volume.total_bytes) ?? 0,
    removable: volume.removable === true,
  }));
}

export function networkOf(data: unknown) {
  return items(data).map((each) => ({
    name: str(each.name) ?? "?",
    mac: str(each.mac),
    addresses: strings(each.addresses),
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
