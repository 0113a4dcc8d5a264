import { RefuseNodeInput, refuseNode } from "#lib/commands/refuse-node.ts";
import { NodeNamed } from "#lib/queries/api/answers/nodes.ts";
import { routeOf } from "../../../route-of.ts";

export const runtime = "nodejs";

export const POST = routeOf(
  {
    path: "/api/v1/enrolments/{nodeId}/refuse",
    summary: "Refuse a PC that waits",
    permission: "enrol",
    input: RefuseNodeInput,
    answer: NodeNamed,
    repeated: "It is refused already, which changes nothing.",
  },
  async ({ viewer, input }) => {
    await refuseNode(viewer, input);
    return { nodeId: input.nodeId };
  },
);
