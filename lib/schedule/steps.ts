// A run on the store itself: one job, or, for a prune, the plan and then its application. Pure, as waves.ts is for PCs.
import type { JobState } from "#lib/model/job.ts";
import type { FinalRunState, ScheduleKind } from "#lib/model/schedule.ts";

export interface Step {
  /** Null: no job could be made, or none is made yet. */
  readonly job: { readonly id: string; readonly state: JobState; readonly drops: number } | null;
  readonly failureMessage: string | null;
}

export type StepDeed =
  | { readonly deed: "wait" }
  | { readonly deed: "begin"; readonly index: number; readonly planJobId: string | null }
  | { readonly deed: "end"; readonly state: FinalRunState; readonly reason: string | null };

const STATE_OF_JOB: Readonly<Record<JobState, FinalRunState | "open">> = {
  queued: "open",
  running: "open",
  succeeded: "succeeded",
  partial: "partial",
  failed: "failed",
  cancelled: "cancelled",
};

export function decideNextStep(kind: ScheduleKind, steps: readonly Step[]): StepDeed {
  const last = steps.at(-1);
  if (last === undefined) return { deed: "begin", index: 0, planJobId: null };
  if (last.failureMessage !== null) return { deed: "end", state: "failed", reason: last.failureMessage };
  if (last.job === null) return { deed: "wait" };
  const state = STATE_OF_JOB[last.job.state];
  if (state === "open") return { deed: "wait" };
  if (kind !== "prune" || state !== "succeeded" || steps.length > 1)
    return { deed: "end", state, reason: null };
  if (last.job.drops === 0) return { deed: "end", state, reason: "There was no snapshot to let go of." };
  return { deed: "begin", index: 1, planJobId: last.job.id };
}
