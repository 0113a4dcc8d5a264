import { refuseNode } from "#lib/commands/refuse-node.ts";
import { routeOf } from "../../../route-of.ts";

export const runtime = "nodejs";
export const POST = routeOf<{ nodeId: string }>(async (viewer, _request, { nodeId }) => {
  await refuseNode(viewer, { nodeId });
  return { nodeId };
});
