import { SnapshotNodeInput, snapshotNode } from "#lib/commands/snapshot-node.ts";
import { JobMade } from "#lib/queries/api/answers/shared.ts";
import { routeOf } from "../../../route-of.ts";

export const runtime = "nodejs";

export const POST = routeOf(
  {
    path: "/api/v1/nodes/{nodeId}/snapshots",
    summary: "Take a snapshot of a PC",
    permission: "snapshot",
    input: SnapshotNodeInput,
    answer: JobMade,
    status: 202,
  },
  ({ viewer, input }) => snapshotNode(viewer, input),
);
