// What the form offers by name, as cron and back.
import { expect, test } from "vitest";
import { cronOf, rhythmInWords, rhythmOf } from "./rhythm.ts";

const cases = [
  [{ when: "daily", time: "02:30", weekday: 0 }, "30 2 * * *", "Every day at 02:30"],
  [{ when: "workdays", time: "22:00", weekday: 0 }, "0 22 * * 1-5", "Mon–Fri at 22:00"],
  [{ when: "weekly", time: "03:05", weekday: 6 }, "5 3 * * 6", "Every Saturday at 03:05"],
] as const;
for (const [rhythm, cron, words] of cases) {
  test(`${words} is ${cron}, and back`, () => {
    expect(cronOf(rhythm)).toBe(cron);
    expect(rhythmOf(cron)).toEqual(rhythm);
    expect(rhythmInWords(cron)).toBe(words);
  });
}

test("an expression of one's own stays what it is", () => {
  for (const cron of ["0 2 1 * *", "*/30 * * * *", "0 2 * * 1,3"]) {
    expect(rhythmOf(cron)).toBeNull();
    expect(rhythmInWords(cron)).toBe(cron);
  }
});
