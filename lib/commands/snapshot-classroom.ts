// What the button "Snapshot classroom" means.
import { z } from "zod";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { ArchiveFields, Comment, Id, parseInput, RequestId } from "./input.ts";
import { snapshotNodes } from "./snapshot-nodes.ts";

export const SnapshotClassroomInput = z.object({
  groupId: Id,
  requestId: RequestId,
  comment: Comment,
  ...ArchiveFields,
});

export async function snapshotClassroom(
  viewer: Viewer,
  input: z.input<typeof SnapshotClassroomInput>,
): Promise<{ readonly jobId: string }> {
  permit(viewer, "snapshot");
  return snapshotNodes(viewer, parseInput(SnapshotClassroomInput, input));
}
