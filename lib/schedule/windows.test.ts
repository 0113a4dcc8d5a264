// Windows across midnight and across changes of the clock, blackouts within them, and what that means for a run.
import { describe, expect, test } from "vitest";
import type { Blackout, MaintenanceWindow } from "#lib/model/calendar.ts";
import { gateAt, openSpans, rulesFor } from "./windows.ts";
import { momentOf } from "./zone.ts";

const at = (text: string) => Date.parse(text);
const VIENNA = "Europe/Vienna";

const window = (change: Partial<MaintenanceWindow> = {}): MaintenanceWindow => ({
  id: "window_1",
  groupId: null,
  days: [0, 1, 2, 3, 4, 5, 6],
  fromMinute: 22 * 60,
  toMinute: 6 * 60,
  timeZone: VIENNA,
  ...change,
});
const blackout = (from: string, to: string, change: Partial<Blackout> = {}): Blackout => ({
  id: "blackout_1",
  groupId: null,
  from,
  to,
  reason: "Exams",
  source: null,
  ...change,
});
const spansOf = (windows: MaintenanceWindow[], blackouts: Blackout[], from: string, to: string) =>
  openSpans({ windows, blackouts }, at(from), at(to)).map(({ fromMs, toMs }) =>
    [fromMs, toMs].map((ms) => new Date(ms).toISOString().slice(5, 16)),
  );

describe("wall clocks", () => {
  const cases = [
    ["an hour that is missing is the moment of the jump", 2027, 3, 28, 150, "2027-03-28T01:00Z"],
    ["an hour that comes twice is its first", 2026, 10, 25, 150, "2026-10-25T00:30Z"],
    ["minutes beyond the day are the next day's", 2026, 11, 28, 26 * 60, "2026-11-29T01:00Z"],
    ["an ordinary summer's noon", 2026, 7, 1, 720, "2026-07-01T10:00Z"],
  ] as const;
  for (const [name, year, month, day, minute, expected] of cases) {
    test(name, () => expect(momentOf({ year, month, day }, minute, VIENNA)).toBe(at(expected)));
  }
});

describe("open spans", () => {
  test("a window across midnight belongs to the day it begins on", () => {
    expect(spansOf([window({ days: [5] })], [], "2026-11-26T00:00Z", "2026-12-01T00:00Z")).toEqual([
      ["11-27T21:00", "11-28T05:00"],
    ]);
  });

  test("of a window that began before, what is left of it counts", () => {
    expect(spansOf([window({ days: [5] })], [], "2026-11-28T02:00Z", "2026-11-29T00:00Z")).toEqual([
      ["11-27T21:00", "11-28T05:00"],
    ]);
  });

  test("the night clocks are put forward is an hour shorter, the other an hour longer", () => {
    const hours = (from: string, to: string) =>
      openSpans({ windows: [window()], blackouts: [] }, at(from), at(to)).map(
        (span) => (span.toMs - span.fromMs) / 3600_000,
      );
    expect(hours("2027-03-27T12:00Z", "2027-03-28T12:00Z")).toEqual([7]);
    expect(hours("2026-10-24T12:00Z", "2026-10-25T12:00Z")).toEqual([9]);
  });

  test("windows that touch or overlap are one", () => {
    const evening = window({ fromMinute: 20 * 60, toMinute: 22 * 60, timeZone: "UTC" });
    const night = window({ timeZone: "UTC", days: [1] });
    expect(spansOf([evening, night], [], "2026-11-30T12:00Z", "2026-12-01T12:00Z")).toEqual([
      ["11-30T20:00", "12-01T06:00"],
    ]);
  });

  test("from equal to until is a whole day", () => {
    const allDay = window({ fromMinute: 0, toMinute: 0, timeZone: "UTC", days: [0] });
    expect(spansOf([allDay], [], "2026-11-28T12:00Z", "2026-12-02T00:00Z")).toEqual([
      ["11-29T00:00", "11-30T00:00"],
    ]);
  });

  test("a blackout cuts a window in two", () => {
    const exams = blackout("2026-11-28T00:00Z", "2026-11-28T01:00Z");
    expect(spansOf([window({ days: [5] })], [exams], "2026-11-27T12:00Z", "2026-11-28T12:00Z")).toEqual([
      ["11-27T21:00", "11-28T00:00"],
      ["11-28T01:00", "11-28T05:00"],
    ]);
  });
});

describe("the gate", () => {
  const rules = (windows: MaintenanceWindow[], blackouts: Blackout[] = []) => [{ windows, blackouts }];

  test("without any window it is open, for as long as one likes", () => {
    expect(gateAt(rules([]), at("2026-11-28T12:00Z"))).toEqual({ open: true, untilMs: null });
  });

  test("inside a window it is open until the window's end, or the next blackout", () => {
    const now = at("2026-11-28T02:00Z");
    expect(gateAt(rules([window()]), now)).toEqual({ open: true, untilMs: at("2026-11-28T05:00Z") });
    const exams = blackout("2026-11-28T03:00Z", "2026-11-28T12:00Z");
    expect(gateAt(rules([window()], [exams]), now)).toEqual({ open: true, untilMs: at("2026-11-28T03:00Z") });
  });

  test("at the very end it is closed, at the very beginning open", () => {
    expect(gateAt(rules([window()]), at("2026-11-28T05:00Z")).open).toBe(false);
    expect(gateAt(rules([window()]), at("2026-11-28T21:00Z")).open).toBe(true);
  });

  test("closed, it says until when and why", () => {
    const exams = blackout("2026-11-28T00:00Z", "2026-11-29T01:00Z");
    expect(gateAt(rules([window()], [exams]), at("2026-11-28T12:00Z"))).toEqual({
      open: false,
      opensAtMs: at("2026-11-29T01:00Z"),
      reason: "Nothing may begin: Exams; the next opens Sun 29 Nov, 02:00 (Europe/Vienna).",
    });
  });

  test("work on two classrooms waits until both are open", () => {
    const late = window({ fromMinute: 60, toMinute: 240 });
    const both = [...rules([window()]), ...rules([late])];
    expect(gateAt(both, at("2026-11-28T22:00Z"))).toMatchObject({
      open: false,
      opensAtMs: at("2026-11-29T00:00Z"),
    });
  });
});

test("a classroom's own windows take the place of those for all; blackouts of both hold", () => {
  const own = window({ id: "window_2", groupId: "group_1" });
  const all = {
    windows: [window(), own],
    blackouts: [
      blackout("2026-11-28T00:00Z", "2026-11-28T01:00Z"),
      blackout("2026-11-29T00:00Z", "2026-11-29T01:00Z", { groupId: "group_1" }),
      blackout("2026-11-30T00:00Z", "2026-11-30T01:00Z", { groupId: "group_2" }),
    ],
  };
  expect(rulesFor(all, "group_1").windows).toEqual([own]);
  expect(rulesFor(all, "group_1").blackouts).toHaveLength(2);
  expect(rulesFor(all, "group_3").windows).toEqual([all.windows[0]]);
  expect(rulesFor(all, null).blackouts).toHaveLength(1);
});
