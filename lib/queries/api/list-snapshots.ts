// GET /api/v1/snapshots?node=&job=: the newest first.
import { z } from "zod";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { listSnapshots, type SnapshotRow } from "#lib/db/snapshots.ts";
import { type Page, pageFields, pageFrom, placeOf } from "./paging.ts";

export const SnapshotsAsked = z.object({
  node: z.string().max(64).optional().describe("Id of a PC: only its snapshots."),
  job: z.string().max(64).optional().describe("Id of a job: only what it made."),
  ...pageFields({ usual: 200, max: 1_000 }),
});

/** When it was made, its place in the repository, and its id: two repositories may have the same of both. */
const SnapshotPlace = z.tuple([z.iso.datetime(), z.number().int(), z.string()]);

export async function listSnapshotsForApi(
  viewer: Viewer,
  { node, job, limit, cursor }: z.output<typeof SnapshotsAsked>,
): Promise<Page<SnapshotRow>> {
  permit(viewer, "read");
  const place = placeOf(SnapshotPlace, cursor);
  const after = place === null ? undefined : { createdAt: place[0], sequence: place[1], id: place[2] };
  const rows = await listSnapshots({ nodeId: node, jobId: job, after, limit: limit + 1 });
  return pageFrom(rows, limit, ({ createdAt, sequence, id }) => [createdAt, sequence, id]);
}
