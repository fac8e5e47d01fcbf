import { describe, expect, it } from "vitest";
import { answerLine, causeOf, failureReport, isServersFault, nextStep } from "./failure";

const AT = Date.parse("2026-11-24T09:12:03Z");
const fault = { status: 500, code: "internal", message: "internal error", requestId: "3f2a", at: AT };

describe("a failure in words", () => {
  it("says whose fault it is where the server only says that it is its own", () => {
    expect(causeOf(fault)).toBe("The server met a fault of its own; what exactly stands in its log.");
    expect(causeOf({ ...fault, message: "the disk is full" })).toBe("The disk is full.");
    expect(causeOf({ status: 403, message: "internal error" })).toBe("Internal error.");
  });

  it("names a next step where the cause does not", () => {
    expect(nextStep(fault)).toContain("for this request");
    expect(nextStep({ status: 500, requestId: undefined })).not.toContain("request");
    expect(nextStep({ status: 429, requestId: "1" })).toMatch(/wait/i);
    expect(nextStep({ status: 422, requestId: "1" })).toBeUndefined();
  });

  it("shows at once only what is the server's fault", () => {
    expect(isServersFault(fault)).toBe(true);
    expect(isServersFault({ status: 409 })).toBe(false);
  });

  it("carries status, absolute time and request", () => {
    expect(answerLine(fault)).toMatch(/^The server answered 500 on .*2026.*, request 3f2a\.$/);
    expect(answerLine({ ...fault, requestId: undefined })).not.toContain("request");
  });

  it("is copied with everything that finds it again", () => {
    expect(failureReport("The agents could not be loaded.", fault, "/agents")).toBe(
      "The agents could not be loaded.\nInternal error.\nHTTP 500 (internal) at 2026-11-24T09:12:03.000Z\nrequest 3f2a\npage /agents",
    );
  });
});
