// Which technique, compression and base an archive gets, and what is refused beforehand.
import { expect, test } from "vitest";
import { archiveChoiceOf, checkArchiveWords } from "./archive-choice.ts";

const USUAL = { technique: "repository", compression: { codec: "zstd", level: 3 } } as const;

test("a wish's words win over the repository's choice, each by itself", () => {
  expect(archiveChoiceOf({}, USUAL)).toEqual(USUAL);
  expect(archiveChoiceOf({ technique: "full" }, USUAL)).toEqual({ ...USUAL, technique: "full" });
  const compressed = archiveChoiceOf({ compression: "gzip:9", base: "first" }, USUAL);
  expect(compressed).toEqual({ ...USUAL, compression: { codec: "gzip", level: 9 } });
  expect(archiveChoiceOf({ base: "first" }, { ...USUAL, technique: "diff" }).base).toBe("first");
});

test("words of another version are left to the repository's choice; without one, to the engine", () => {
  expect(archiveChoiceOf({ technique: "chunks", compression: "brotli", base: 7 }, USUAL)).toEqual(USUAL);
  expect(archiveChoiceOf({ technique: null, compression: null, base: null }, null)).toEqual({});
});

test.each([
  [{ technique: "chunks" }, /no technique "chunks"/],
  [{ compression: "zstd:20" }, /no compression "zstd:20"/],
  [{ technique: "full", base: "first" }, /base does not fit the technique full/],
  [{ base: "first" }, /base does not fit the technique of the repository/],
])("%o is refused", (words, message) => {
  expect(() => checkArchiveWords(words)).toThrow(message);
});

test("what is accepted is stored in one spelling", () => {
  expect(checkArchiveWords({ technique: "diff", compression: " gzip:6", base: "previous" })).toEqual({
    technique: "diff",
    compression: "gzip",
    base: "previous",
  });
  expect(checkArchiveWords({})).toEqual({ technique: null, compression: null, base: null });
});
