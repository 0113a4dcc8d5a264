import { parseInput } from "#lib/commands/input.ts";
import { SnapshotNodeInput, snapshotNode } from "#lib/commands/snapshot-node.ts";
import { bodyOf, requestIdOf, routeOf } from "../../../route-of.ts";

export const runtime = "nodejs";
export const POST = routeOf<{ nodeId: string }>(async (viewer, request, { nodeId }) => {
  const { comment, technique, compression, base } = await bodyOf(request);
  return snapshotNode(
    viewer,
    parseInput(SnapshotNodeInput, {
      nodeId,
      comment,
      technique,
      compression,
      base,
      requestId: requestIdOf(request),
    }),
  );
}, 202);
