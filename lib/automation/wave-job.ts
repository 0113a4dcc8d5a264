// One wave of a run becomes a job, through the very command that a person's button calls, in the name of whoever made the schedule.
// The command asks permission first, as always: a role that was taken away meanwhile ends the schedule's power the same night.
// The request id follows from run and wave, so a second attempt finds the first one's job.
import type { z } from "zod";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { applyRestorePlan } from "#lib/commands/apply-restore-plan.ts";
import { evaluateSnapshots } from "#lib/commands/evaluate-snapshots.ts";
import { type PlanRestoreInput, planRestore } from "#lib/commands/plan-restore.ts";
import { type ParametersOf, parametersOf } from "#lib/commands/schedule-parameters.ts";
import { snapshotNodes } from "#lib/commands/snapshot-nodes.ts";
import {
  applyPrune,
  collectGarbage,
  planPruneJob,
  reSegmentRepository,
  scrubRepository,
} from "#lib/commands/upkeep.ts";
import { findJobByRequestId } from "#lib/db/jobs.ts";
import { findActiveUser } from "#lib/db/users.ts";
import { CodedError } from "#lib/model/errors.ts";
import { nameToConfirm } from "#lib/model/plan.ts";
import type { Schedule } from "#lib/model/schedule.ts";

export interface WaveWish {
  readonly runId: string;
  readonly index: number;
  readonly nodeIds: readonly string[];
  readonly plannedForMs: number;
  /** Seconds until the window's end, for work that can be told to stop by then. */
  readonly secondsMax: number | null;
  /** Of a prune: the job whose plan is applied. */
  readonly planJobId: string | null;
}

/** Throws what the command throws: CodedErrors with their hints. */
export async function makeWaveJob(schedule: Schedule, wave: WaveWish): Promise<string> {
  const requestId = `${wave.runId}:wave:${wave.index}`;
  const first = await findJobByRequestId(requestId);
  if (first !== null) return first.id;
  const viewer = await actingViewer(schedule);
  const { jobId } = await jobOf(viewer, schedule, wave, requestId);
  return jobId;
}

async function actingViewer(schedule: Schedule): Promise<Viewer> {
  const viewer = await findActiveUser(schedule.createdBy);
  if (viewer !== null) return viewer;
  throw new CodedError("not-permitted", `Whoever made "${schedule.name}" may not sign in any more.`, {
    hint: "Somebody who may do this makes the schedule anew.",
  });
}

type Made = Promise<{ readonly jobId: string }>;

function jobOf(viewer: Viewer, schedule: Schedule, wave: WaveWish, requestId: string): Made {
  const { kind, parameters } = schedule;
  switch (kind) {
    case "snapshot":
      return snapshotNodes(
        viewer,
        {
          ...parametersOf(kind, parameters),
          ...(schedule.target.kind === "classroom" ? { groupId: schedule.target.groupId } : {}),
          nodeIds: [...wave.nodeIds],
          requestId,
        },
        "scheduled",
      );
    case "roll-back":
      return rollBack(viewer, schedule, wave, requestId, parametersOf(kind, parameters));
    case "clone":
    case "localize": {
      const asked = { kind, ...parametersOf(kind, parameters) };
      return applied(
        viewer,
        schedule.target.kind === "classroom"
          ? { ...asked, groupId: schedule.target.groupId, onlyNodeIds: [...wave.nodeIds] }
          : { ...asked, nodeIds: [...wave.nodeIds] },
        requestId,
      );
    }
    case "prune":
      return wave.planJobId === null
        ? planPruneJob(viewer, { ...parametersOf(kind, parameters), requestId })
        : applyPrune(viewer, { planJobId: wave.planJobId, requestId });
    case "gc":
      return collectGarbage(viewer, { ...within(parametersOf(kind, parameters), wave), requestId });
    case "scrub":
      return scrubRepository(viewer, { ...within(parametersOf(kind, parameters), wave), requestId });
    case "re-segment":
      return reSegmentRepository(viewer, { ...within(parametersOf(kind, parameters), wave), requestId });
    case "evaluate":
      return evaluateSnapshots(viewer, { ...parametersOf(kind, parameters), requestId });
  }
}

function rollBack(
  viewer: Viewer,
  { target }: Schedule,
  wave: WaveWish,
  requestId: string,
  { moment, safety }: ParametersOf<"roll-back">,
): Made {
  if (target.kind !== "classroom") throw new CodedError("internal", "A roll back is of a classroom.");
  const at = moment ?? new Date(wave.plannedForMs).toISOString();
  const onlyNodeIds = [...wave.nodeIds];
  return applied(
    viewer,
    { kind: "roll-back-classroom", subjectId: target.groupId, at, onlyNodeIds, safety },
    requestId,
  );
}

/** Plan and application in one: the person read what the schedule does when it was made. What the plan leaves out says why. */
async function applied(viewer: Viewer, asked: z.input<typeof PlanRestoreInput>, requestId: string): Made {
  const plan = await planRestore(viewer, asked);
  if (plan.items.every((item) => item.action === "skip")) {
    const reasons = [...new Set(plan.items.map((item) => item.explanation))];
    throw new CodedError("nothing-to-restore", reasons.slice(0, 5).join(" "), {
      hint: "Remove these causes; the next run tries again.",
    });
  }
  const confirmName = nameToConfirm(plan) ?? undefined;
  return applyRestorePlan(viewer, { planId: plan.id, planHash: plan.hash, requestId, confirmName });
}

/** Work that can end early and go on another night does so at the window's end. */
function within<Words extends { secondsMax?: number | undefined }>(
  words: Words,
  { secondsMax }: WaveWish,
): Words {
  if (secondsMax === null) return words;
  return { ...words, secondsMax: Math.min(words.secondsMax ?? Number.POSITIVE_INFINITY, secondsMax) };
}
