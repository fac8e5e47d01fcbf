import { describe, expect, it } from "vitest";
import { defaultColumns, exportedColumns, keptColumns, shownColumns, withColumn } from "./columns";

const COLUMNS = [
  { id: "name", header: "Name", fixed: true },
  { id: "state", header: "State" },
  { id: "cpu", header: "CPU" },
  { id: "seen", header: "Last seen", off: true },
];
const ids = (columns: { id: string }[]) => columns.map(({ id }) => id);

describe("the choice of columns", () => {
  it("is the usual ones when nobody chose", () => {
    expect(ids(shownColumns(COLUMNS, undefined))).toEqual(["name", "state", "cpu"]);
    expect(defaultColumns(COLUMNS)).toEqual(["name", "state", "cpu"]);
  });
  it("keeps the order, keeps what is fixed and passes over what is gone", () =>
    expect(ids(shownColumns(COLUMNS, ["seen", "gone", "state"]))).toEqual(["name", "state", "seen"]));
  it("changes one column, and is no choice when it is the usual one again", () => {
    const more = withColumn(COLUMNS, undefined, "seen", true);
    expect(more).toEqual(["name", "state", "cpu", "seen"]);
    expect(withColumn(COLUMNS, more, "seen", false)).toBeUndefined();
  });
  it.each([undefined, null, [], [1], "name", {}])("%j is no choice", (kept) => expect(keptColumns(kept)).toBeUndefined());
});

describe("a file of a list", () => {
  it("has what is shown, each once", () => {
    expect(exportedColumns([{ exports: ["name"] }, {}, { exports: ["state", "name"] }])).toBe("name,state");
  });
  it("has all that the server knows where nothing is named", () => expect(exportedColumns([{}])).toBeUndefined());
});
