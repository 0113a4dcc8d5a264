// Calendars as schools and their programs export them.
import { describe, expect, test } from "vitest";
import { CALENDAR_CHARACTERS_MAX, readCalendar } from "./ical.ts";

const horizon = {
  fromMs: Date.parse("2026-11-01T00:00Z"),
  toMs: Date.parse("2027-11-01T00:00Z"),
  timeZone: "Europe/Vienna",
};
const calendar = (...events: string[]) =>
  ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test", ...events, "END:VCALENDAR", ""].join("\r\n");
const event = (...lines: string[]) =>
  ["BEGIN:VEVENT", "UID:1", "DTSTAMP:20260101T000000Z", ...lines, "END:VEVENT"].join("\r\n");
const read = (...events: string[]) =>
  readCalendar(calendar(...events), horizon).map(({ fromMs, toMs, reason }) => [
    reason,
    new Date(fromMs).toISOString().slice(0, 16),
    new Date(toMs).toISOString().slice(0, 16),
  ]);

describe("events", () => {
  test("days are the chosen zone's, and the end is the day after", () => {
    const holidays = event("SUMMARY:Christmas", "DTSTART;VALUE=DATE:20261224", "DTEND;VALUE=DATE:20270107");
    expect(read(holidays)).toEqual([["Christmas", "2026-12-23T23:00", "2027-01-06T23:00"]]);
  });

  test("a day without an end is one day", () => {
    expect(read(event("SUMMARY:Founder's day", "DTSTART;VALUE=DATE:20261208"))).toEqual([
      ["Founder's day", "2026-12-07T23:00", "2026-12-08T23:00"],
    ]);
  });

  test("times are read in UTC, in their own zone, or in the chosen one", () => {
    const utc = event("SUMMARY:a", "DTSTART:20261201T080000Z", "DTEND:20261201T090000Z");
    const own = event("SUMMARY:b", "DTSTART;TZID=America/New_York:20261202T080000", "DURATION:PT1H");
    const floating = event("SUMMARY:c", "DTSTART:20261203T080000", "DTEND:20261203T090000");
    const unknown = event(
      "SUMMARY:d",
      "DTSTART;TZID=Our time:20261204T080000",
      "DTEND;TZID=Our time:20261204T090000",
    );
    expect(read(utc, own, floating, unknown)).toEqual([
      ["a", "2026-12-01T08:00", "2026-12-01T09:00"],
      ["b", "2026-12-02T13:00", "2026-12-02T14:00"],
      ["c", "2026-12-03T07:00", "2026-12-03T08:00"],
      ["d", "2026-12-04T07:00", "2026-12-04T08:00"],
    ]);
  });

  test("a weekly lesson keeps its hour over a change of the clock, without what was taken out or moved", () => {
    const lesson = event(
      "SUMMARY:Lesson",
      "DTSTART;TZID=Europe/Vienna:20260907T080000",
      "DTEND;TZID=Europe/Vienna:20260907T090000",
      "RRULE:FREQ=WEEKLY;UNTIL=20270412T000000Z",
      "EXDATE;TZID=Europe/Vienna:20261109T080000",
    );
    const moved = event(
      "SUMMARY:Lesson, moved",
      "RECURRENCE-ID;TZID=Europe/Vienna:20261116T080000",
      "DTSTART;TZID=Europe/Vienna:20261117T100000",
      "DTEND;TZID=Europe/Vienna:20261117T110000",
    );
    const lessons = read(lesson, moved);
    expect(lessons[0]).toEqual(["Lesson", "2026-11-02T07:00", "2026-11-02T08:00"]);
    expect(lessons.map(([, from]) => from)).not.toContain("2026-11-09T07:00");
    expect(lessons.map(([, from]) => from)).toContain("2026-11-17T09:00");
    expect(lessons.at(-1)?.[1]).toBe("2027-04-05T06:00");
  });

  test("what lies outside the horizon, and what was cancelled, is left out", () => {
    const old = event("SUMMARY:old", "DTSTART;VALUE=DATE:20250101");
    const off = event("SUMMARY:off", "DTSTART;VALUE=DATE:20261201", "STATUS:CANCELLED");
    expect(read(old, off)).toEqual([]);
  });

  test("a rule without an end ends at the horizon", () => {
    const daily = event(
      "SUMMARY:daily",
      "DTSTART:20200101T080000Z",
      "DTEND:20200101T090000Z",
      "RRULE:FREQ=DAILY",
    );
    expect(read(daily)).toHaveLength(365);
  });
});

describe("refused", () => {
  const cases = [
    ["no calendar", "hello", /cannot be read/],
    ["a card", "BEGIN:VCARD\r\nVERSION:4.0\r\nEND:VCARD\r\n", /no calendar/],
    ["too large", "x".repeat(CALENDAR_CHARACTERS_MAX + 1), /KiB/],
    [
      "an event every minute",
      calendar(event("DTSTART:20261101T000000Z", "DURATION:PT1M", "RRULE:FREQ=MINUTELY")),
      /more than/,
    ],
    [
      "every second since long ago",
      calendar(event("DTSTART:20200101T000000Z", "DURATION:PT1S", "RRULE:FREQ=SECONDLY")),
      /repeat more than/,
    ],
  ] as const;
  for (const [name, text, words] of cases) {
    test(name, () => expect(() => readCalendar(text, horizon)).toThrow(words));
  }
});
