// re-segment: compresses cold packs anew within a budget, beside everything else that runs. What is done stays done, so a job cut off or
// cancelled loses at most the batch of packs it was at, and the next one goes on.
import type { Job, JobEnd } from "#lib/db/jobs.ts";
import type { JobRun } from "../run-job.ts";
import { sampleStorage } from "../sample-storage.ts";
import { runRepositoryTask } from "./repository-task.ts";

export function processReSegment(job: Job, run: JobRun): Promise<JobEnd> {
  const numberIn = (name: string) => (typeof job.options[name] === "number" ? job.options[name] : undefined);
  return runRepositoryTask(job, run, "re-segmenting", async ({ signal, onProgress }) => {
    const report = await run.repository.reSegment({
      signal,
      onProgress,
      level: numberIn("level"),
      olderThanDays: numberIn("olderThanDays"),
      bytesMax: numberIn("bytesMax"),
      secondsMax: numberIn("secondsMax"),
    });
    await sampleStorage(run.repository);
    return { report: { ...report }, doneBytes: report.bytesBefore };
  });
}
