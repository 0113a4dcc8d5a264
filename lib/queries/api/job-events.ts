// Follows jobs as they change, for the event stream: at most four words a second about each job, and always its last one.
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { subscribe } from "#lib/db/notify.ts";
import { showJobForApi } from "./show-job.ts";

const PAUSE_MS = 250;

export interface JobEvent {
  readonly id: string;
  readonly kind: string;
  readonly state: string;
  readonly title: string;
  readonly doneBytes: number;
  readonly totalBytes: number;
  readonly failureCode: string | null;
  readonly tasks: readonly {
    readonly id: string;
    readonly nodeId: string | null;
    readonly state: string;
    readonly step: string;
    readonly doneBytes: number;
    readonly totalBytes: number;
  }[];
}

/** Calls back until the returned function is called. `onBroken` is told when a job cannot be read, or when changes may have
 *  been missed: whoever follows should begin anew. */
export async function followJobs(
  viewer: Viewer,
  only: string | null,
  onEvent: (event: JobEvent) => void,
  onBroken: () => void,
): Promise<() => Promise<void>> {
  permit(viewer, "read");
  const due = new Set<string>();
  const resting = new Map<string, NodeJS.Timeout>();
  const say = (jobId: string) => {
    due.delete(jobId);
    resting.set(
      jobId,
      setTimeout(() => rest(jobId), PAUSE_MS),
    );
    readEvent(viewer, jobId).then(onEvent, onBroken);
  };
  const rest = (jobId: string) => {
    resting.delete(jobId);
    if (due.has(jobId)) say(jobId);
  };
  const hear = (jobId: string) => {
    if (only !== null && jobId !== only) return;
    due.add(jobId);
    if (!resting.has(jobId)) say(jobId);
  };
  const unsubscribe = await subscribe("jobs", hear, onBroken);
  return async () => {
    due.clear();
    for (const timer of resting.values()) clearTimeout(timer);
    await unsubscribe();
  };
}

async function readEvent(viewer: Viewer, jobId: string): Promise<JobEvent> {
  const job = await showJobForApi(viewer, jobId);
  const { id, kind, state, title, doneBytes, totalBytes } = job;
  const tasks = job.tasks.map((task) => ({
    id: task.id,
    nodeId: task.nodeId,
    state: task.state,
    step: task.step,
    doneBytes: task.doneBytes,
    totalBytes: task.totalBytes,
  }));
  return { id, kind, state, title, doneBytes, totalBytes, failureCode: job.failure?.code ?? null, tasks };
}
