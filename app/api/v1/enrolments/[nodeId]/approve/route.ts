import { ApproveNodeInput, approveNode } from "#lib/commands/approve-node.ts";
import { parseInput } from "#lib/commands/input.ts";
import { bodyOf, routeOf } from "../../../route-of.ts";

export const runtime = "nodejs";
export const POST = routeOf<{ nodeId: string }>(async (viewer, request, { nodeId }) => {
  await approveNode(viewer, parseInput(ApproveNodeInput, { ...(await bodyOf(request)), nodeId }));
  return { nodeId };
});
