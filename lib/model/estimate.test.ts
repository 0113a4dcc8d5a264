import { expect, test } from "vitest";
import { leftInWords, rateOver, restoreEstimate, type Sample, secondsLeft } from "./estimate.ts";

/** One a second, `speed` bytes a second by the second. */
function samples(seconds: number, speed: (second: number) => number): Sample[] {
  let bytes = 0;
  return Array.from({ length: seconds + 1 }, (_, second) => {
    if (second > 0) bytes += speed(second);
    return { atMs: 1000 * second, bytes };
  });
}

test("a steady speed gives one figure", () => {
  const steady = samples(30, () => 100);
  expect(rateOver(steady, 5_000)).toBe(100);
  expect(secondsLeft(steady, 6_000)).toEqual({ least: 30, most: 30 });
});

test("one that has halved gives a range", () => {
  const slower = samples(30, (second) => (second > 15 ? 50 : 150));
  expect(secondsLeft(slower, 4_000)).toEqual({ least: 10, most: 20 });
});

test("what stands still, or has just begun, gives none; what is done, nothing to wait for", () => {
  expect(
    secondsLeft(
      samples(30, (second) => (second > 15 ? 0 : 100)),
      9_000,
    ),
  ).toBeNull();
  expect(
    secondsLeft(
      samples(0, () => 0),
      9_000,
    ),
  ).toBeNull();
  expect(
    rateOver(
      [
        { atMs: 0, bytes: 900 },
        { atMs: 1000, bytes: 10 },
      ],
      5_000,
    ),
  ).toBe(0);
  expect(
    secondsLeft(
      samples(3, () => 100),
      300,
    ),
  ).toEqual({ least: 0, most: 0 });
});

test("in words, both ends in the larger one's unit", () => {
  expect(leftInWords({ least: 40, most: 55 })).toBe("40–55 s");
  expect(leftInWords({ least: 50, most: 180 })).toBe("1–3 min");
  expect(leftInWords({ least: 170, most: 185 })).toBe("3 min");
  expect(leftInWords({ least: 3000, most: 7300 })).toBe("1–2 h");
  expect(leftInWords({ least: 0, most: 0 })).toBe("1 s");
});

test("a restore is estimated by the last ones, the largest PC deciding, and not from too few", () => {
  const speeds = [1, 2, 3, 4, 5].map((seconds) => ({ comparedBytes: 100, seconds }));
  expect(restoreEstimate(speeds, [50, 200])).toEqual({ least: 4, most: 8 });
  expect(restoreEstimate(speeds.slice(0, 2), [200])).toBeNull();
  expect(restoreEstimate([...speeds.slice(0, 2), { comparedBytes: 0, seconds: 0 }], [200])).toBeNull();
  expect(restoreEstimate(speeds, [])).toBeNull();
});
