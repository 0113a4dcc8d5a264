// gc: frees what no snapshot needs, beside everything else that runs on the open repository; as a plan it only says how much that is.
import type { Job, JobEnd } from "#lib/db/jobs.ts";
import type { JobRun } from "../run-job.ts";
import { sampleStorage } from "../sample-storage.ts";
import { runRepositoryTask } from "./repository-task.ts";

export function processGc(job: Job, run: JobRun): Promise<JobEnd> {
  return runRepositoryTask(job, run, "marking", async ({ signal, onProgress }) => {
    if (job.options.isPlan === true) {
      const plan = await run.repository.planGc({ signal, onProgress });
      return { report: { plan, removedPackCount: 0, freedBytes: 0, isPlan: true } };
    }
    const report = await run.repository.collectGarbage({
      signal,
      onProgress,
      secondsMax: typeof job.options.secondsMax === "number" ? job.options.secondsMax : undefined,
    });
    await sampleStorage(run.repository);
    return { report: { ...report }, doneBytes: report.freedBytes };
  });
}
