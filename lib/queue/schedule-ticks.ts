// Ticks: BullMQ's job schedulers wake somebody up when a schedule's moment comes. A tick says only which schedule; whether anything is due
// says its row. With Redis away or emptied the worker's own look at the rows is a few seconds later, and the schedulers are made again.
import { setTimeout as delay } from "node:timers/promises";
import { Queue, Worker } from "bullmq";
import { z } from "zod";
import { queueName, redisConnection } from "./connection.ts";

const Tick = z.object({ scheduleId: z.string().min(1).max(64) });

export interface TickPlan {
  readonly scheduleId: string;
  readonly cron: string;
  readonly timeZone: string;
}

export interface Ticks {
  /** Makes the queue's schedulers those of the rows: missing ones are added, others taken out. Throws when Redis is away. */
  reconcile(plans: readonly TickPlan[]): Promise<void>;
  close(): Promise<void>;
}

const ANSWER_MS_MAX = 5_000;
const CLOSE_MS_MAX = 2_000;
const SCHEDULERS_MAX = 10_000;

export function openTicks(onTick: (scheduleId: string) => Promise<void>): Ticks {
  const name = `${queueName()}-schedules`;
  const queue = new Queue(name, { connection: redisConnection() });
  const worker = new Worker(
    name,
    async (job) => {
      const tick = Tick.safeParse(job.data);
      if (tick.success) await onTick(tick.data.scheduleId);
    },
    {
      connection: redisConnection(),
      concurrency: 1,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
    },
  );
  // Without a listener a lost connection would end the process; the tickets' consumer already says that Redis is away.
  queue.on("error", () => undefined);
  worker.on("error", () => undefined);
  return {
    async reconcile(plans) {
      await withinTime(reconcileOn(queue, plans));
    },
    async close() {
      const closed = Promise.all([worker.close(true), queue.close()]);
      await Promise.race([closed, delay(CLOSE_MS_MAX, undefined, { ref: false })]);
    },
  };
}

async function reconcileOn(queue: Queue, plans: readonly TickPlan[]): Promise<void> {
  const there = await queue.getJobSchedulers(0, SCHEDULERS_MAX);
  const known = new Map(there.map((scheduler) => [scheduler.key, scheduler]));
  for (const { scheduleId, cron: pattern, timeZone: tz } of plans) {
    const same = known.get(scheduleId);
    known.delete(scheduleId);
    if (same?.pattern === pattern && same.tz === tz) continue;
    await queue.upsertJobScheduler(
      scheduleId,
      { pattern, tz },
      { name: "tick", data: { scheduleId }, opts: { removeOnComplete: true, removeOnFail: true } },
    );
  }
  for (const key of known.keys()) await queue.removeJobScheduler(key);
}

/** BullMQ waits for Redis for ever; whoever reconciles has other things to do. */
async function withinTime(work: Promise<void>): Promise<void> {
  const giveUp = new AbortController();
  work.catch(() => undefined); // late failures are of no interest: the caller has been told "away"
  const timeout = delay(ANSWER_MS_MAX, undefined, { signal: giveUp.signal }).then(() => {
    throw new Error("Redis does not answer");
  });
  try {
    await Promise.race([work, timeout]);
  } finally {
    giveUp.abort();
    timeout.catch(() => undefined); // its own abort
  }
}
