// The common part of every job whose work is done by agents: let the tasks go, watch them to their ends, add up what they say.
// Started anew it finds the ended tasks ended and releases only the rest.
import { setTimeout as delay } from "node:timers/promises";
import { cancelIdleTasks, releaseTasks } from "#lib/db/job-upkeep.ts";
import { type Job, type JobEnd, requireJob, type Task, tasksOfJob } from "#lib/db/jobs.ts";
import { CodedError, type FailureReport } from "#lib/model/errors.ts";
import { isFinalTaskState, jobEventFromTasks } from "#lib/model/job.ts";
import type { JobRun } from "../run-job.ts";

/** Without a notification the rows are looked at this often. */
const POLL_MS = 1_000;
/** With many notifications, not more often than this. */
const PAUSE_MS = 100;
/** Looking at a job of hundreds of parts takes its time: the worker has other things to do nine tenths of it. */
const PAUSE_PER_LOOK = 9;

const CANCELLED: FailureReport = {
  code: "job-cancelled",
  message: "The job was cancelled before this began.",
  hint: null,
};

export async function runNodeTasks(
  job: Job,
  run: JobRun,
): Promise<{ readonly end: JobEnd; readonly tasks: readonly Task[] }> {
  const listener = run.watch.listen(job.id);
  try {
    for (;;) {
      const beganMs = performance.now();
      await releaseTasks(job.id);
      if ((await requireJob(job.id)).cancelAsked) await cancelIdleTasks(job.id, CANCELLED);
      const tasks = await tasksOfJob(job.id);
      const progress = progressOf(tasks);
      run.progress(progress);
      if (tasks.every((task) => isFinalTaskState(task.state))) {
        return { end: { ...endOf(tasks), ...progress, report: sumOfReports(tasks) }, tasks };
      }
      await delay(Math.max(PAUSE_MS, PAUSE_PER_LOOK * (performance.now() - beganMs)));
      await listener.changed(POLL_MS, run.signal);
      if (run.signal.aborted) throw new CodedError("worker-lost", "The worker stopped.", { retry: "later" });
    }
  } finally {
    listener.stop();
  }
}

export function progressOf(tasks: readonly Task[]): { doneBytes: number; totalBytes: number } {
  const counted = tasks.filter((task) => task.state !== "skipped");
  const sum = (bytes: (task: Task) => number) => counted.reduce((total, task) => total + bytes(task), 0);
  return { doneBytes: sum((task) => task.doneBytes), totalBytes: sum((task) => task.totalBytes) };
}

export function endOf(tasks: readonly Task[]): Pick<JobEnd, "event" | "failure"> {
  const event = jobEventFromTasks(tasks.map((task) => task.state));
  if (event === "finish") return { event, failure: null };
  if (event === "cancel") return { event, failure: { ...CANCELLED, message: "The job was cancelled." } };
  const bad = tasks.filter((task) => task.state === "failed" || task.state === "cancelled");
  const nodes = new Set(tasks.map(({ nodeId }) => nodeId));
  // Of one PC's tasks the first that failed is the cause; those behind it never began.
  const only = nodes.size === 1 ? (bad[0]?.failure ?? null) : null;
  return { event, failure: only ?? severalFailed(bad, nodes.size) };
}

function severalFailed(bad: readonly Task[], of: number): FailureReport {
  const firsts = bad.filter((task, at) => bad.findIndex(({ nodeId }) => nodeId === task.nodeId) === at);
  const names = new Set(firsts.map(({ nodeId }) => nodeId));
  const named = firsts
    .slice(0, 3)
    .map((task) => `${task.nodeName ?? task.id}: ${task.failure?.message ?? task.state}`);
  const more = names.size > named.length ? ` And ${names.size - named.length} more.` : "";
  return {
    code: "job-partly-failed",
    message: `${names.size} of ${of} nodes did not succeed. ${named.join(" ")}${more}`,
    hint: "Remove the causes named per node, then retry only the failed ones.",
  };
}

/** Every figure that tasks report, added up under the same name, and how many tasks ended how. */
export function sumOfReports(tasks: readonly Task[]): Record<string, number> {
  const sums: Record<string, number> = {};
  const add = (name: string, value: number) => {
    sums[name] = (sums[name] ?? 0) + value;
  };
  for (const task of tasks) {
    add(`${task.state}Count`, 1);
    for (const [name, value] of Object.entries(task.report ?? {})) {
      if (typeof value === "number" && Number.isFinite(value)) add(name, value);
    }
  }
  return sums;
}
