// The digest's words, from a night's facts.
import { describe, expect, test } from "vitest";
import { causesOf, type DigestFacts, type DigestRun, digestDue, digestText, digestTitle } from "./digest.ts";

const at = (text: string) => Date.parse(text);
const NONE = { succeeded: 0, failed: 0, skipped: 0, cancelled: 0 };
const run = (change: Partial<DigestRun> = {}): DigestRun => ({
  scheduleName: "LAB-A",
  plannedForMs: at("2026-11-28T01:00Z"),
  state: "succeeded",
  reason: null,
  beganAtMs: at("2026-11-28T01:00Z"),
  finishedAtMs: at("2026-11-28T01:40Z"),
  result: { ...NONE, succeeded: 15 },
  untouched: 0,
  failed: [],
  notTried: [],
  ...change,
});
const facts = (change: Partial<DigestFacts> = {}): DigestFacts => ({
  fromMs: at("2026-11-27T06:00Z"),
  toMs: at("2026-11-28T06:00Z"),
  timeZone: "Europe/Vienna",
  runs: [],
  otherJobs: [],
  storage: [],
  ...change,
});

describe("the title", () => {
  const cases = [
    ["nothing planned", [], "Sheepfold: nothing was planned"],
    ["all well", [run(), run()], "Sheepfold: all 2 runs succeeded"],
    ["some not", [run(), run({ state: "skipped" })], "Sheepfold: 1 of 2 runs did not succeed"],
  ] as const;
  for (const [name, runs, expected] of cases) {
    test(name, () => expect(digestTitle(facts({ runs }))).toBe(expected));
  }
});

test("the worst comes first, what did not run before what did, and causes with their PCs", () => {
  const text = digestText(
    facts({
      runs: [
        run(),
        run({
          scheduleName: "LAB-B",
          state: "partial",
          result: { ...NONE, succeeded: 1, failed: 2, skipped: 1 },
          failed: [{ code: "agent-lost", message: "fell silent", pcNames: ["pc-2", "pc-10"] }],
          notTried: [{ code: "node-offline", message: "not heard", pcNames: ["pc-3"] }],
          untouched: 4,
          reason: "2 of 3 PCs of wave 2 failed, more than 50 %; 4 PCs were not begun.",
        }),
        run({
          scheduleName: "LAB-C",
          state: "skipped",
          beganAtMs: null,
          finishedAtMs: null,
          reason: "Exams.",
          result: NONE,
        }),
      ],
      otherJobs: [
        { title: "Snapshot pc-9", state: "failed" },
        { title: "Verify", state: "succeeded" },
      ],
      storage: [
        { name: "Main", beforeBytes: 1024 ** 3, afterBytes: 1.5 * 1024 ** 3 },
        { name: "Old", beforeBytes: 5, afterBytes: 5 },
        { name: "New", beforeBytes: null, afterBytes: 2048 },
        { name: "Never measured", beforeBytes: null, afterBytes: null },
      ],
    }),
  );
  expect(
    text,
  ).toBe(`From Fri 27 Nov, 07:00 to Sat 28 Nov, 07:00 (Europe/Vienna): 16 of 18 PCs succeeded, 2 failed. 1 of 3 runs succeeded.

Did not run:
- LAB-C, planned Sat 28 Nov, 02:00: skipped. Exams.

Ran:
- LAB-B, Sat 28 Nov, 02:00–02:40: partial, 1 of 3 PCs succeeded, 1 not tried, 4 not begun. 2 of 3 PCs of wave 2 failed, more than 50 %; 4 PCs were not begun.
    failed: 2 × agent-lost (pc-2, pc-10): fell silent
    not tried: 1 × node-offline (pc-3): not heard
- LAB-A, Sat 28 Nov, 02:00–02:40: succeeded, 15 of 15 PCs succeeded.

Started by people:
- 1 succeeded, 1 failed
    failed: Snapshot pc-9

Storage:
- Main grew by 512 MiB to 1.50 GiB
- Old unchanged at 5 B
- New: 2.00 KiB
`);
});

test("PCs that say the same of themselves share one cause", () => {
  const causes = causesOf([
    { name: "pc-10", code: "node-offline", message: "pc-10 is not heard." },
    { name: "pc-2", code: "node-offline", message: "pc-2 is not heard." },
    { name: "pc-3", code: "disk-mismatch", message: "other disk" },
  ]);
  expect(causes).toEqual([
    { code: "node-offline", message: "… is not heard.", pcNames: ["pc-2", "pc-10"] },
    { code: "disk-mismatch", message: "other disk", pcNames: ["pc-3"] },
  ]);
});

describe("when it is due", () => {
  const time = { atMinute: 7 * 60, timeZone: "Europe/Vienna", sinceMs: at("2026-06-01T00:00Z") };
  const cases = [
    ["before its hour", null, "2026-11-28T05:59Z", null],
    ["at its hour", null, "2026-11-28T06:00Z", "2026-11-28"],
    ["made already", "2026-11-28", "2026-11-28T09:00Z", null],
    ["hours late, because the server was down", "2026-11-27", "2026-11-28T15:00Z", "2026-11-28"],
    ["in summer by the wall clock", null, "2026-07-01T05:00Z", "2026-07-01"],
  ] as const;
  for (const [name, last, now, expected] of cases) {
    test(name, () => expect(digestDue(time, last, at(now))).toBe(expected));
  }

  test("switched on in the afternoon, the first is the next morning's", () => {
    const chosen = { ...time, sinceMs: at("2026-11-28T15:00Z") };
    expect(digestDue(chosen, null, at("2026-11-28T15:00:01Z"))).toBeNull();
    expect(digestDue(chosen, null, at("2026-11-29T06:00:01Z"))).toBe("2026-11-29");
  });
});
