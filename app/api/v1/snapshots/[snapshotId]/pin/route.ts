import { parseInput } from "#lib/commands/input.ts";
import { PinSnapshotInput, pinSnapshot, unpinSnapshot } from "#lib/commands/pin-snapshot.ts";
import { bodyOf, requestIdOf, routeOf } from "../../../route-of.ts";

export const runtime = "nodejs";
export const POST = routeOf<{ snapshotId: string }>(async (viewer, request, { snapshotId }) => {
  const input = { ...(await bodyOf(request)), snapshotId, requestId: requestIdOf(request) };
  return pinSnapshot(viewer, parseInput(PinSnapshotInput, input));
}, 202);

export const DELETE = routeOf<{ snapshotId: string }>(
  (viewer, request, { snapshotId }) => unpinSnapshot(viewer, { snapshotId, requestId: requestIdOf(request) }),
  202,
);
