// What "Retry failed only" means: a new job with the tasks of an ended one that did not succeed. A restore is repeated only
// while the plan's snapshots are still what was shown, so it brings back the same snapshots as before.
import { z } from "zod";
import { type Action, permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import type { JobOptions } from "#lib/db/job-options.ts";
import { requireJob, tasksOfJob } from "#lib/db/jobs.ts";
import { CodedError } from "#lib/model/errors.ts";
import { isFinalJobState, type JobKind } from "#lib/model/job.ts";
import { Id, parseInput, RequestId } from "./input.ts";
import { wish } from "./wish.ts";

export const RetryFailedOnlyInput = z.object({ jobId: Id, requestId: RequestId });

const ACTION_OF: Readonly<Record<JobKind, Action>> = {
  "snapshot-node": "snapshot",
  "snapshot-classroom": "snapshot",
  "restore-node": "restore",
  "roll-back-classroom": "restore",
  clone: "restore",
  localize: "localize",
  verify: "verify",
  evaluate: "evaluate",
  prune: "prune",
  gc: "upkeep",
  scrub: "upkeep",
  "re-segment": "upkeep",
  pin: "pin",
  "scan-tokens": "release",
};

export async function retryFailedOnly(
  viewer: Viewer,
  input: z.input<typeof RetryFailedOnlyInput>,
): Promise<{ readonly jobId: string }> {
  permit(viewer, "read");
  const { jobId, requestId } = parseInput(RetryFailedOnlyInput, input);
  const job = await requireJob(jobId);
  permit(viewer, ACTION_OF[job.kind]);
  if (!isFinalJobState(job.state)) {
    throw new CodedError("input-invalid", `"${job.title}" has not ended yet.`, {
      hint: "Wait until it ends.",
    });
  }
  const failed = (await tasksOfJob(jobId)).filter(
    (task) => task.state !== "succeeded" && task.state !== "skipped",
  );
  if (failed.length === 0) {
    throw new CodedError("input-invalid", `Nothing of "${job.title}" failed.`);
  }
  return wish(
    viewer,
    {
      kind: job.kind,
      requestId,
      title: job.title,
      groupId: job.groupId,
      planId: job.planId,
      // What a wish has written, and nobody since.
      options: { ...(job.options as JobOptions), retryOf: jobId },
      tasks: failed.map((task) => ({
        kind: task.kind,
        position: task.position,
        nodeId: task.nodeId,
        totalBytes: task.totalBytes,
        snapshotId: task.snapshotId,
        diskMap: task.diskMap,
        replacesLayout: task.replacesLayout,
        ...(task.localizationId === null ? {} : { localization: { id: task.localizationId } }),
      })),
      whenBusy: "skip",
    },
    { subject: jobId, facts: { tasks: failed.length } },
  );
}
