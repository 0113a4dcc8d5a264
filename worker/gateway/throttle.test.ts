import { setTimeout as wait } from "node:timers/promises";
import { expect, test } from "vitest";
import { Throttle } from "./throttle.ts";

/** What got through within so many milliseconds, in pages of 10 000 bytes. */
async function taken(throttle: Throttle, ms: number): Promise<number> {
  let pages = 0;
  let isOver = false;
  void wait(ms).then(() => {
    isOver = true;
  });
  while (!isOver) {
    await throttle.take(10_000);
    pages += 1;
    if (throttle.rate === null && pages > 1000) break;
  }
  return pages;
}

test("without a limit nobody waits", async () => {
  expect(await taken(new Throttle(), 50)).toBeGreaterThan(1000);
});

test("a limit holds for all who ask together, and a new one for those that wait already", async () => {
  const throttle = new Throttle();
  // 1000 bytes a millisecond: 50 pages in half a second. A busy machine makes it fewer, never more.
  throttle.setLimit(8);
  const together = await Promise.all([taken(throttle, 500), taken(throttle, 500)]);
  expect(together[0] + together[1]).toBeLessThan(65);
  expect(together[0] + together[1]).toBeGreaterThan(10);
  throttle.setLimit(0.001);
  const waiting = throttle.take(10_000);
  throttle.setLimit(null);
  await waiting;
});
