// restore-node, roll-back-classroom and clone: agents compare their disks with the snapshot named in their task and write what differs.
// Nothing in the repository changes, so there is nothing to sample.
import type { Job, JobEnd } from "#lib/db/jobs.ts";
import type { JobRun } from "../run-job.ts";
import { runNodeTasks } from "./node-tasks.ts";

export function processRestore(job: Job, run: JobRun): Promise<JobEnd> {
  return runNodeTasks(job, run);
}
