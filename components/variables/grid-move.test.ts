import { describe, expect, test } from "vitest";
import { caretOf, positionAfterKey } from "./grid-move.ts";

const SIZE = { rows: 3, columns: 4 };
const plain = (key: string) => ({ key, withShift: false, withControl: false });
const shift = (key: string) => ({ ...plain(key), withShift: true });
const control = (key: string) => ({ ...plain(key), withControl: true });

const CASES = [
  { key: plain("Enter"), at: [0, 2], to: [1, 2] },
  { key: plain("Enter"), at: [2, 2], to: [2, 2] },
  { key: shift("Enter"), at: [1, 2], to: [0, 2] },
  { key: plain("Tab"), at: [0, 1], to: [0, 2] },
  { key: plain("Tab"), at: [0, 3], to: [1, 0] },
  { key: shift("Tab"), at: [1, 0], to: [0, 3] },
  { key: plain("ArrowDown"), at: [1, 1], to: [2, 1] },
  { key: plain("ArrowUp"), at: [0, 1], to: [0, 1] },
  { key: plain("ArrowRight"), at: [0, 1], to: [0, 2] },
  { key: plain("ArrowRight"), at: [0, 3], to: [0, 3] },
  { key: plain("ArrowLeft"), at: [0, 1], to: [0, 0] },
  { key: plain("PageDown"), at: [0, 1], to: [2, 1] },
  { key: plain("PageUp"), at: [2, 1], to: [0, 1] },
  { key: control("Home"), at: [2, 3], to: [0, 0] },
  { key: control("End"), at: [0, 0], to: [2, 3] },
] as const;

for (const { key, at, to } of CASES) {
  const words = `${key.withShift ? "Shift+" : ""}${key.withControl ? "Control+" : ""}${key.key}`;
  test(`${words} from row ${at[0]}, column ${at[1]}`, () => {
    const after = positionAfterKey(key, "all", { row: at[0], column: at[1] }, SIZE);
    expect(after).toEqual({ row: to[0], column: to[1] });
  });
}

describe("left to the browser", () => {
  test("Tab beyond the last cell and before the first, so that nobody is held in the grid", () => {
    expect(positionAfterKey(plain("Tab"), "all", { row: 2, column: 3 }, SIZE)).toBeNull();
    expect(positionAfterKey(shift("Tab"), "all", { row: 0, column: 0 }, SIZE)).toBeNull();
  });
  test("arrows inside a text, and those that select", () => {
    const at = { row: 1, column: 1 };
    expect(positionAfterKey(plain("ArrowLeft"), "inside", at, SIZE)).toBeNull();
    expect(positionAfterKey(plain("ArrowLeft"), "end", at, SIZE)).toBeNull();
    expect(positionAfterKey(plain("ArrowRight"), "start", at, SIZE)).toBeNull();
    expect(positionAfterKey(shift("ArrowRight"), "end", at, SIZE)).toBeNull();
    expect(positionAfterKey(plain("ArrowLeft"), "start", at, SIZE)).toEqual({ row: 1, column: 0 });
    expect(positionAfterKey(plain("ArrowRight"), "end", at, SIZE)).toEqual({ row: 1, column: 2 });
  });
  test("what is typed", () => {
    for (const key of ["a", " ", "Delete", "Home", "End", "F2"])
      expect(positionAfterKey(plain(key), "all", { row: 0, column: 0 }, SIZE)).toBeNull();
  });
});

test("the caret's place", () => {
  expect(caretOf(0, 0, 0)).toBe("all");
  expect(caretOf(3, 0, 3)).toBe("all");
  expect(caretOf(3, 0, 0)).toBe("start");
  expect(caretOf(3, 3, 3)).toBe("end");
  expect(caretOf(3, 1, 1)).toBe("inside");
  expect(caretOf(3, 0, 2)).toBe("inside");
});
