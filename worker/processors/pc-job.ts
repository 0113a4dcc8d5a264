// Every job whose work is done on PCs: agents archive through the gateway, which commits each snapshot by itself, or compare their disks
// with a snapshot and write what differs. This waits for all of them; when snapshots were made, it notes the repository's sizes for the
// charts.
import type { Job, JobEnd } from "#lib/db/jobs.ts";
import type { JobRun } from "../run-job.ts";
import { sampleStorage } from "../sample-storage.ts";
import { runNodeTasks } from "./node-tasks.ts";

export async function processPcJob(job: Job, run: JobRun): Promise<JobEnd> {
  const { end, tasks } = await runNodeTasks(job, run);
  if (tasks.some(({ kind }) => kind === "archive")) await sampleStorage(run.repository);
  return end;
}
