// What the buttons of the store's upkeep mean: GC (or its plan), scrub, re-segment, the plan of a prune, and its application.
import { z } from "zod";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { requireJob } from "#lib/db/jobs.ts";
import { findRepositoryChoice, listRepositories } from "#lib/db/repositories.ts";
import { CodedError } from "#lib/model/errors.ts";
import { Id, parseInput, RequestId } from "./input.ts";
import { wish } from "./wish.ts";

const SECONDS_MAX = 7 * 24 * 3600;
const seconds = z.number().int().min(1).max(SECONDS_MAX).optional();

export const CollectGarbageInput = z.object({
  requestId: RequestId,
  isPlan: z.boolean().default(false),
  secondsMax: seconds,
});
export const ScrubRepositoryInput = z.object({
  requestId: RequestId,
  deep: z.boolean().default(false),
  secondsMax: seconds,
  bytesPerSecond: z.number().int().min(4096).optional(),
});
export const ReSegmentInput = z.object({
  requestId: RequestId,
  /** Of zstd. */
  level: z.number().int().min(1).max(19).optional(),
  olderThanDays: z.number().int().min(0).max(36_500).optional(),
  bytesMax: z.number().int().min(1).optional(),
  secondsMax: seconds,
});
export const PlanPruneInput = z.object({ requestId: RequestId, repositoryId: Id.optional() });
export const ApplyPruneInput = z.object({ requestId: RequestId, planJobId: Id });

type Made = Promise<{ readonly jobId: string }>;

export async function collectGarbage(viewer: Viewer, input: z.input<typeof CollectGarbageInput>): Made {
  permit(viewer, "upkeep");
  const { requestId, isPlan, secondsMax } = parseInput(CollectGarbageInput, input);
  const title = isPlan ? "Look what GC would free" : "Free what nothing needs";
  const options = { isPlan, secondsMax: secondsMax ?? null };
  return ofRepository(viewer, { kind: "gc", requestId, title, options });
}

export async function scrubRepository(viewer: Viewer, input: z.input<typeof ScrubRepositoryInput>): Made {
  permit(viewer, "upkeep");
  const { requestId, deep, secondsMax, bytesPerSecond } = parseInput(ScrubRepositoryInput, input);
  const title = deep ? "Scrub the store, deep" : "Scrub the store";
  const options = { deep, secondsMax: secondsMax ?? null, bytesPerSecond: bytesPerSecond ?? null };
  return ofRepository(viewer, { kind: "scrub", requestId, title, options });
}

/** Compresses cold packs anew, within a budget; the next one goes on. */
export async function reSegmentRepository(viewer: Viewer, input: z.input<typeof ReSegmentInput>): Made {
  permit(viewer, "upkeep");
  const { requestId, level, olderThanDays, bytesMax, secondsMax } = parseInput(ReSegmentInput, input);
  const options = {
    level: level ?? null,
    olderThanDays: olderThanDays ?? null,
    bytesMax: bytesMax ?? null,
    secondsMax: secondsMax ?? null,
  };
  const title = "Compress cold packs anew";
  return ofRepository(viewer, { kind: "re-segment", requestId, title, options });
}

/** Says what the policy of the settings would let go of; removes nothing. */
export async function planPruneJob(viewer: Viewer, input: z.input<typeof PlanPruneInput>): Made {
  permit(viewer, "prune");
  const { requestId, repositoryId } = parseInput(PlanPruneInput, input);
  const id = repositoryId ?? (await listRepositories())[0]?.id;
  const retention = id === undefined ? null : ((await findRepositoryChoice(id))?.retention ?? null);
  if (retention === null) {
    throw new CodedError("input-invalid", "Nobody has chosen yet which snapshots are kept.", {
      hint: "Choose it on the storage page, under What is kept.",
    });
  }
  const options = { keep: { ...retention.keep }, timeZone: retention.timeZone };
  return ofRepository(viewer, { kind: "prune", requestId, title: "Plan what to prune", options });
}

const PrunePlan = z.object({
  decisions: z.array(z.object({ snapshotId: z.string(), verdict: z.enum(["keep", "drop"]) })),
});

/** Removes exactly what a plan has shown. */
export async function applyPrune(viewer: Viewer, input: z.input<typeof ApplyPruneInput>): Made {
  permit(viewer, "prune");
  const { requestId, planJobId } = parseInput(ApplyPruneInput, input);
  const planned = await requireJob(planJobId);
  const plan = PrunePlan.safeParse(planned.report);
  if (planned.kind !== "prune" || planned.state !== "succeeded" || !plan.success) {
    throw new CodedError("plan-unknown", `${planJobId} is not a plan of what to prune.`, {
      hint: "Plan again, and apply what it shows.",
    });
  }
  const approved = plan.data.decisions
    .filter(({ verdict }) => verdict === "drop")
    .map(({ snapshotId }) => snapshotId);
  if (approved.length === 0) {
    throw new CodedError("input-invalid", "The plan lets go of no snapshot.", {
      hint: "There is nothing to do.",
    });
  }
  const { keep, timeZone } = PruneOptions.parse(planned.options);
  const title = approved.length === 1 ? "Prune one snapshot" : `Prune ${approved.length} snapshots`;
  return ofRepository(viewer, {
    kind: "prune",
    requestId,
    title,
    options: { keep, timeZone, approved, planJobId },
  });
}

const PruneOptions = z.object({ keep: z.record(z.string(), z.number()), timeZone: z.string() });

function ofRepository(
  viewer: Viewer,
  job: Pick<Parameters<typeof wish>[1], "requestId" | "title" | "options"> & {
    readonly kind: "gc" | "scrub" | "prune" | "re-segment";
  },
): Made {
  const tasks = [{ kind: job.kind, nodeId: null }];
  return wish(viewer, { ...job, tasks, whenBusy: "refuse" }, { subject: "repository" });
}
