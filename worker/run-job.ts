// runJob carries out one job: claim its row, let the processor of its kind work while a heartbeat keeps the claim, write the end into
// the row. Run twice it does no harm: the second claim is refused. Stopped in between (worker stopped or killed, database
// away), the job is queued again and its processor goes on from the tasks' rows.
import { setTimeout as delay } from "node:timers/promises";
import { isDatabaseUnavailable, waitForDatabase } from "#lib/db/client.ts";
import { loseWorker } from "#lib/db/job-upkeep.ts";
import { claimJob, finishJob, heartbeatJob, type Job, type JobEnd } from "#lib/db/jobs.ts";
import type { Repository } from "#lib/engine/repository.ts";
import { CodedError, failureReportOf } from "#lib/model/errors.ts";
import type { JobKind } from "#lib/model/job.ts";
import type { JobWatch } from "./job-watch.ts";
import { inWords, log } from "./log.ts";

export interface WorkerContext {
  readonly workerId: string;
  readonly repository: Repository;
  readonly watch: JobWatch;
  readonly processors: Readonly<Record<JobKind, Processor>>;
  /** Aborted when the worker stops: jobs give themselves back. */
  readonly stopping: AbortSignal;
}

export interface JobRun {
  readonly repository: Repository;
  readonly watch: JobWatch;
  /** Aborted when the job must not be worked on any more by this worker. */
  readonly signal: AbortSignal;
  /** Cheap; written to the row with the next heartbeat. */
  progress(progress: { readonly doneBytes: number; readonly totalBytes: number }): void;
}

/** Resolves with the job's end; throws for failures. Must be able to start anew at any point. */
export type Processor = (job: Job, run: JobRun) => Promise<JobEnd>;

export const JOB_HEARTBEAT_MS = 1_000;
/** How often a job whose failure says "later" is tried in all before that failure is its end. */
const JOB_TRIES_MAX = 3;

/** Null when the job was not to be had; else a promise of its end, after the claim. */
export async function claimAndRun(
  jobId: string,
  context: WorkerContext,
): Promise<{ ended: Promise<void> } | null> {
  const { workerId, repository } = context;
  const job = await claimJob(jobId, { workerId, repositoryId: repository.info.id });
  if (job === null) return null;
  log("info", `${job.id} begins: ${job.title} (attempt ${job.attempt})`);
  return { ended: runClaimed(job, context) };
}

/** Never rejects: whatever happens becomes the row's state, or is left to the next worker's sweep. */
async function runClaimed(job: Job, context: WorkerContext): Promise<void> {
  const lost = new AbortController();
  const signal = AbortSignal.any([lost.signal, context.stopping]);
  const progress = { doneBytes: job.doneBytes, totalBytes: job.totalBytes };
  const heart = beat(job.id, context.workerId, progress, lost);
  const run: JobRun = {
    repository: context.repository,
    watch: context.watch,
    signal,
    progress: (next) => Object.assign(progress, next),
  };
  try {
    const end = await processUntilDone(job, context.processors[job.kind], run);
    await whileDatabaseAway(signal, () => finishJob(job.id, context.workerId, end));
    log("info", `${job.id} ended: ${end.event}${end.failure === null ? "" : ` (${end.failure.code})`}`);
  } catch (thrown) {
    await endBadly(job, context, signal, thrown);
  } finally {
    heart.stop();
  }
}

/** A processor starts anew when the database went away under it: it reads how far things are from the rows. */
async function processUntilDone(job: Job, processor: Processor, run: JobRun): Promise<JobEnd> {
  for (;;) {
    try {
      return await processor(job, run);
    } catch (thrown) {
      if (!isDatabaseUnavailable(thrown) || run.signal.aborted) throw thrown;
      log("warn", `${job.id} waits: ${inWords(thrown)}`);
      await whileDatabaseAway(run.signal, () => waitForDatabase(5_000));
    }
  }
}

async function endBadly(
  job: Job,
  context: WorkerContext,
  signal: AbortSignal,
  thrown: unknown,
): Promise<void> {
  try {
    if (signal.aborted) {
      const given = await loseWorker(job.id, context.workerId);
      log(
        "info",
        given ? `${job.id} goes back into the queue` : `${job.id} is another worker's or has ended`,
      );
      return;
    }
    log("warn", `${job.id} failed: ${inWords(thrown)}`);
    const later = thrown instanceof CodedError && thrown.retry === "later" && job.attempt < JOB_TRIES_MAX;
    if (later) {
      await whileDatabaseAway(signal, () => loseWorker(job.id, context.workerId));
      return;
    }
    const { doneBytes, totalBytes } = job;
    const end: JobEnd = {
      event: "fail",
      failure: failureReportOf(thrown),
      report: {},
      doneBytes,
      totalBytes,
    };
    await whileDatabaseAway(signal, () => finishJob(job.id, context.workerId, end));
  } catch (again) {
    // The row still says "running" under our id: a sweep finds its heartbeat old and queues it again.
    log("error", `${job.id} could not be written down: ${inWords(again)}`);
  }
}

function beat(
  jobId: string,
  workerId: string,
  progress: { readonly doneBytes: number; readonly totalBytes: number },
  lost: AbortController,
): { stop(): void } {
  const stopped = new AbortController();
  const loop = async () => {
    while (!stopped.signal.aborted) {
      await delay(JOB_HEARTBEAT_MS, undefined, { signal: stopped.signal });
      try {
        if (!(await heartbeatJob(jobId, workerId, progress)) && !stopped.signal.aborted) lost.abort();
      } catch (thrown) {
        log("warn", `${jobId} missed a heartbeat: ${inWords(thrown)}`);
      }
    }
  };
  // The only rejection is the delay's own when stopped.
  loop().catch(() => undefined);
  return { stop: () => stopped.abort() };
}

/** Repeats `work` until the database answers or the signal aborts. */
async function whileDatabaseAway<Result>(signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await work();
    } catch (thrown) {
      if (!isDatabaseUnavailable(thrown) || signal.aborted) throw thrown;
      await delay(1_000, undefined, { signal }).catch(() => undefined); // an abort is seen at the next failure
    }
  }
}
