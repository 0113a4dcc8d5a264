// What the button "Snapshot classroom" means: one task per enrolled node. A node that is switched off gets some time to appear;
// one that is busy is left out and says so.
import { z } from "zod";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { requireGroup } from "#lib/db/groups.ts";
import { listNodes, partitionBytesOfNodes } from "#lib/db/nodes.ts";
import { CodedError } from "#lib/model/errors.ts";
import { Comment, Id, parseInput, RequestId } from "./input.ts";
import { wish } from "./wish.ts";

export const SnapshotClassroomInput = z.object({ groupId: Id, requestId: RequestId, comment: Comment });

export async function snapshotClassroom(
  viewer: Viewer,
  input: z.input<typeof SnapshotClassroomInput>,
): Promise<{ readonly jobId: string }> {
  permit(viewer, "snapshot");
  const { groupId, requestId, comment } = parseInput(SnapshotClassroomInput, input);
  const group = await requireGroup(groupId);
  const nodes = (await listNodes({ groupId })).filter((node) => node.lifeCycle === "enrolled");
  if (nodes.length === 0) {
    throw new CodedError("node-unknown", `${group.name} has no enrolled PCs.`, {
      hint: "Approve PCs into the classroom under Enrolments.",
    });
  }
  const sizes = await partitionBytesOfNodes(nodes.map((node) => node.id));
  return wish(
    viewer,
    {
      kind: "snapshot-classroom",
      requestId,
      title: `Snapshot ${group.name}`,
      groupId,
      options: { purpose: "manual", comment },
      tasks: nodes.map(({ id }) => ({ kind: "archive", nodeId: id, totalBytes: sizes.get(id) ?? 0 })),
      whenBusy: "skip",
    },
    { subject: groupId, facts: { nodes: nodes.length } },
  );
}
