import { describe, expect, test } from "vitest";
import { type BandwidthRule, limitAt, ruleInWords, UNLIMITED } from "./bandwidth.ts";

const LESSONS: BandwidthRule = { days: [1, 2, 3, 4, 5], fromMinute: 450, toMinute: 1080, mbit: 100 };
const NIGHT: BandwidthRule = { days: [5], fromMinute: 22 * 60, toMinute: 6 * 60, mbit: 500 };
const rules = { rules: [LESSONS, NIGHT], timeZone: "Europe/Vienna" };

// 2026-11-24 is a Tuesday; Vienna is an hour ahead of UTC in November, two in July.
const CASES: readonly [string, string, number | null][] = [
  ["in a lesson", "2026-11-24T09:00:00Z", 100],
  ["its first minute", "2026-11-24T06:30:00Z", 100],
  ["the minute before", "2026-11-24T06:29:59Z", null],
  ["its end is not part of it", "2026-11-24T17:00:00Z", null],
  ["in summer an hour earlier by UTC", "2026-07-21T05:30:00Z", 100],
  ["at the weekend", "2026-11-28T09:00:00Z", null],
  ["Friday night", "2026-11-27T22:30:00Z", 500],
  ["after midnight it is still Friday's night", "2026-11-28T04:59:00Z", 500],
  ["it ends on Saturday morning", "2026-11-28T05:00:00Z", null],
  ["Saturday night has none", "2026-11-28T22:30:00Z", null],
];

describe("the limit at a moment", () => {
  for (const [what, at, limit] of CASES) {
    test(what, () => expect(limitAt(rules, new Date(at))).toBe(limit));
  }

  test("the strictest counts, and without rules there is none", () => {
    const strict = { ...LESSONS, fromMinute: 0, toMinute: 0, mbit: 20 };
    expect(limitAt({ ...rules, rules: [LESSONS, strict] }, new Date("2026-11-24T09:00:00Z"))).toBe(20);
    expect(limitAt(UNLIMITED, new Date())).toBeNull();
  });
});

test("a rule in words", () => {
  expect(ruleInWords(LESSONS)).toBe("Mon–Fri 07:30–18:00");
  expect(ruleInWords({ ...NIGHT, days: [6, 0], toMinute: 0 })).toBe("Sat and Sun 22:00–00:00");
  expect(ruleInWords({ ...NIGHT, days: [3, 1], fromMinute: 0, toMinute: 0 })).toBe("Mon, Wed all day");
});
