// One job's page: its tasks as lanes, the snapshots it made, and what a verification found.
import "server-only";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/viewer.ts";
import { findJobDetailRow, type JobDetailRow } from "#lib/db/job-views.ts";
import { listJobSnapshotRows } from "#lib/db/snapshot-views.ts";
import { isFinalJobState, isRepositoryJobKind } from "#lib/model/job.ts";
import { UNDO_DAYS } from "#lib/model/plan.ts";
import { readUpkeepReport, type UpkeepReport } from "./upkeep-report.ts";
import { readVerifyReport, type VerifyFindings } from "./verify-report.ts";

export interface JobView {
  readonly job: JobDetailRow;
  readonly final: boolean;
  /** It took snapshots of PCs before it wrote to them, not too long ago. */
  readonly canUndo: boolean;
  /** The snapshot each node's lane made, by node id. */
  readonly snapshotOf: Readonly<
    Record<string, { id: string; newBytes: number; storedBytes: number; sizeBytes: number }>
  >;
  readonly verification: VerifyFindings | null;
  /** Of work on the repository that has ended. */
  readonly upkeep: UpkeepReport | null;
}

export async function jobView(viewer: Viewer, jobId: string): Promise<JobView | null> {
  permit(viewer, "read");
  const [job, snapshots] = await Promise.all([findJobDetailRow(jobId), listJobSnapshotRows(jobId)]);
  if (job === null) return null;
  return {
    job,
    final: isFinalJobState(job.state),
    canUndo: canUndo(job, Date.now()),
    snapshotOf: Object.fromEntries(
      snapshots.map(({ id, nodeId, newBytes, storedBytes, sizeBytes }) => [
        nodeId,
        { id, newBytes, storedBytes, sizeBytes },
      ]),
    ),
    verification: job.kind === "verify" ? readVerifyReport(job.report) : null,
    upkeep: isRepositoryJobKind(job.kind) ? readUpkeepReport(job.kind, job.report) : null,
  };
}

const DAY_MS = 24 * 3600 * 1000;

function canUndo({ kind, state, finishedAt, tasks }: JobDetailRow, nowMs: number): boolean {
  const isRollBack = kind === "restore-node" || kind === "roll-back-classroom";
  if (!isRollBack || !isFinalJobState(state) || finishedAt === null) return false;
  if (nowMs - Date.parse(finishedAt) > UNDO_DAYS * DAY_MS) return false;
  const written = new Set(
    tasks.flatMap(({ kind: part, nodeId, startedAt }) =>
      part === "restore" && startedAt !== null && nodeId !== null ? [nodeId] : [],
    ),
  );
  return tasks.some(
    ({ kind: part, state: end, nodeId }) =>
      part === "archive" && end === "succeeded" && nodeId !== null && written.has(nodeId),
  );
}
