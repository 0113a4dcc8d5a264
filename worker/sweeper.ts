// The sweeper makes rows true again after anything got lost: tickets (Redis emptied or away), workers (killed), agents (switched
// off), PCs that never answer. Every few seconds, each concern by itself, so that one failing does not stop the others.
import { isDatabaseUnavailable } from "#lib/db/client.ts";
import { jobsOfSilentWorkers, loseWorker, queuedJobIds } from "#lib/db/job-upkeep.ts";
import {
  addTaskEvent,
  failTasksOfOfflineNodes,
  loseAgent,
  runningTasksWithoutHeartbeatSince,
} from "#lib/db/tasks.ts";
import { TASK_LOST_AFTER_MS } from "#lib/protocol/control.ts";
import { enqueue } from "#lib/queue/enqueue.ts";
import { inWords, log } from "./log.ts";
import { SilenceTrust } from "./silence-trust.ts";

const SWEEP_EVERY_MS = 3_000;
/** A worker writes its heartbeat every second; thirty missed ones mean it is gone. */
export const WORKER_LOST_AFTER_MS = 30_000;
/** A fresh ticket gets this long to arrive by itself. */
const TICKET_GRACE_MS = 3_000;

export interface SweeperOptions {
  /** How long a ready task waits for a silent node. */
  readonly agentWaitMs: number;
  /** Called for each queued job when the queue itself is away, so that jobs run with Redis down for long, too. Must not wait
   *  for other jobs: it is the sweep that ends those of lost agents. */
  readonly onQueuedWithoutQueue: (jobId: string) => Promise<void>;
}

export function startSweeper(options: SweeperOptions): { stop(): Promise<void> } {
  const trust = new SilenceTrust(Date.now(), SWEEP_EVERY_MS);
  let stopped = false;
  let current: Promise<void> = Promise.resolve();
  const sweep = async () => {
    trust.sweepBegins(Date.now());
    const counts = (silentMs: number) => trust.covers(silentMs, Date.now());
    try {
      await reissueTickets(options);
      if (counts(WORKER_LOST_AFTER_MS)) await takeBackFromLostWorkers();
      if (counts(TASK_LOST_AFTER_MS)) await takeBackFromLostAgents();
      if (counts(options.agentWaitMs)) await failTasksOfOfflineNodes(options.agentWaitMs);
    } catch (thrown) {
      trust.broken(Date.now());
      log("warn", `Sweep put off: ${inWords(thrown)}`);
      if (!isDatabaseUnavailable(thrown))
        log("error", "That was not the database being away; please report it.");
    }
  };
  const loop = () => {
    current = sweep().finally(() => {
      if (!stopped) timer = setTimeout(loop, SWEEP_EVERY_MS);
    });
  };
  let timer = setTimeout(loop, 0);
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await current;
    },
  };
}

async function reissueTickets(options: SweeperOptions): Promise<void> {
  let queueAway = false;
  for (const jobId of await queuedJobIds(TICKET_GRACE_MS)) {
    // One attempt a sweep tells: each waits for Redis a while, and the sweep has other things to look after.
    queueAway ||= !(await enqueue(jobId));
    // The queue only delivers; the row is the wish. With Redis away, claiming the row directly is just as safe.
    if (queueAway) await options.onQueuedWithoutQueue(jobId);
  }
}

async function takeBackFromLostWorkers(): Promise<void> {
  for (const { jobId, workerId } of await jobsOfSilentWorkers(WORKER_LOST_AFTER_MS)) {
    if (await loseWorker(jobId, workerId))
      log("warn", `${jobId} lost its worker ${workerId ?? ""} and is queued again`);
  }
}

async function takeBackFromLostAgents(): Promise<void> {
  for (const { taskId, leaseId } of await runningTasksWithoutHeartbeatSince(TASK_LOST_AFTER_MS)) {
    if ((await loseAgent(taskId, leaseId)) === "lost") continue;
    log("warn", `${taskId} lost its agent: not heard for ${TASK_LOST_AFTER_MS / 1000} s`);
    await addTaskEvent(taskId, "waiting", "The PC's agent fell silent; waiting for it to come back.");
  }
}
