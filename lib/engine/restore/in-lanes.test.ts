// Work done several at a time: in order, within the number of lanes, and with nothing left under way after a failure.
import { expect, test } from "vitest";
import { inLanes } from "./in-lanes.ts";

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test("all items are begun in order, never more at a time than there are lanes", async () => {
  const begun: number[] = [];
  let running = 0;
  let most = 0;
  await inLanes(Array(20).keys(), 3, async (item) => {
    begun.push(item);
    running += 1;
    most = Math.max(most, running);
    await turn();
    running -= 1;
  });
  expect(begun).toEqual([...Array(20).keys()]);
  expect(most).toBe(3);
});

test("a failure begins nothing more and is told when all that was under way has ended", async () => {
  const ended: number[] = [];
  const work = inLanes(Array(20).keys(), 3, async (item) => {
    if (item === 1) throw new Error("no");
    for (let turns = 0; turns < 5; turns++) await turn();
    ended.push(item);
  });
  await expect(work).rejects.toThrow("no");
  expect(ended).toEqual([0, 2]);
});
