// snapshot-node and snapshot-classroom: agents archive through the gateway, which commits each node's snapshot by itself; this
// waits for all of them and then notes the repository's sizes for the charts.
import type { Job, JobEnd } from "#lib/db/jobs.ts";
import type { JobRun } from "../run-job.ts";
import { sampleStorage } from "../sample-storage.ts";
import { runNodeTasks } from "./node-tasks.ts";

export async function processSnapshot(job: Job, run: JobRun): Promise<JobEnd> {
  const end = await runNodeTasks(job, run);
  await sampleStorage(run.repository);
  return end;
}
