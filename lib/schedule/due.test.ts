// What a schedule does when its moment has come, in time or long after.
import { expect, test } from "vitest";
import { decideDue } from "./due.ts";

const at = (text: string) => Date.parse(text);
const nightly = {
  cron: "0 2 * * *",
  timeZone: "UTC",
  enabled: true,
  nextRunAt: "2026-11-28T02:00:00.000Z",
  whenMissed: "run-once-when-back",
} as const;

const cases = [
  ["a second early: nothing is due", nightly, "2026-11-28T01:59:59Z", null],
  ["disabled: nothing is due", { ...nightly, enabled: false }, "2026-11-28T03:00Z", null],
  [
    "in time",
    nightly,
    "2026-11-28T02:00:01Z",
    { plannedFor: "2026-11-28T02:00Z", next: "2026-11-29T02:00Z", skipped: false, remark: false },
  ],
  [
    "a few minutes late is in time, by either rule",
    { ...nightly, whenMissed: "skip" },
    "2026-11-28T02:09Z",
    { plannedFor: "2026-11-28T02:00Z", next: "2026-11-29T02:00Z", skipped: false, remark: false },
  ],
  [
    "three nights missed, run once when back: one run, for the last of them",
    nightly,
    "2026-11-30T08:00Z",
    { plannedFor: "2026-11-30T02:00Z", next: "2026-12-01T02:00Z", skipped: false, remark: true },
  ],
  [
    "three nights missed, skip: one run that says so",
    { ...nightly, whenMissed: "skip" },
    "2026-11-30T08:00Z",
    { plannedFor: "2026-11-30T02:00Z", next: "2026-12-01T02:00Z", skipped: true, remark: true },
  ],
  [
    "nights missed, but back in time for this one: it runs by either rule",
    { ...nightly, whenMissed: "skip" },
    "2026-11-30T02:00:05Z",
    { plannedFor: "2026-11-30T02:00Z", next: "2026-12-01T02:00Z", skipped: false, remark: true },
  ],
] as const;
for (const [name, schedule, now, expected] of cases) {
  test(name, () => {
    const due = decideDue(schedule, at(now));
    if (expected === null) return expect(due).toBeNull();
    expect(due).toMatchObject({ plannedForMs: at(expected.plannedFor), nextRunAtMs: at(expected.next) });
    expect(due?.skippedBecause !== null).toBe(expected.skipped);
    expect(due?.remark !== null).toBe(expected.remark);
  });
}
