// Who is silent, and who could only not be heard.
import { expect, test } from "vitest";
import { SilenceTrust } from "./silence-trust.ts";

const EVERY = 3_000;

/** Sweeps every three seconds from 0 on, up to and including `untilMs`. */
function swept(untilMs: number): SilenceTrust {
  const trust = new SilenceTrust(0, EVERY);
  for (let now = 0; now <= untilMs; now += EVERY) trust.sweepBegins(now);
  return trust;
}

test("silence counts once there was time to be heard since the start", () => {
  const trust = swept(30_000);
  expect(trust.covers(30_000, 30_000)).toBe(true);
  expect(trust.covers(30_001, 30_000)).toBe(false);
});

test("after an outage of the database it counts anew from its end", () => {
  const trust = swept(60_000);
  trust.broken(60_000);
  trust.sweepBegins(63_000);
  expect(trust.covers(15_000, 63_000)).toBe(false);
  expect(trust.covers(15_000, 75_000)).toBe(true);
});

test("after a pause of this process, or a clock set forward or back, it counts anew", () => {
  for (const jump of [60_000 + 16_000, 60_000 + 3_600_000, 60_000 - 3_600_000]) {
    const trust = swept(60_000);
    trust.sweepBegins(jump);
    expect(trust.covers(1, jump)).toBe(false);
    expect(trust.covers(15_000, jump + 15_000)).toBe(true);
  }
});

test("a sweep somewhat late changes nothing", () => {
  const trust = swept(60_000);
  trust.sweepBegins(60_000 + 2 * EVERY);
  expect(trust.covers(60_000, 66_000)).toBe(true);
});
