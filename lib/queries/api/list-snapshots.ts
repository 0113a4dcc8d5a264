// GET /api/v1/snapshots?node=&job=&limit=
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { listSnapshots, type SnapshotRow } from "#lib/db/snapshots.ts";

const LIMIT_DEFAULT = 200;
const LIMIT_MAX = 1_000;

export interface SnapshotFilter {
  readonly nodeId: string | null;
  readonly jobId: string | null;
  readonly limit: number | null;
}

/** Newest first. */
export async function listSnapshotsForApi(viewer: Viewer, filter: SnapshotFilter): Promise<SnapshotRow[]> {
  permit(viewer, "read");
  const limit = Math.max(1, Math.min(LIMIT_MAX, filter.limit ?? LIMIT_DEFAULT));
  return listSnapshots({ nodeId: filter.nodeId ?? undefined, jobId: filter.jobId ?? undefined, limit });
}
