// One snapshot's page: its images and sizes, and whether it was verified.
import "server-only";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/viewer.ts";
import { versionsOf } from "#lib/db/matrix-views.ts";
import { findSnapshotDetailRow, type SnapshotDetailRow } from "#lib/db/snapshot-views.ts";

export interface SnapshotView extends SnapshotDetailRow {
  readonly version: number;
  readonly parent: { readonly id: string; readonly version: number } | null;
}

export async function snapshotView(viewer: Viewer, snapshotId: string): Promise<SnapshotView | null> {
  permit(viewer, "read");
  const row = await findSnapshotDetailRow(snapshotId);
  if (row === null) return null;
  const versions = await versionsOf([row.id, ...(row.parentId === null ? [] : [row.parentId])]);
  const parent = row.parentId === null ? undefined : versions.get(row.parentId);
  return {
    ...row,
    version: versions.get(row.id)?.number ?? 1,
    parent: parent === undefined ? null : { id: parent.snapshotId, version: parent.number },
  };
}
