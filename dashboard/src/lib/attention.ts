import type { AttentionReason } from "../api/types";

/*
 * The rules by which the server judges that a machine needs somebody (server/src/agents/attention.rs), as far as the
 * dashboard tells of them. A test compares the two.
 */

/** A server or domain controller is missed after so many seconds without a connection. */
export const SERVER_MISSED = 10 * 60;
/** Any other machine is. */
export const OTHER_MISSED = 7 * 86_400;
/** One that enrolled and never connected is. */
export const FIRST_CONNECTION = 60 * 60;
/** A volume is nearly full from this share on, in percent. */
export const NEARLY_FULL = 92;

/** What a reason says of one machine beyond its name; nothing where the server's words only repeat that. */
export function wordsBeyond(reason: AttentionReason, words: string): string | undefined {
  return reason === "pending_reboot" || reason === "never_connected" || reason === "clash" ? undefined : words;
}
