// What is worth rewriting, as tables: frames, packs, batches.
import { expect, test } from "vitest";
import { batchesOf, fateOf, isWorthRepacking, savedBytes } from "./repack-plan.ts";

test.each([
  [64, 0, "drop", 1000],
  [64, 1, "gather", 984],
  [64, 48, "gather", 250],
  [64, 49, "copy", 0],
  [64, 64, "copy", 0],
  [1, 1, "copy", 0],
  [1, 0, "drop", 1000],
])(
  "RP-1: of %i blocks %i are live: %s, which saves %i of 1000 bytes",
  (blockCount, liveCount, fate, saved) => {
    expect(fateOf({ blockCount, liveCount })).toBe(fate);
    expect(savedBytes({ encodedBytes: 1000, blockCount, liveCount })).toBe(saved);
  },
);

test.each([
  ["dead as a whole: it goes without being rewritten", { liveCount: 0, savedBytes: 1000 }, false],
  ["a quarter is saved", { liveCount: 9, savedBytes: 250 }, true],
  ["less than a quarter", { liveCount: 9, savedBytes: 249 }, false],
  ["nothing", { liveCount: 9, savedBytes: 0 }, false],
])("RP-1: a pack of 1000 bytes, %s", (_, counts, isWorth) => {
  expect(isWorthRepacking({ sizeBytes: 1000, ...counts })).toBe(isWorth);
});

test("RP-1: what was rewritten is not worth rewriting again until more has died", () => {
  for (let blockCount = 1; blockCount <= 64; blockCount++) {
    for (let liveCount = 1; liveCount <= blockCount; liveCount++) {
      // Gathered frames keep their live blocks only, copied ones all.
      const isGathered = fateOf({ blockCount, liveCount }) === "gather";
      const after = { encodedBytes: 1000, blockCount: isGathered ? liveCount : blockCount, liveCount };
      const saved = savedBytes(after);
      expect(isWorthRepacking({ sizeBytes: 1000, liveCount, savedBytes: saved })).toBe(false);
    }
  }
});

test("RP-4: batches fill one pack each, in order, within the budget, and one pack always", () => {
  const packs = [60, 30, 30, 10, 70, 5].map((keptBytes, index) => ({ index, sizeBytes: 100, keptBytes }));
  const indices = (batches: ReturnType<typeof batchesOf<(typeof packs)[number]>>) =>
    batches.map((batch) => batch.map(({ index }) => index));
  expect(indices(batchesOf(packs, 64))).toEqual([[0], [1, 2], [3], [4], [5]]);
  expect(indices(batchesOf(packs, 64, 350))).toEqual([[0], [1, 2]]);
  expect(indices(batchesOf(packs, 64, 1))).toEqual([[0]]);
  expect(batchesOf([], 64, 1)).toEqual([]);
});
