// What a list of changed ranges may look like, and what is refused.
import { expect, test } from "vitest";
import { parseChangedRanges } from "./changed-ranges.ts";

const expected = [
  { offsetBytes: 0, lengthBytes: 4096 },
  { offsetBytes: 1048576, lengthBytes: 512 },
];

test("lines, with comments and empty lines, and JSON in three shapes say the same", () => {
  expect(parseChangedRanges("# from dm-era\n0 4096\n\n 1048576\t512 \r\n", "f")).toEqual({
    ranges: expected,
  });
  expect(parseChangedRanges("[[0, 4096], [1048576, 512]]", "f").ranges).toEqual(expected);
  const objects = '[{"offset": 0, "length": 4096}, {"offset": 1048576, "length": 512}]';
  expect(parseChangedRanges(objects, "f").ranges).toEqual(expected);
  expect(parseChangedRanges(`{"since": "snap_1", "ranges": ${objects}}`, "f")).toEqual({
    ranges: expected,
    since: "snap_1",
  });
});

test("an empty file says that nothing changed", () => {
  expect(parseChangedRanges("", "f").ranges).toEqual([]);
  expect(parseChangedRanges("[]", "f").ranges).toEqual([]);
});

for (const text of [
  "0",
  "0 1 2",
  "0x10 5",
  "-1 5",
  "a b",
  "0 1\nx",
  "[1, 2]",
  "[[1]]",
  "[[1, 2, 3]]",
  '[["1", 2]]',
  "{}",
  "{",
  '{"ranges": 7}',
  '{"ranges": [], "since": 7}',
  "[null]",
]) {
  test(`${JSON.stringify(text)} is refused by name`, () => {
    expect(() => parseChangedRanges(text, "list.txt")).toThrow(/list\.txt/);
  });
}
