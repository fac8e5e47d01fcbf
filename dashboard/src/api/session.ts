import type { ApiError } from "./client";

type Listener = () => void;
const listeners = new Set<Listener>();

/** Requests that fail with 401 because of what was typed, not because a session ended. */
const WRONG_CREDENTIALS = "bad_credentials";

/** Tells the frame that the session is over, whichever request found out. */
export const session = {
  failed(error: ApiError) {
    if (isSessionEnd(error)) for (const listener of listeners) listener();
  },
  onEnd(listener: Listener) {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  },
};

/** Whether this failure means "log in again". */
export function isSessionEnd(error: { status: number; code: string }): boolean {
  if (error.status === 401) return error.code !== WRONG_CREDENTIALS;
  return error.status === 403 && error.code === "session_revoked";
}
