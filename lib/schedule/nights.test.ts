// The coming nights: what is planned in each, whether it begins, and whether it will be done by the end of its window.
import { expect, test } from "vitest";
import type { MaintenanceWindow } from "#lib/model/calendar.ts";
import { type NightSchedule, planNights } from "./nights.ts";

const at = (text: string) => Date.parse(text);
const night: MaintenanceWindow = {
  id: "window_1",
  groupId: null,
  days: [1, 2, 3, 4, 5],
  fromMinute: 22 * 60,
  toMinute: 5 * 60,
  timeZone: "UTC",
};
const rules = [{ windows: [night], blackouts: [] }];
const schedule = (change: Partial<NightSchedule["schedule"]> = {}): NightSchedule["schedule"] => ({
  id: "sched_1",
  name: "Snapshot",
  kind: "snapshot",
  cron: "0 2 * * *",
  timeZone: "UTC",
  enabled: true,
  whenClosed: "wait",
  ...change,
});
const plan = (schedules: NightSchedule[], nowText = "2026-11-27T15:00Z") =>
  planNights(
    { schedules, places: [{ name: "LAB-A", windows: [night] }], blackouts: [], timeZone: "UTC" },
    at(nowText),
    4,
  );

test("nights go from noon to noon and are named after their morning", () => {
  expect(plan([]).map(({ day }) => day)).toEqual(["2026-11-28", "2026-11-29", "2026-11-30", "2026-12-01"]);
  expect(plan([], "2026-11-28T08:00Z")[0]?.day).toBe("2026-11-28");
});

test("a run in its window begins at once and is forecast against the window's end", () => {
  const forecast = { seconds: 4 * 3600, runCount: 3 };
  const [first] = plan([{ schedule: schedule(), rules, forecast }]);
  expect(first?.open[0]?.spans).toHaveLength(1);
  expect(first?.runs).toMatchObject([
    {
      beginsAtMs: at("2026-11-28T02:00Z"),
      endsAtMs: at("2026-11-28T06:00Z"),
      overrunSeconds: 3600,
      because: null,
    },
  ]);
});

test("outside a window it waits for the next one, unless its own next run comes first", () => {
  const daily = plan([{ schedule: schedule(), rules, forecast: null }]);
  expect(daily[1]?.runs).toMatchObject([{ beginsAtMs: null, because: expect.stringContaining("30 Nov") }]);
  const weekly = plan([{ schedule: schedule({ cron: "0 2 * * 0" }), rules, forecast: null }]);
  expect(weekly[1]?.runs).toMatchObject([{ beginsAtMs: at("2026-11-30T22:00Z") }]);
});

test("what is skipped by rule does not begin, what is disabled is not there, what comes hourly is cut short", () => {
  const skip = plan([
    { schedule: schedule({ whenClosed: "skip", cron: "0 2 * * 0" }), rules, forecast: null },
  ]);
  expect(skip[1]?.runs).toMatchObject([{ beginsAtMs: null }]);
  expect(plan([{ schedule: schedule({ enabled: false }), rules, forecast: null }])[0]?.runs).toEqual([]);
  const hourly = plan([{ schedule: schedule({ cron: "0 * * * *" }), rules: [], forecast: null }]);
  expect(hourly[1]?.runs).toHaveLength(4);
  expect(hourly[1]?.more).toBe(20);
});
