// Ticks on a real Redis: they come by the time plan, follow the rows, and come back after all was lost.
import { setTimeout as delay } from "node:timers/promises";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "#lib/db/testing.ts";
import { environment } from "#lib/env.ts";
import { openTicks, type Ticks } from "./schedule-ticks.ts";

const EVERY_SECOND = { scheduleId: "sched_often", cron: "* * * * * *", timeZone: "UTC" };

let db: TestDatabase;
let ticks: Ticks;
const heard: string[] = [];

beforeAll(async () => {
  // The queue is named after the database.
  db = await createTestDatabase();
  ticks = openTicks(async (scheduleId) => void heard.push(scheduleId));
});
afterAll(async () => {
  await ticks.close();
  await db.drop();
});

async function comesAgain(): Promise<void> {
  const before = heard.length;
  await expect.poll(() => heard.length, { timeout: 15_000 }).toBeGreaterThan(before + 1);
}

test("ticks come by the row's time plan, after an emptied Redis again, and stop with the row", async () => {
  await ticks.reconcile([EVERY_SECOND]);
  await comesAgain();
  expect(new Set(heard)).toEqual(new Set(["sched_often"]));

  const redis = new Redis(environment("REDIS_URL"));
  await redis.flushall();
  await redis.quit();
  await delay(1_500);
  await ticks.reconcile([EVERY_SECOND]);
  await comesAgain();

  await ticks.reconcile([]);
  await delay(1_500);
  const count = heard.length;
  await delay(2_500);
  expect(heard.length).toBe(count);
});
