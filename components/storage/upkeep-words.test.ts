// The few words that stand for a whole report must not say more than it does.
import { expect, test } from "vitest";
import { type UpkeepFigures, upkeepResult } from "./upkeep-words.ts";

const MIB = 1024 * 1024;
const PLAN = { deadPackCount: 1, deadPackBytes: 25 * MIB, packBytes: 100 * MIB };
const GC = {
  kind: "gc",
  isPlan: false,
  isFinished: true,
  freedBytes: 3 * MIB,
  removedPackCount: 2,
  plan: PLAN,
} as const;
const SCRUB = {
  kind: "scrub",
  packCount: 9,
  checkedPackCount: 4,
  checkedBytes: MIB,
  uncheckedPackCount: 5,
} as const;

test.each<[UpkeepFigures, string]>([
  [
    { kind: "verify", snapshotCount: 1, checkedBytes: MIB, findings: [] },
    "1 snapshot, 1.00 MiB read, nothing wrong",
  ],
  [{ kind: "pin", reason: "the exam" }, "Pinned: the exam"],
  [{ kind: "pin", reason: null }, "No longer pinned"],
  [{ kind: "evaluate", rowCount: 36 }, "36 figures computed"],
  [{ ...SCRUB, findings: [1] }, "4 of 9 packs, 1.00 MiB read, 1 finding, 5 never looked at yet"],
  [GC, "3.00 MiB freed in 2 packs"],
  [{ ...GC, isFinished: false }, "3.00 MiB freed in 2 packs; there is more"],
  [{ ...GC, isPlan: true }, "Plan: 25.0 MiB (25.0 %) would be freed in 1 pack"],
  [
    { kind: "prune", decisions: [{ verdict: "keep" }, { verdict: "drop" }], removedIds: [] },
    "Plan: 1 of 2 snapshots would go",
  ],
  [
    { kind: "re-segment", packCount: 3, bytesBefore: 9 * MIB, bytesAfter: 7 * MIB, leftPackCount: 1 },
    "3 packs compressed anew: 9.00 MiB became 7.00 MiB; 1 pack left",
  ],
  [
    { kind: "re-segment", packCount: 0, bytesBefore: 0, bytesAfter: 0, leftPackCount: 0 },
    "Nothing compressed anew",
  ],
  [{ kind: "prune", decisions: [], removedIds: ["a"] }, "1 snapshot removed"],
])("%o", (figures, words) => {
  expect(upkeepResult(figures)).toBe(words);
});
