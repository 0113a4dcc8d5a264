// What workers do to jobs besides claiming and finishing: let their tasks go, stop them, take them back from a worker that
// died. Apart from jobs.ts so that each reads on its own.
import type { FailureCode, FailureReport } from "#lib/model/errors.ts";
import type { TaskStep } from "#lib/model/job.ts";
import { database, inTransaction } from "./client.ts";
import { notify } from "./notify.ts";
import { jobStatesMovedBy, taskStatesMovedBy } from "./transitions.ts";

/** Agents may lease the job's waiting tasks: of each PC the first that is not done. Those behind one that ended otherwise are
 *  cancelled: they would build on what is not there. Cheap when there is nothing to do. */
export async function releaseTasks(jobId: string): Promise<void> {
  const tasks = await database().task.findMany({
    where: { jobId, nodeId: { not: null } },
    select: { id: true, nodeId: true, position: true, state: true, failureMessage: true },
    orderBy: { position: "asc" },
  });
  const ready: string[] = [];
  const hopeless: string[] = [];
  for (const mine of Map.groupBy(tasks, ({ nodeId }) => nodeId).values()) {
    const first = mine.findIndex(({ state }) => state !== "succeeded" && state !== "skipped");
    const next = mine[first];
    if (next?.state === "waiting") ready.push(next.id);
    if (next?.state === "failed" || next?.state === "cancelled")
      hopeless.push(...mine.slice(first + 1).flatMap(({ id, state }) => (state === "waiting" ? [id] : [])));
  }
  if (ready.length + hopeless.length === 0) return;
  await inTransaction(async (tx) => {
    await tx.task.updateMany({
      where: { id: { in: hopeless }, state: "waiting" },
      data: {
        state: "cancelled",
        finishedAt: new Date(),
        failureCode: "job-cancelled" satisfies FailureCode,
        failureMessage: "What had to come before it on this PC did not succeed.",
        failureHint: "Remove that cause, then retry only the failed ones.",
      },
    });
    const released = await tx.task.updateManyAndReturn({
      where: { id: { in: ready }, state: { in: taskStatesMovedBy("release", "ready") } },
      data: { state: "ready", readyAt: new Date() },
      select: { nodeId: true },
    });
    for (const { nodeId } of released) if (nodeId !== null) await notify("tasks", nodeId, tx);
    await notify("jobs", jobId, tx);
  });
}

/** Ends tasks nobody works on yet; running ones hear of it at their next heartbeat. */
export async function cancelIdleTasks(jobId: string, failure: FailureReport): Promise<void> {
  await database().task.updateMany({
    where: {
      jobId,
      state: { in: taskStatesMovedBy("cancel", "cancelled").filter((state) => state !== "running") },
    },
    data: {
      state: "cancelled",
      finishedAt: new Date(),
      failureCode: failure.code,
      failureMessage: failure.message,
      failureHint: failure.hint,
    },
  });
  await notify("jobs", jobId);
}

/** Moves the job's own task (one that no agent leases) along: that of work on the repository. */
export async function setServerTask(
  jobId: string,
  change: {
    readonly state: "running" | "succeeded" | "failed" | "cancelled";
    readonly step: TaskStep;
    readonly doneBytes: number;
    readonly totalBytes: number;
    readonly failure?: FailureReport | null;
  },
): Promise<void> {
  const now = new Date();
  const over = change.state !== "running";
  await database().task.updateMany({
    where: { jobId, nodeId: null, state: { notIn: ["succeeded", "failed", "cancelled", "skipped"] } },
    data: {
      state: change.state,
      step: change.step,
      doneBytes: BigInt(change.doneBytes),
      totalBytes: BigInt(change.totalBytes),
      heartbeatAt: now,
      finishedAt: over ? now : null,
      failureCode: change.failure?.code ?? null,
      failureMessage: change.failure?.message ?? null,
      failureHint: change.failure?.hint ?? null,
    },
  });
  await database().task.updateMany({
    where: { jobId, nodeId: null, startedAt: null },
    data: { startedAt: now },
  });
  await notify("jobs", jobId);
}

/** The worker of a running job is gone: the job is queued again, its unfinished tasks wait again. One that lost too many
 *  workers fails. Answers whether anything changed. */
export async function loseWorker(jobId: string, workerId: string | null): Promise<boolean> {
  return inTransaction(async (tx) => {
    await tx.$queryRaw`SELECT id FROM jobs WHERE id = ${jobId} FOR UPDATE`;
    const job = await tx.job.findFirst({
      where: { id: jobId, workerId, state: { in: jobStatesMovedBy("lose-worker", "queued") } },
    });
    if (job === null) return false;
    const spent = job.attempt >= job.attemptMax;
    const lost = {
      failureCode: "worker-lost",
      failureMessage: `The worker vanished in each of ${job.attempt} attempts.`,
      failureHint: "Look at the worker's log for what ended it, then run the job again.",
    };
    await tx.task.updateMany({
      where: { jobId, state: { in: taskStatesMovedBy("lose-worker", "waiting") } },
      data: { state: "waiting", step: "waiting", leaseId: null },
    });
    if (spent) {
      await tx.task.updateMany({
        where: { jobId, state: "waiting" },
        data: { state: "failed", finishedAt: new Date(), ...lost },
      });
    }
    await tx.job.update({
      where: { id: jobId },
      data: spent
        ? { state: "failed", finishedAt: new Date(), ...lost }
        : { state: "queued", workerId: null, heartbeatAt: null },
    });
    await notify("jobs", jobId, tx);
    return true;
  });
}

export async function queuedJobIds(olderThanMs: number): Promise<string[]> {
  const rows = await database().job.findMany({
    where: { state: "queued", createdAt: { lt: new Date(Date.now() - olderThanMs) } },
    select: { id: true },
    orderBy: { createdAt: "asc" },
    take: 500,
  });
  return rows.map((row) => row.id);
}

export interface RunningJob {
  readonly jobId: string;
  readonly workerId: string | null;
}

/** Running jobs whose worker has been silent for `silentMs`. */
export async function jobsOfSilentWorkers(silentMs: number): Promise<RunningJob[]> {
  const before = new Date(Date.now() - silentMs);
  return runningJobs({ OR: [{ heartbeatAt: null }, { heartbeatAt: { lt: before } }] });
}

/** Running jobs on a repository: whoever holds its lock knows that their worker is gone. */
export async function runningJobsOfRepository(repositoryId: string): Promise<RunningJob[]> {
  return runningJobs({ repositoryId });
}

async function runningJobs(where: object): Promise<RunningJob[]> {
  const rows = await database().job.findMany({
    where: { state: "running", ...where },
    select: { id: true, workerId: true },
  });
  return rows.map((row) => ({ jobId: row.id, workerId: row.workerId }));
}
