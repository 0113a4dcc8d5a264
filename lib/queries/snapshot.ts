// One snapshot's page: its images and sizes, and whether it was verified.
import "server-only";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/viewer.ts";
import { versionsOf } from "#lib/db/matrix-views.ts";
import { findRelease, type Release } from "#lib/db/releases.ts";
import { findSnapshotDetailRow, type SnapshotDetailRow } from "#lib/db/snapshot-views.ts";

export interface SnapshotView extends SnapshotDetailRow {
  readonly version: number;
  /** The release of a master that it is. */
  readonly release: Release | null;
  /** What diffs were made against, by its id; without those that were pruned. */
  readonly baseNames: Readonly<Record<string, string>>;
  readonly parent: { readonly id: string; readonly version: number } | null;
}

export async function snapshotView(viewer: Viewer, snapshotId: string): Promise<SnapshotView | null> {
  permit(viewer, "read");
  const row = await findSnapshotDetailRow(snapshotId);
  if (row === null) return null;
  const baseIds = row.images.flatMap(({ baseId }) => (baseId === null ? [] : [baseId]));
  const versions = await versionsOf([row.id, ...(row.parentId === null ? [] : [row.parentId]), ...baseIds]);
  const parent = row.parentId === null ? undefined : versions.get(row.parentId);
  return {
    ...row,
    version: versions.get(row.id)?.number ?? 1,
    release: await findRelease({ snapshotId }),
    baseNames: Object.fromEntries(
      baseIds.flatMap((id) => {
        const base = versions.get(id);
        return base === undefined ? [] : [[id, `v${base.number}`] as const];
      }),
    ),
    parent: parent === undefined ? null : { id: parent.snapshotId, version: parent.number },
  };
}
