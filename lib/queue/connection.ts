// Where the queue is. Redis may be away for hours: everything that uses these options must go on without it.
import { environment } from "#lib/env.ts";

/** BullMQ reconnects for ever, at most every two seconds. */
export function redisConnection() {
  return {
    url: environment("REDIS_URL"),
    maxRetriesPerRequest: null,
    retryStrategy: (attempt: number) => Math.min(attempt * 200, 2_000),
  };
}

/** One queue per database: two installations, or two tests, may share a Redis without taking each other's tickets. */
export function queueName(): string {
  const name = new URL(environment("DATABASE_URL")).pathname.slice(1) || "default";
  return `sheepfold-${name.replaceAll(":", "-")}`;
}
