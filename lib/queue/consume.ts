// consumeTickets calls back for each ticket. The ticket is given back as soon as the callback resolves, which is when the job's row
// has been claimed, not when the job ends: from then on the row alone says who works on it.
import { setTimeout as delay } from "node:timers/promises";
import { Worker } from "bullmq";
import { queueName, redisConnection } from "./connection.ts";
import { Ticket } from "./tickets.ts";

export interface Consumer {
  close(): Promise<void>;
}

const CLOSE_MS_MAX = 2_000;
/** At most one line in this time says that Redis is away. */
const COMPLAIN_EVERY_MS = 30_000;

export function consumeTickets(
  onTicket: (ticket: Ticket) => Promise<void>,
  log: (line: string) => void,
): Consumer {
  const worker = new Worker<Ticket>(
    queueName(),
    async (job) => {
      const ticket = Ticket.safeParse(job.data);
      if (ticket.success) await onTicket(ticket.data);
      else log(`Dropped a ticket that is none: ${JSON.stringify(job.data).slice(0, 200)}`);
    },
    {
      connection: redisConnection(),
      concurrency: 1,
      // A ticket whose worker died before claiming is delivered anew by the sweeper, so BullMQ need not be patient.
      lockDuration: 10_000,
      stalledInterval: 5_000,
      maxStalledCount: 1_000,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
    },
  );
  let complainedAt = 0;
  worker.on("error", (error) => {
    if (Date.now() - complainedAt < COMPLAIN_EVERY_MS) return;
    complainedAt = Date.now();
    log(
      `The queue does not answer (${error.message}); jobs wait in the database and start once Redis is back.`,
    );
  });
  return {
    async close() {
      await Promise.race([worker.close(true), delay(CLOSE_MS_MAX, undefined, { ref: false })]);
    },
  };
}
