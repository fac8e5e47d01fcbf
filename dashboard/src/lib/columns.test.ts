import { describe, expect, it } from "vitest";
import { choiceNamed, columnNames, exportedColumns, keptChoice, shownColumns, withColumn } from "./columns";

const NAME = { id: "name", header: "Name", fixed: true };
const PLACE = { id: "place", header: "Place", scoped: true };
const CPU = { id: "cpu", header: "CPU" };
const SEEN = { id: "seen", header: "Last seen", off: true };
const COLUMNS = [NAME, PLACE, CPU, SEEN];
/** Those of one site, where the place is the same in every row. */
const AT_A_SITE = [NAME, CPU, SEEN];
const ids = (columns: { id: string }[]) => columns.map(({ id }) => id);

describe("the choice of columns", () => {
  it("is the usual ones when nobody chose", () => expect(ids(shownColumns(COLUMNS, undefined))).toEqual(["name", "place", "cpu"]));
  it("keeps the order, keeps what is fixed and passes over what is gone", () =>
    expect(ids(shownColumns(COLUMNS, { added: ["seen", "gone"], removed: ["name", "cpu"] }))).toEqual(["name", "place", "seen"]));
  it("changes one column, and is no choice when it is the usual one again", () => {
    const more = withColumn(undefined, SEEN, true);
    expect(more).toEqual({ added: ["seen"], removed: [] });
    const less = withColumn(more, CPU, false);
    expect(less).toEqual({ added: ["seen"], removed: ["cpu"] });
    expect(withColumn(withColumn(less, CPU, true), SEEN, false)).toBeUndefined();
  });
  it("says nothing about columns of another scope, nor of a later version", () => {
    const atSite = withColumn(undefined, CPU, false);
    expect(ids(shownColumns(AT_A_SITE, atSite))).toEqual(["name"]);
    expect(ids(shownColumns([...COLUMNS, { id: "patches", header: "Patches" }], atSite))).toEqual(["name", "place", "patches"]);
    expect(withColumn({ added: ["later"], removed: ["cpu"] }, CPU, true)).toEqual({ added: ["later"], removed: [] });
  });
  it("is kept as it is", () => {
    const chosen = { added: ["seen"], removed: ["cpu"] };
    expect(keptChoice(JSON.parse(JSON.stringify(chosen)), COLUMNS)).toEqual(chosen);
  });
  it("is read where it was kept as a list of what was shown", () => {
    expect(keptChoice(["name", "seen"], COLUMNS)).toEqual({ added: ["seen"], removed: ["cpu"] });
    expect(keptChoice(["name", "cpu"], AT_A_SITE)).toBeUndefined();
  });
  it.each([undefined, null, [], [1], "name", {}, { added: [] }, { added: [], removed: [1] }, { added: [], removed: [] }])("%j is no choice", (kept) =>
    expect(keptChoice(kept, COLUMNS)).toBeUndefined(),
  );
});

describe("the columns of a saved view", () => {
  it("are never nothing, so that the usual ones can be saved", () => {
    expect(columnNames(undefined)).toEqual(["usual"]);
    expect(choiceNamed(["usual"], COLUMNS)).toBeUndefined();
  });
  it("are the same names in whatever order they were chosen", () => {
    const names = columnNames({ added: ["seen", "role"], removed: ["cpu"] });
    expect(names).toEqual(["usual", "+role", "+seen", "-cpu"]);
    expect(columnNames(choiceNamed(names, COLUMNS))).toEqual(names);
  });
  it("are read where they were saved as a list of what was shown", () =>
    expect(choiceNamed(["name", "place", "seen"], COLUMNS)).toEqual({ added: ["seen"], removed: ["cpu"] }));
});

describe("a file of a list", () => {
  it("has what is shown, each once", () => {
    expect(exportedColumns([{ exports: ["name"] }, {}, { exports: ["state", "name"] }])).toBe("name,state");
  });
  it("has all that the server knows where nothing is named", () => expect(exportedColumns([{}])).toBeUndefined());
});
