import {
  PinSnapshotInput,
  pinSnapshot,
  UnpinSnapshotInput,
  unpinSnapshot,
} from "#lib/commands/pin-snapshot.ts";
import { JobMade } from "#lib/queries/api/answers/shared.ts";
import { routeOf } from "../../../route-of.ts";

export const runtime = "nodejs";

export const POST = routeOf(
  {
    path: "/api/v1/snapshots/{snapshotId}/pin",
    summary: "Pin a snapshot: it stays whatever the rules say",
    permission: "pin",
    input: PinSnapshotInput,
    answer: JobMade,
    status: 202,
  },
  ({ viewer, input }) => pinSnapshot(viewer, input),
);

export const DELETE = routeOf(
  {
    path: "/api/v1/snapshots/{snapshotId}/pin",
    summary: "Unpin a snapshot",
    permission: "pin",
    input: UnpinSnapshotInput,
    answer: JobMade,
    status: 202,
  },
  ({ viewer, input }) => unpinSnapshot(viewer, input),
);
