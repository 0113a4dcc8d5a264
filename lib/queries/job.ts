// One job's page: its tasks as lanes, the snapshots it made, and what a verification found.
import "server-only";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/viewer.ts";
import { findJobDetailRow, type JobDetailRow } from "#lib/db/job-views.ts";
import { listJobSnapshotRows } from "#lib/db/snapshot-views.ts";
import { isFinalJobState, isRepositoryJobKind } from "#lib/model/job.ts";
import { readUpkeepReport, type UpkeepReport } from "./upkeep-report.ts";
import { readVerifyReport, type VerifyFindings } from "./verify-report.ts";

export interface JobView {
  readonly job: JobDetailRow;
  readonly final: boolean;
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
