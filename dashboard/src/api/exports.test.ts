import { describe, expect, it } from "vitest";
import { fileName, incompleteness, readExport } from "./exports";

describe("a list as a file", () => {
  it("has the server's name", () => {
    expect(fileName('attachment; filename="agents-2026-11-24.csv"')).toBe("agents-2026-11-24.csv");
    expect(fileName(null)).toBe("export.csv");
    expect(fileName('attachment; filename="../x"')).toBe("export.csv");
  });
  it("says why it ends before the list does", () => {
    expect(incompleteness("name,site\r\na,b\r\n# incomplete: the server was stopped,\r\n")).toBe("the server was stopped");
    expect(incompleteness('a,b\r\n"# incomplete: at most 100,000 rows; narrow the filter",\r\n')).toBe("at most 100,000 rows; narrow the filter");
    expect(incompleteness("name,site\r\na,b\r\n")).toBeUndefined();
    expect(incompleteness("# incomplete: no\r\na,b\r\n")).toBeUndefined();
  });
  it("is read whole, and tells how far it is", async () => {
    const seen: number[] = [];
    const answer = new Response("name\r\na\r\n", { headers: { "content-disposition": 'attachment; filename="x.csv"' } });
    const { name, file, incomplete } = await readExport(answer, (bytes) => seen.push(bytes));
    expect([name, await file.text(), incomplete, seen.at(-1)]).toEqual(["x.csv", "name\r\na\r\n", undefined, 9]);
  });
});
