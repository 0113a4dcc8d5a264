// The common part of every job whose work is done here, on the repository, and not by agents: its one task moves along, a person's
// cancel is heard, and the end is written into task and job alike. Started anew it begins anew; what was kept on the way
// (rows, results, freed packs) is what makes that cheap.
import { setServerTask } from "#lib/db/job-upkeep.ts";
import { type Job, type JobEnd, requireJob } from "#lib/db/jobs.ts";
import type { Progress } from "#lib/engine/repository.ts";
import type { FailureReport } from "#lib/model/errors.ts";
import type { TaskStep } from "#lib/model/job.ts";
import type { JobRun } from "../run-job.ts";

const LOOK_EVERY_MS = 1_000;

export interface RepositoryWork {
  readonly signal: AbortSignal;
  onProgress(progress: Progress): void;
  step(step: TaskStep): void;
}

export interface RepositoryResult {
  readonly report: object;
  /** What was found wrong; the work itself is done. */
  readonly failure?: FailureReport | null;
  /** Where the progress bar ends. Default: where it is. */
  readonly doneBytes?: number;
}

export async function runRepositoryTask(
  job: Job,
  run: JobRun,
  firstStep: TaskStep,
  work: (work: RepositoryWork) => Promise<RepositoryResult>,
): Promise<JobEnd> {
  const cancelled = new AbortController();
  const signal = AbortSignal.any([run.signal, cancelled.signal]);
  let progress: Progress = { doneBytes: 0, totalBytes: 0 };
  let step = firstStep;
  const look = async () => {
    if (signal.aborted) return;
    if ((await requireJob(job.id)).cancelAsked) cancelled.abort();
    else await setServerTask(job.id, { state: "running", step, ...progress });
  };
  // A look that fails (database away) is only late: the next one comes in a second.
  const lookQuietly = () => void look().catch(() => undefined);
  lookQuietly();
  const looking = setInterval(lookQuietly, LOOK_EVERY_MS);
  try {
    const result = await work({
      signal,
      onProgress: ({ doneBytes, totalBytes }) => {
        progress = { doneBytes, totalBytes };
        run.progress(progress);
      },
      step: (next) => {
        step = next;
        lookQuietly();
      },
    });
    clearInterval(looking);
    const doneBytes = result.doneBytes ?? progress.doneBytes;
    return await end(job.id, result.failure ?? null, result.report, { doneBytes, totalBytes: doneBytes });
  } catch (thrown) {
    if (!cancelled.signal.aborted || run.signal.aborted) throw thrown;
    const failure: FailureReport = {
      code: "job-cancelled",
      message: `"${job.title}" was cancelled.`,
      hint: "What it had done stays done; run it again to go on.",
    };
    await setServerTask(job.id, { state: "cancelled", step: "done", failure, ...progress });
    return { event: "cancel", failure, report: {}, ...progress };
  } finally {
    clearInterval(looking);
  }
}

async function end(
  jobId: string,
  failure: FailureReport | null,
  report: object,
  sizes: Progress,
): Promise<JobEnd> {
  const state = failure === null ? "succeeded" : "failed";
  await setServerTask(jobId, { state, step: "done", failure, ...sizes });
  return { event: failure === null ? "finish" : "fail", failure, report, ...sizes };
}
