// How many tickets wait in the queue, for /metrics. Redis may be away: that is an answer and no failure.
import { setTimeout as delay } from "node:timers/promises";
import { queue } from "./enqueue.ts";

/** Prometheus waits ten seconds for an answer; the first question also connects. */
const ASK_MS_MAX = 2_000;

/** Null while Redis does not answer. */
export async function countTickets(): Promise<number | null> {
  const giveUp = new AbortController();
  const timeout = delay(ASK_MS_MAX, null, { signal: giveUp.signal }).catch(() => null);
  try {
    return await Promise.race([askRedis(), timeout]);
  } finally {
    giveUp.abort();
  }
}

async function askRedis(): Promise<number | null> {
  try {
    return await queue().getJobCountByTypes("waiting", "active", "delayed", "prioritized");
  } catch {
    return null; // Redis is down or refused, and the caller says so
  }
}
