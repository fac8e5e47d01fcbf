import type { components } from "./schema";

type Schemas = components["schemas"];

export type Agent = Schemas["Agent"];
export type AgentSummary = Schemas["AgentSummary"];
export type AttentionReason = Schemas["AttentionReason"];
export type AgentCount = Schemas["AgentCount"];
export type AuditEntry = Schemas["AuditEntry"];
export type Command = Schemas["Command"];
export type CommandSummary = Schemas["CommandSummary"];
export type EnrollmentToken = Schemas["EnrollmentToken"];
export type InstalledSoftware = Schemas["InstalledSoftware"];
export type InventoryChange = Schemas["InventoryChange"];
export type InventorySection = Schemas["StoredSection"];
export type NewCommand = Schemas["CreateCommand"];
export type NewEnrollmentToken = Schemas["CreateEnrollmentToken"];
export type NewOwner = Schemas["RegisterRequest"];
export type Organization = Schemas["Organization"];
export type OutputChunk = Schemas["OutputChunk"];
export type ReadingPoint = Schemas["Point"];
export type AgentVersionCount = Schemas["AgentVersionCount"];
export type OrganizationOverview = Schemas["OrganizationOverview"];
export type Overview = Schemas["Overview"];
export type ReasonCount = Schemas["ReasonCount"];
export type ReasonOverview = Schemas["ReasonOverview"];
export type Spine = Schemas["Spine"];
export type SpineAgent = Schemas["SpineAgent"];
export type SearchResult = Schemas["SearchResult"];
export type Run = Schemas["Run"];
export type RunAgent = Schemas["RunAgent"];
export type RunPreview = Schemas["Preview"];
export type RunTarget = Schemas["RunTarget"];
export type Site = Schemas["Site"];
export type SoftwareCoverage = Schemas["SoftwareCoverage"];
export type SoftwareStanding = Schemas["SoftwareStanding"];
export type SoftwareTitle = Schemas["SoftwareTitle"];
export type UnknownSoftware = Schemas["UnknownSoftware"];
export type User = Schemas["User"];
export type View = Schemas["View"];
export type ViewPage = Schemas["ViewPage"];
export type Sharing = Schemas["Sharing"];
export type VersionCount = Schemas["VersionCount"];
export type VolumeUse = Schemas["VolumeUse"];

export type PresenceState = AgentSummary["presence"]["state"];
export type AgentState = AgentSummary["state"];
export type CommandState = CommandSummary["state"];

/** Whether the user may do something, and why not. */
export interface Permission {
  allowed: boolean;
  reason?: string | null;
}

/** One page of a list. */
export interface Page<T> {
  items: T[];
  next_cursor?: string | null;
}

/** A new enrollment token with its secret, which is shown once. */
export type NewToken = Schemas["CreatedEnrollmentToken"];
export type Work = Schemas["Work"];
export type WorkItem = Schemas["WorkItem"];
export type FleetChange = Schemas["FleetChange"];
export type WorstAgent = Schemas["WorstAgent"];
