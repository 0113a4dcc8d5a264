import { ApproveNodeInput, approveNode } from "#lib/commands/approve-node.ts";
import { NodeNamed } from "#lib/queries/api/answers/nodes.ts";
import { routeOf } from "../../../route-of.ts";

export const runtime = "nodejs";

export const POST = routeOf(
  {
    path: "/api/v1/enrolments/{nodeId}/approve",
    summary: "Approve a PC that waits: it is that PC of that classroom",
    permission: "enrol",
    input: ApproveNodeInput,
    answer: NodeNamed,
    repeated: "Its name, classroom and seat are set once more.",
  },
  async ({ viewer, input }) => {
    await approveNode(viewer, input);
    return { nodeId: input.nodeId };
  },
);
