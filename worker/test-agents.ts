// For tests: agents reduced to their row's work. They lease, report progress and finish through the same functions as
// the gateway, without moving bytes.
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { LeasedTask } from "#lib/db/leased-task.ts";
import { finishTask, heartbeatTask, leaseTask } from "#lib/db/tasks.ts";

export type Work = (task: LeasedTask, leaseId: string) => Promise<void>;

export const succeed: Work = async (task, leaseId) => {
  await heartbeatTask(task.taskId, leaseId, { step: "transferring", doneBytes: 50, totalBytes: 100 });
  await finishTask(task.taskId, leaseId, { readBytes: 100, writtenBytes: 10 });
};

/** Leases for the node until stopped, and does `work` with what it gets. */
export function startTestAgent(nodeId: string, work: Work = succeed): { stop(): Promise<void> } {
  const stopped = new AbortController();
  const loop = async () => {
    while (!stopped.signal.aborted) {
      const leaseId = randomUUID();
      const task = await leaseTask(nodeId, leaseId);
      if (task !== null) await work(task, leaseId);
      else await delay(50);
    }
  };
  const running = loop();
  return {
    async stop() {
      stopped.abort();
      await running;
    },
  };
}
