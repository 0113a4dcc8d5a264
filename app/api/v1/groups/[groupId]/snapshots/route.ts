import { SnapshotClassroomInput, snapshotClassroom } from "#lib/commands/snapshot-classroom.ts";
import { JobMade } from "#lib/queries/api/answers/shared.ts";
import { routeOf } from "../../../route-of.ts";

export const runtime = "nodejs";

export const POST = routeOf(
  {
    path: "/api/v1/groups/{groupId}/snapshots",
    summary: "Take a snapshot of every PC of a classroom",
    description: "One task for each enrolled PC. A PC that another job holds is left out, and says so.",
    permission: "snapshot",
    input: SnapshotClassroomInput,
    answer: JobMade,
    status: 202,
  },
  ({ viewer, input }) => snapshotClassroom(viewer, input),
);
