import { formatAbsolute } from "./age";
import { sentence } from "./words";

/** An answer that is not a success, as far as it is told to the reader. */
export interface Answered {
  status: number;
  code: string;
  message: string;
  requestId: string | undefined;
  /** When it came, in milliseconds since the epoch. */
  at: number;
}

/** What the server says where the cause stands in its log only. */
const INTERNAL = "internal error";

/** What happened, in the server's words, or in plain ones where it only says that the fault is its own. */
export function causeOf({ status, message }: Pick<Answered, "status" | "message">): string {
  if (status >= 500 && message === INTERNAL) return "The server met a fault of its own; what exactly stands in its log.";
  return sentence(message);
}

/** What the reader can do about it; nothing where the cause says it already. */
export function nextStep({ status, requestId }: Pick<Answered, "status" | "requestId">): string | undefined {
  if (status >= 500) {
    const found = requestId ? " for this request" : "";
    return `Try again. If it fails again, look in the log of gururmm-server${found}.`;
  }
  if (status === 404) return "It may have been removed, or lie outside of what you may see.";
  if (status === 429) return "Wait a moment, then try again.";
  return undefined;
}

/** Whether the fault is the server's: everything about it is then shown at once. */
export function isServersFault({ status }: Pick<Answered, "status">): boolean {
  return status >= 500;
}

/** One line to find the answer by. */
export function answerLine({ status, requestId, at }: Pick<Answered, "status" | "requestId" | "at">): string {
  return `The server answered ${status} on ${formatAbsolute(at)}${requestId ? `, request ${requestId}` : ""}.`;
}

/** Everything about a failure as text, to hand to whoever looks after the server. */
export function failureReport(what: string, answered: Answered, page: string): string {
  const { status, code, message, requestId, at } = answered;
  return [
    what,
    sentence(message),
    `HTTP ${status} (${code}) at ${new Date(at).toISOString()}`,
    requestId ? `request ${requestId}` : undefined,
    `page ${page}`,
  ]
    .filter((line) => line !== undefined)
    .join("\n");
}
