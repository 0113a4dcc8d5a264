import { parseInput } from "#lib/commands/input.ts";
import { SnapshotClassroomInput, snapshotClassroom } from "#lib/commands/snapshot-classroom.ts";
import { bodyOf, requestIdOf, routeOf } from "../../../route-of.ts";

export const runtime = "nodejs";
export const POST = routeOf<{ groupId: string }>(async (viewer, request, { groupId }) => {
  const { comment, technique, compression, base } = await bodyOf(request);
  const input = { groupId, comment, technique, compression, base, requestId: requestIdOf(request) };
  return snapshotClassroom(viewer, parseInput(SnapshotClassroomInput, input));
}, 202);
