import { expect, it } from "vitest";
import { roomOf } from "./room";

it("counts at each width what the columns that are shown there take", () => {
  const room = roomOf([{ grow: 2 }, { width: 164 }, { grow: 3, from: 760 }, { width: 98, from: 960 }], 44);
  expect(room).toMatchObject({ "--fixed-0": "208px", "--grow-0": "2", "--fixed-760": "208px", "--grow-760": "5" });
  expect(room).toMatchObject({ "--fixed-960": "306px", "--grow-960": "5", "--fixed-1180": "306px", "--grow-1180": "5" });
});

it("takes no column for wider than it may be", () => {
  expect(roomOf([{ grow: 1 }, { width: 190 }], 0, 150)).toMatchObject({ "--fixed-0": "150px" });
});

it("leaves the rest to a column that asks for nothing", () => {
  expect(roomOf([{ grow: 2 }, {}], 0)).toBeUndefined();
});
