// What the button "Snapshot node" means.
import { z } from "zod";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { partitionBytesOfNodes, requireNode } from "#lib/db/nodes.ts";
import { CodedError } from "#lib/model/errors.ts";
import { Comment, Id, parseInput, RequestId } from "./input.ts";
import { wish } from "./wish.ts";

export const SnapshotNodeInput = z.object({ nodeId: Id, requestId: RequestId, comment: Comment });

export async function snapshotNode(
  viewer: Viewer,
  input: z.input<typeof SnapshotNodeInput>,
): Promise<{ readonly jobId: string }> {
  permit(viewer, "snapshot");
  const { nodeId, requestId, comment } = parseInput(SnapshotNodeInput, input);
  const node = await requireNode(nodeId);
  if (node.lifeCycle !== "enrolled") {
    throw new CodedError("node-unknown", `${node.name} is ${node.lifeCycle}, so no agent answers for it.`, {
      hint: "Approve the PC under Enrolments first.",
    });
  }
  const sizes = await partitionBytesOfNodes([nodeId]);
  return wish(
    viewer,
    {
      kind: "snapshot-node",
      requestId,
      title: `Snapshot ${node.name}`,
      groupId: node.groupId,
      options: { purpose: "manual", comment },
      tasks: [{ kind: "archive", nodeId, totalBytes: sizes.get(nodeId) ?? 0 }],
      whenBusy: "refuse",
    },
    { subject: nodeId },
  );
}
