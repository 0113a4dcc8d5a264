// GET /api/v1/jobs/{id}, and what the event stream says of a job. The bytes are summed from the tasks, which agents keep fresher
// than the job's own row.
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { type Job, requireJob, type Task, tasksOfJob } from "#lib/db/jobs.ts";

export type JobAnswer = Job & { readonly tasks: readonly Task[] };

export async function showJobForApi(viewer: Viewer, jobId: string): Promise<JobAnswer> {
  permit(viewer, "read");
  const [job, tasks] = await Promise.all([requireJob(jobId), tasksOfJob(jobId)]);
  return { ...job, ...bytesOf(tasks), tasks };
}

function bytesOf(tasks: readonly Task[]): { doneBytes: number; totalBytes: number } {
  const counted = tasks.filter((task) => task.state !== "skipped");
  return {
    doneBytes: counted.reduce((sum, task) => sum + task.doneBytes, 0),
    totalBytes: counted.reduce((sum, task) => sum + task.totalBytes, 0),
  };
}
