import createClient, { type Middleware } from "openapi-fetch";
import type { paths } from "./schema";
import { connection } from "./connection";
import { session } from "./session";

/** An answer of the server that is not a success: the problem document, or what stands for it. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  /** Names the lines of the server's log that are about it. */
  readonly requestId: string | undefined;
  /** When the answer came, in milliseconds since the epoch. */
  readonly at = Date.now();
  /** What is wrong with single fields of the request, by the field's path. */
  readonly fields: Record<string, string>;

  constructor(status: number, problem: Partial<ProblemBody>) {
    super(problem.detail || problem.title || `The server answered ${status}.`);
    this.name = "ApiError";
    this.status = status;
    this.code = problem.code ?? "unknown";
    this.requestId = problem.request_id ?? undefined;
    this.fields = Object.fromEntries((problem.errors ?? []).map((error) => [error.field, error.message]));
  }
}

/** The server did not answer at all, or said that it cannot at the moment. */
export class ServerAwayError extends Error {
  constructor(detail?: string) {
    super(detail || "The server does not answer.");
    this.name = "ServerAwayError";
  }
}

interface ProblemBody {
  title: string;
  code: string;
  detail: string | null;
  request_id: string | null;
  errors: { field: string; message: string }[] | null;
}

/** Answers of the server itself or of a proxy in front of it that mean "not now". */
const AWAY = new Set([502, 503, 504]);

const failures: Middleware = {
  async onResponse({ response }) {
    if (response.ok) {
      connection.answered();
      return undefined;
    }
    const problem = (await response
      .clone()
      .json()
      .catch(() => ({}))) as Partial<ProblemBody>;
    if (AWAY.has(response.status)) {
      connection.lost();
      throw new ServerAwayError(problem.detail ?? undefined);
    }
    connection.answered();
    const request_id = problem.request_id ?? response.headers.get("x-request-id");
    const error = new ApiError(response.status, { ...problem, request_id });
    session.failed(error);
    throw error;
  },
  onError({ error }) {
    if (error instanceof DOMException && error.name === "AbortError") return error;
    connection.lost();
    return new ServerAwayError();
  },
};

export const api = createClient<paths>({ baseUrl: "/", credentials: "same-origin" });
api.use(failures);

/** The body of a successful answer. A failed one has been thrown before it gets here. */
export async function body<T>(answer: Promise<{ data?: T }>): Promise<T> {
  const { data } = await answer;
  return data as T;
}
