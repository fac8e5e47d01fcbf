import type { Agent } from "../api/types";

type Sighting = NonNullable<Agent["quarantine"]>["machines"][number];

/** A machine that used an agent's key, by what it says it is. */
export interface Claimant {
  machineId: string;
  /** As it called itself last. */
  hostname: string;
  /** The machine that the record stood for until now. */
  onRecord: boolean;
  /** Every way in which it was seen, the latest first. */
  sightings: Sighting[];
}

/** The machines behind what was seen, the one on record first. One machine may have been seen in several ways. */
export function claimantsOf(machines: readonly Sighting[], recordId: string): Claimant[] {
  const latestFirst = [...machines].sort((one, other) => Date.parse(other.seen_at) - Date.parse(one.seen_at));
  const byId = new Map<string, Claimant>();
  for (const sighting of latestFirst) {
    const known = byId.get(sighting.machine_id);
    if (known) known.sightings.push(sighting);
    else {
      const { machine_id: machineId, hostname } = sighting;
      byId.set(machineId, { machineId, hostname, onRecord: machineId === recordId, sightings: [sighting] });
    }
  }
  return [...byId.values()].sort((one, other) => Number(other.onRecord) - Number(one.onRecord));
}
