// Canary, then waves: from what became of those before, what the next deed is.
import { describe, expect, test } from "vitest";
import type { WaveResult } from "#lib/model/wave-result.ts";
import { decideNext, inTurn, type RunProgress, type Wave } from "./waves.ts";

const TEN = Array.from({ length: 10 }, (_, index) => `n${index}`);
const result = (change: Partial<WaveResult>): WaveResult => ({
  succeeded: 0,
  failed: 0,
  skipped: 0,
  cancelled: 0,
  ...change,
});
const wave = (from: number, count: number, of: Partial<WaveResult> | null): Wave => ({
  nodeIds: TEN.slice(from, from + count),
  result: of === null ? null : result(of),
});
const run = (change: Partial<RunProgress>): RunProgress => ({
  nodeIds: TEN,
  policy: { canaryCount: 2, waveSize: 4, failPercentMax: 25 },
  waves: [],
  stopBecause: null,
  ...change,
});

const cases: readonly (readonly [string, RunProgress, object])[] = [
  ["nothing begun: the canaries", run({}), { deed: "begin", index: 0, nodeIds: TEN.slice(0, 2) }],
  [
    "no canaries: the first wave",
    run({ policy: { canaryCount: 0, waveSize: 4, failPercentMax: 25 } }),
    { deed: "begin", index: 0, nodeIds: TEN.slice(0, 4) },
  ],
  [
    "neither canaries nor waves: all at once",
    run({ policy: { canaryCount: 0, waveSize: 0, failPercentMax: 100 } }),
    { deed: "begin", index: 0, nodeIds: TEN },
  ],
  ["canaries under way: wait", run({ waves: [wave(0, 2, null)] }), { deed: "wait" }],
  [
    "canaries good: a wave",
    run({ waves: [wave(0, 2, { succeeded: 2 })] }),
    { deed: "begin", index: 1, nodeIds: TEN.slice(2, 6) },
  ],
  [
    "a canary failed: stop, with the reason",
    run({ waves: [wave(0, 2, { succeeded: 1, failed: 1 })] }),
    {
      deed: "end",
      state: "partial",
      reason: "1 of 2 canaries failed, more than 25 %; 8 PCs were not begun.",
    },
  ],
  [
    "all canaries failed: the run failed",
    run({ waves: [wave(0, 2, { failed: 2 })] }),
    { deed: "end", state: "failed", reason: "2 of 2 canaries failed, more than 25 %; 8 PCs were not begun." },
  ],
  [
    "canaries were off: the next are canaries, too",
    run({ waves: [wave(0, 2, { skipped: 2 })] }),
    { deed: "begin", index: 1, nodeIds: TEN.slice(2, 4) },
  ],
  [
    "exactly as many failures as allowed: go on",
    run({ waves: [wave(0, 2, { succeeded: 2 }), wave(2, 4, { succeeded: 3, failed: 1 })] }),
    { deed: "begin", index: 2, nodeIds: TEN.slice(6) },
  ],
  [
    "one more than allowed in a wave: stop",
    run({ waves: [wave(0, 2, { succeeded: 2 }), wave(2, 4, { succeeded: 2, failed: 2 })] }),
    {
      deed: "end",
      state: "partial",
      reason: "2 of 4 PCs of wave 2 failed, more than 25 %; 4 PCs were not begun.",
    },
  ],
  [
    "those that were off do not thin out the failures",
    run({ waves: [wave(0, 2, { succeeded: 2 }), wave(2, 4, { failed: 1, skipped: 3 })] }),
    {
      deed: "end",
      state: "partial",
      reason: "1 of 1 PCs of wave 2 failed, more than 25 %; 4 PCs were not begun.",
    },
  ],
  [
    "the last wave failed: there is nothing left to stop",
    run({ waves: [wave(0, 2, { succeeded: 2 }), wave(2, 8, { failed: 8 })] }),
    { deed: "end", state: "partial", reason: null },
  ],
  [
    "the window ended: no other begins",
    run({ waves: [wave(0, 2, { succeeded: 2 })], stopBecause: "The window ended Sat 28 Nov, 06:00" }),
    { deed: "end", state: "partial", reason: "The window ended Sat 28 Nov, 06:00; 8 PCs were not begun." },
  ],
  [
    "the window ended before anybody began: cancelled",
    run({ stopBecause: "The window ended" }),
    { deed: "end", state: "cancelled", reason: "The window ended; 10 PCs were not begun." },
  ],
  [
    "all well",
    run({ waves: [wave(0, 10, { succeeded: 10 })] }),
    { deed: "end", state: "succeeded", reason: null },
  ],
  [
    "all well but for those that were off: succeeded, and the digest names them",
    run({ waves: [wave(0, 10, { succeeded: 9, skipped: 1 })] }),
    { deed: "end", state: "succeeded", reason: null },
  ],
  [
    "all were off",
    run({ waves: [wave(0, 10, { skipped: 10 })] }),
    { deed: "end", state: "skipped", reason: null },
  ],
  ["an empty classroom", run({ nodeIds: [] }), { deed: "end", state: "skipped", reason: null }],
];

describe("the next deed", () => {
  for (const [name, progress, expected] of cases) {
    test(name, () => expect(decideNext(progress)).toEqual(expected));
  }

  test("whatever happens, no PC begins twice and every run ends", () => {
    for (let seed = 1; seed <= 200; seed += 1) {
      let state = seed;
      const chance = (below: number) => {
        state = (state * 48_271) % 2_147_483_647;
        return state % below;
      };
      const policy = { canaryCount: chance(4), waveSize: chance(5), failPercentMax: chance(101) };
      const waves: Wave[] = [];
      for (let step = 0; ; step += 1) {
        expect(step).toBeLessThan(30);
        const next = decideNext(run({ policy, waves }));
        if (next.deed !== "begin") break;
        const failed = chance(next.nodeIds.length + 1);
        waves.push({
          nodeIds: next.nodeIds,
          result: result({ failed, succeeded: next.nodeIds.length - failed }),
        });
      }
      const begun = waves.flatMap(({ nodeIds }) => nodeIds);
      expect(new Set(begun).size).toBe(begun.length);
    }
  });
});

test("PCs that are heard of go first, then by name as people count", () => {
  const node = (name: string, online: boolean) => ({ id: name, name, online });
  expect(inTurn([node("pc-10", true), node("pc-1", false), node("pc-2", true)])).toEqual([
    "pc-2",
    "pc-10",
    "pc-1",
  ]);
});
