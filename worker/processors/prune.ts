// prune: as a plan it says which snapshots the policy would let go of, and why each other one stays; applied, it removes exactly
// what a plan has shown, or nothing when one of those must stay by now. Snapshots already gone are no obstacle: a job whose
// worker died half-way goes on.
import { z } from "zod";
import type { Job, JobEnd } from "#lib/db/jobs.ts";
import { forgetSnapshots, verifyStatesOf } from "#lib/db/snapshots.ts";
import type { Repository } from "#lib/engine/repository.ts";
import { CodedError } from "#lib/model/errors.ts";
import { planPrune } from "#lib/model/prune-plan.ts";
import { RETENTION_RULES, type RetentionDecision, type SnapshotHealth } from "#lib/model/retention.ts";
import type { JobRun } from "../run-job.ts";
import { sampleStorage } from "../sample-storage.ts";
import { type RepositoryWork, runRepositoryTask } from "./repository-task.ts";

const PruneOptions = z.object({
  keep: z.partialRecord(z.enum(RETENTION_RULES), z.number().int().min(0)),
  timeZone: z.string(),
  /** Absent: only a plan. */
  approved: z.array(z.string()).optional(),
});

export function processPrune(job: Job, run: JobRun): Promise<JobEnd> {
  return runRepositoryTask(job, run, "deciding", async (work) => {
    const options = PruneOptions.safeParse(job.options);
    if (!options.success) {
      throw new CodedError("input-invalid", "The job does not say what to keep.", {
        hint: "Choose under Settings what is kept, then plan again.",
      });
    }
    const { approved, ...policy } = options.data;
    const { repository } = run;
    const decisions = planPrune(
      {
        snapshots: repository.snapshots(),
        pins: repository.pins(),
        healthOf: await healthOf(repository, work.signal),
      },
      policy,
    );
    if (approved === undefined) return { report: { decisions, removedIds: [] } };
    const removedIds = await apply(repository, decisions, approved, work, job.attempt === 1);
    await forgetSnapshots(removedIds);
    await sampleStorage(repository);
    return { report: { decisions: [], removedIds } };
  });
}

/** A scrub's and a verification's word; what neither has looked at counts as good until one has. */
async function healthOf(
  repository: Repository,
  signal: AbortSignal,
): Promise<(snapshotId: string) => SnapshotHealth> {
  const damaged = await repository.damagedSnapshots({ signal });
  const verified = await verifyStatesOf(repository.info.id);
  return (id) => {
    const state = verified.get(id);
    if (damaged.has(id) || state === "corrupt") return "damaged";
    return state === "verified" ? "good" : "unverified";
  };
}

async function apply(
  repository: Repository,
  decisions: readonly RetentionDecision[],
  approved: readonly string[],
  work: RepositoryWork,
  isFirst: boolean,
): Promise<string[]> {
  const byId = new Map(decisions.map((decision) => [decision.snapshotId, decision]));
  const kept = approved.flatMap((id) => {
    const decision = byId.get(id);
    return decision?.verdict === "keep" ? [decision] : [];
  });
  if (kept[0] !== undefined) {
    throw new CodedError(
      "plan-changed",
      `${kept[0].snapshotId} must stay by now: ${kept[0].reasons.join("; ")}${kept.length > 1 ? ` (and ${kept.length - 1} more)` : ""}.`,
      { hint: "Nothing was removed. Plan again and look at what it shows now." },
    );
  }
  work.signal.throwIfAborted();
  work.step("pruning");
  const there = approved.filter((id) => byId.has(id));
  await repository.prune({ snapshotIds: there });
  // A worker that died before us may have removed some, and not their rows.
  return isFirst ? there : [...approved];
}
