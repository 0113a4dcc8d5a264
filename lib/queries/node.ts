// One PC's page: what it is, its disks, its snapshots and the jobs that touched it.
import "server-only";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/viewer.ts";
import { type JobRow, listJobRows } from "#lib/db/job-views.ts";
import { findNodeRow, type NodeRow } from "#lib/db/node-views.ts";
import { countNodeSnapshots, listNodeSnapshotRows, type SnapshotRow } from "#lib/db/snapshot-views.ts";
import type { NodeIdentity } from "#lib/model/localization.ts";
import { isOnline } from "#lib/model/node.ts";
import { identitiesOf } from "./identities.ts";

const SNAPSHOTS_MAX = 100;
const JOBS_MAX = 30;

export interface NodeView {
  readonly node: NodeRow;
  readonly online: boolean;
  /** Newest first, with the node's own version number. */
  readonly snapshots: readonly (SnapshotRow & { readonly version: number })[];
  readonly snapshotCount: number;
  readonly jobs: readonly JobRow[];
  readonly active: boolean;
  readonly identity: NodeIdentity | null;
}

export async function nodeView(viewer: Viewer, nodeId: string): Promise<NodeView | null> {
  permit(viewer, "read");
  const node = await findNodeRow(nodeId);
  if (node === null) return null;
  const [snapshots, snapshotCount, jobs, identities] = await Promise.all([
    listNodeSnapshotRows(nodeId, SNAPSHOTS_MAX),
    countNodeSnapshots(nodeId),
    listJobRows({ nodeId }, JOBS_MAX),
    identitiesOf([nodeId]),
  ]);
  return {
    node,
    online: isOnline(node.lastSeenAt === null ? null : Date.parse(node.lastSeenAt), Date.now()),
    snapshots: snapshots.map((row, index) => ({ ...row, version: snapshotCount - index })),
    snapshotCount,
    jobs,
    identity: identities.get(nodeId) ?? null,
    active: jobs.some((job) => job.state === "queued" || job.state === "running"),
  };
}
