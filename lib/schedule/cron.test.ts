// Planned moments in time zones, on the nights when clocks change in both directions.
import { describe, expect, test } from "vitest";
import { checkRhythm, lastRun, nextRuns, runsInWords } from "./cron.ts";

const at = (text: string) => Date.parse(text);
const VIENNA = "Europe/Vienna";

describe("next runs", () => {
  const cases = [
    ["winter time", "0 2 * * *", VIENNA, "2026-11-28T12:00Z", ["2026-11-29T01:00Z", "2026-11-30T01:00Z"]],
    ["summer time", "0 2 * * *", VIENNA, "2026-07-01T12:00Z", ["2026-07-02T00:00Z", "2026-07-03T00:00Z"]],
    [
      "clocks put forward: the hour that is missing is run an hour later, once",
      "30 2 * * *",
      VIENNA,
      "2027-03-27T12:00Z",
      ["2027-03-28T01:30Z", "2027-03-29T00:30Z"],
    ],
    [
      "clocks put back: the hour that comes twice is run once",
      "30 2 * * *",
      VIENNA,
      "2026-10-24T12:00Z",
      ["2026-10-25T00:30Z", "2026-10-26T01:30Z"],
    ],
    [
      "southern half of the world, put forward in October",
      "30 2 * * *",
      "Australia/Sydney",
      "2026-10-03T12:00Z",
      ["2026-10-03T16:30Z", "2026-10-04T15:30Z"],
    ],
    ["working days", "0 22 * * 1-5", "UTC", "2026-11-27T23:00Z", ["2026-11-30T22:00Z", "2026-12-01T22:00Z"]],
    [
      "last day of the month",
      "0 3 L * *",
      "UTC",
      "2027-02-01T00:00Z",
      ["2027-02-28T03:00Z", "2027-03-31T03:00Z"],
    ],
  ] as const;
  for (const [name, cron, timeZone, after, expected] of cases) {
    test(name, () => {
      const runs = nextRuns({ cron, timeZone }, at(after), expected.length);
      expect(runs.map((ms) => new Date(ms).toISOString())).toEqual(
        expected.map((text) => new Date(text).toISOString()),
      );
    });
  }

  test("are said in the schedule's zone, not the server's", () => {
    expect(runsInWords({ cron: "0 2 * * 1-5", timeZone: "Asia/Tokyo" }, at("2026-11-27T20:00Z"), 2)).toEqual([
      "Mon 30 Nov, 02:00",
      "Tue 1 Dec, 02:00",
    ]);
  });

  test("the last run is the moment itself, not the one before it", () => {
    expect(lastRun({ cron: "0 2 * * *", timeZone: VIENNA }, at("2026-11-29T01:00Z"))).toBe(
      at("2026-11-29T01:00Z"),
    );
  });
});

describe("refused time plans", () => {
  const cases = [
    ["six fields, which would be seconds", "0 0 2 * * *", /five fields/],
    ["every minute", "* * * * *", /five minutes apart/],
    ["two moments a minute apart", "0,1 2 * * *", /five minutes apart/],
    ["words", "when the moon is full now", /no time plan/],
    ["a day that no month has", "0 0 31 2 *", /no time plan/],
    ["an hour that no day has", "0 25 * * *", /no time plan/],
  ] as const;
  for (const [name, cron, words] of cases) {
    test(name, () => {
      expect(() => checkRhythm({ cron, timeZone: "UTC" }, at("2026-11-28T12:00Z"))).toThrow(words);
    });
  }

  test("a plan for nights is none of them", () => {
    expect(() =>
      checkRhythm({ cron: "30 2 * * 1-5", timeZone: VIENNA }, at("2026-11-28T12:00Z")),
    ).not.toThrow();
  });
});
