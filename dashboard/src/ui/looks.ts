import {
  IconAlertTriangle,
  IconArrowsSplit,
  IconBan,
  IconCircleCheck,
  IconCircleDashed,
  IconCircleX,
  IconCopyX,
  IconClockPause,
  IconClockX,
  IconDatabaseExclamation,
  IconDots,
  IconForbid2,
  IconHelpCircle,
  IconHourglass,
  IconLoader2,
  IconMinus,
  IconPencil,
  IconPlayerPlay,
  IconPlugConnected,
  IconPlugConnectedX,
  IconPlugOff,
  IconPlus,
  IconRefreshAlert,
  IconSend,
  IconTrash,
  IconUserOff,
} from "@tabler/icons-react";
import type { CheckState } from "../lib/selftest";
import type { AgentState, AttentionReason, CommandState, EnrollmentToken, InventoryChange, PresenceState, SoftwareStanding } from "../api/types";
import type { StateLook } from "./State";

/** How each state is shown, everywhere. */
export const PRESENCE: Record<PresenceState, StateLook> = {
  online: { family: "good", word: "Online", icon: IconPlugConnected },
  reconnecting: { family: "unknown", word: "Reconnecting", icon: IconLoader2 },
  offline: { family: "bad", word: "Offline", icon: IconPlugConnectedX },
  never: { family: "quiet", word: "Never seen", icon: IconCircleDashed },
};

export const AGENT_STATE: Record<AgentState, StateLook> = {
  active: { family: "good", word: "Active", icon: IconCircleCheck },
  quarantined: { family: "bad", word: "Quarantined", icon: IconAlertTriangle },
  decommissioning: { family: "quiet", word: "Decommissioning", icon: IconTrash },
  decommissioned: { family: "quiet", word: "Decommissioned", icon: IconUserOff },
};

/** Why a machine needs somebody; each machine's own words come from the server. What the server calls severe is red. */
export const ATTENTION: Record<AttentionReason, StateLook> = {
  quarantined: { family: "bad", word: "Quarantined", icon: IconArrowsSplit },
  offline: { family: "bad", word: "Offline too long", icon: IconPlugConnectedX },
  volume_full: { family: "bad", word: "Volume nearly full", icon: IconDatabaseExclamation },
  clash: { family: "warn", word: "Enrolled twice", icon: IconCopyX },
  never_connected: { family: "warn", word: "Never connected", icon: IconPlugOff },
  pending_reboot: { family: "warn", word: "Waits for a restart", icon: IconRefreshAlert },
};

/** That none of these reasons holds of any machine. */
export const NOBODY_MISSED =
  "None is quarantined, enrolled twice, offline for too long, never connected or nearly full, and none waits for a restart.";

/** How much is known of the software of a machine. */
export const STANDING: Record<SoftwareStanding, StateLook> = {
  known: { family: "good", word: "Known", icon: IconCircleCheck },
  partial: { family: "unknown", word: "Read in part", icon: IconHelpCircle },
  stale: { family: "unknown", word: "Not seen for 7 days", icon: IconClockX },
  unread: { family: "warn", word: "Cannot be read", icon: IconAlertTriangle },
  never: { family: "unknown", word: "Never read", icon: IconCircleDashed },
};

/** What happened to a part of an inventory. */
export const CHANGE: Record<InventoryChange["kind"], StateLook> = {
  added: { family: "info", word: "Added", icon: IconPlus },
  removed: { family: "quiet", word: "Removed", icon: IconMinus },
  changed: { family: "info", word: "Changed", icon: IconPencil },
  more: { family: "unknown", word: "And more", icon: IconDots },
  unsure: { family: "unknown", word: "Not certain", icon: IconHelpCircle },
};

export const COMMAND_STATE: Record<CommandState, StateLook> = {
  queued: { family: "quiet", word: "Queued", icon: IconClockPause },
  sent: { family: "info", word: "Sent", icon: IconSend },
  running: { family: "info", word: "Running", icon: IconPlayerPlay },
  succeeded: { family: "good", word: "Succeeded", icon: IconCircleCheck },
  failed: { family: "bad", word: "Failed", icon: IconCircleX },
  timed_out: { family: "bad", word: "Timed out", icon: IconHourglass },
  cancelled: { family: "quiet", word: "Cancelled", icon: IconBan },
  expired: { family: "warn", word: "Expired", icon: IconClockX },
  unknown: { family: "unknown", word: "Unknown", icon: IconHelpCircle },
};

/** How a machine of a run stands. */
export const RUN_AGENT_STATE: Record<CommandState | "refused", StateLook> = {
  ...COMMAND_STATE,
  refused: { family: "bad", word: "Not run", icon: IconForbid2 },
};

/** What came of a check of a self-test. */
export const SELFTEST_STATE: Record<CheckState, StateLook> = {
  ok: { family: "good", word: "OK", icon: IconCircleCheck },
  warning: { family: "warn", word: "Warning", icon: IconAlertTriangle },
  failed: { family: "bad", word: "Failed", icon: IconCircleX },
  skipped: { family: "quiet", word: "Skipped", icon: IconCircleDashed },
};

export const TOKEN_STATE: Record<EnrollmentToken["state"], StateLook> = {
  active: { family: "good", word: "Active", icon: IconCircleCheck },
  expired: { family: "quiet", word: "Expired", icon: IconClockX },
  used_up: { family: "quiet", word: "Used up", icon: IconCircleDashed },
  revoked: { family: "quiet", word: "Revoked", icon: IconBan },
};

export const OS_WORDS: Record<string, string> = { windows: "Windows", linux: "Linux", other: "Other" };

export const ROLE_WORDS: Record<string, string> = {
  domain_controller: "Domain controller",
  server: "Server",
  workstation: "Workstation",
  unknown: "Unknown role",
};

/** Whether a command's life is over. */
export function isFinal(state: CommandState): boolean {
  return state !== "queued" && state !== "sent" && state !== "running";
}
