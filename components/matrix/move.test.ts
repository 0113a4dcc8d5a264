import { expect, test } from "vitest";
import { positionAfterKey } from "./move.ts";

const size = { rows: 3, columns: 4 };
const cases = [
  { key: "ArrowLeft", at: [0, 0], to: [0, -1] },
  { key: "ArrowLeft", at: [0, -1], to: [0, -1] },
  { key: "ArrowRight", at: [1, 3], to: [1, 3] },
  { key: "ArrowUp", at: [0, 2], to: [-1, 2] },
  { key: "ArrowUp", at: [0, -1], to: [-1, 0] },
  { key: "ArrowDown", at: [2, 2], to: [2, 2] },
  { key: "PageDown", at: [0, 1], to: [2, 1] },
  { key: "Home", at: [1, 2], to: [1, -1] },
  { key: "End", at: [1, 0], to: [1, 3] },
] as const;

for (const { key, at, to } of cases) {
  test(`${key} from row ${at[0]}, column ${at[1]}`, () => {
    const after = positionAfterKey(key, false, { row: at[0], column: at[1] }, size);
    expect(after).toEqual({ row: to[0], column: to[1] });
  });
}

test("with Control, Home and End lead to the corners", () => {
  expect(positionAfterKey("Home", true, { row: 2, column: 3 }, size)).toEqual({ row: 0, column: 0 });
  expect(positionAfterKey("End", true, { row: 0, column: 0 }, size)).toEqual({ row: 2, column: 3 });
});

test("other keys are left to the browser", () => {
  expect(positionAfterKey("a", false, { row: 0, column: 0 }, size)).toBeNull();
});
