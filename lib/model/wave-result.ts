// What became of a wave's PCs, from the tasks of its job. A PC with several tasks counts once: by the one that did not succeed.
import type { FailureCode } from "./errors.ts";
import { isFinalJobState, type JobState, type TaskState } from "./job.ts";

/** Skipped ones (off, busy) were never tried, so they neither prove nor disprove anything. */
export interface WaveResult {
  readonly succeeded: number;
  readonly failed: number;
  readonly skipped: number;
  readonly cancelled: number;
}

export interface WaveFacts {
  readonly nodeIds: readonly string[];
  /** Why no job could be made. */
  readonly failure: { readonly code: FailureCode } | null;
  readonly job: {
    readonly state: JobState;
    readonly tasks: readonly { readonly nodeId: string | null; readonly state: TaskState }[];
  } | null;
}

/** The wave's PCs could not be tried, which says nothing about whether it would have worked. */
const NOT_TRIED: readonly FailureCode[] = ["nothing-to-restore", "node-busy", "node-offline", "node-unknown"];

/** Null: under way. */
export function resultOfWave({ nodeIds, failure, job }: WaveFacts): WaveResult | null {
  const none = { succeeded: 0, failed: 0, skipped: 0, cancelled: 0 };
  if (failure !== null && job === null) {
    return { ...none, [NOT_TRIED.includes(failure.code) ? "skipped" : "failed"]: nodeIds.length };
  }
  if (job === null || !isFinalJobState(job.state)) return null;
  const counts = { ...none };
  for (const nodeId of nodeIds) {
    const states = job.tasks.filter((task) => task.nodeId === nodeId).map(({ state }) => state);
    counts[endOfPc(states)] += 1;
  }
  return counts;
}

function endOfPc(states: readonly TaskState[]): keyof WaveResult {
  if (states.includes("failed")) return "failed";
  if (states.includes("cancelled")) return "cancelled";
  // A PC without a task left the classroom, or was retired, before its turn came.
  if (states.every((state) => state === "skipped")) return "skipped";
  return states.every((state) => state === "succeeded" || state === "skipped") ? "succeeded" : "failed";
}

export function totalOf(results: readonly WaveResult[]): WaveResult {
  const sum = (of: (result: WaveResult) => number) => results.reduce((total, each) => total + of(each), 0);
  return {
    succeeded: sum((each) => each.succeeded),
    failed: sum((each) => each.failed),
    skipped: sum((each) => each.skipped),
    cancelled: sum((each) => each.cancelled),
  };
}
