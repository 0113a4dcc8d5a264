import { expect, test } from "vitest";
import { byteTicks, tickText } from "./chart-parts.ts";

const GIB = 1024 ** 3;

test("ticks begin at zero, reach the largest value, and are few", () => {
  for (const max of [1, 700, 5000, 3.3 * GIB, 999 * GIB, 1.7 * 1024 * GIB]) {
    const ticks = byteTicks(max);
    expect(ticks[0]).toBe(0);
    expect(ticks.at(-1)).toBeGreaterThanOrEqual(max);
    expect(ticks.length).toBeLessThanOrEqual(6);
  }
});

test("an empty store has one tick", () => {
  expect(byteTicks(0)).toEqual([0]);
});

test("tick texts carry no needless zeros", () => {
  expect(tickText(2 * GIB)).toBe("2 GiB");
  expect(tickText(1.5 * GIB)).toBe("1.5 GiB");
});
