// enqueue hands a job's ticket to the queue. It never fails a wish: with Redis down the row stays queued and a worker's
// sweeper issues the ticket later.
import { setTimeout as delay } from "node:timers/promises";
import { Queue } from "bullmq";
import { queueName, redisConnection } from "./connection.ts";
import type { Ticket } from "./tickets.ts";

const ENQUEUE_MS_MAX = 2_000;

// On globalThis for the app's dev server, which reloads modules.
const holder = globalThis as typeof globalThis & { sheepfoldQueue?: { name: string; queue: Queue<Ticket> } };

/** Whether the ticket is in the queue now. A ticket still waiting is not added twice. */
export async function enqueue(jobId: string): Promise<boolean> {
  const giveUp = new AbortController();
  const timeout = delay(ENQUEUE_MS_MAX, false, { signal: giveUp.signal }).catch(() => false);
  try {
    return await Promise.race([addTicket(jobId), timeout]);
  } finally {
    giveUp.abort();
  }
}

async function addTicket(jobId: string): Promise<boolean> {
  try {
    await queue().add("job", { jobId }, { jobId, removeOnComplete: true, removeOnFail: true });
    return true;
  } catch {
    return false; // Redis is down or refused: by design no failure, the sweeper tries again from the row.
  }
}

export async function closeQueue(): Promise<void> {
  const current = holder.sheepfoldQueue;
  delete holder.sheepfoldQueue;
  if (current === undefined) return;
  await Promise.race([current.queue.close(), delay(ENQUEUE_MS_MAX, undefined, { ref: false })]);
}

/** Opened at first use. */
export function queue(): Queue<Ticket> {
  const name = queueName();
  if (holder.sheepfoldQueue?.name !== name) {
    const opened = new Queue<Ticket>(name, { connection: redisConnection() });
    // Without a listener a lost connection would end the process; the connection itself comes back by its retry strategy.
    opened.on("error", () => undefined);
    holder.sheepfoldQueue = { name, queue: opened };
  }
  return holder.sheepfoldQueue.queue;
}
