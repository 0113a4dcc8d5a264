// What a person may type as a number, and what is refused rather than guessed.
import { expect, test } from "vitest";
import { parseByteCount, parseCount } from "./numbers.ts";

test.each([
  ["4096", 4096],
  ["512k", 512 * 1024],
  ["10G", 10 * 2 ** 30],
  ["1 GiB", 2 ** 30],
  ["2TB", 2 ** 41],
])("%s is %d bytes", (text, bytes) => {
  expect(parseByteCount(text)).toBe(bytes);
});

test.each(["", "0", "-1", "1.5G", "ten", "10X", "99999999999999999999"])("%j is no size", (text) => {
  expect(() => parseByteCount(text)).toThrow(/bytes/);
});

test("counts are whole and not negative", () => {
  expect(parseCount("0")).toBe(0);
  expect(parseCount(" 7 ")).toBe(7);
  for (const text of ["", "-1", "1.5", "1e3", "x"]) expect(() => parseCount(text)).toThrow(/whole number/);
});
