// What the button "Snapshot classroom" means: one task per enrolled node. A node that is switched off gets some time to appear;
// one that is busy is left out and says so.
import { z } from "zod";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { requireGroup } from "#lib/db/groups.ts";
import { listNodes, partitionBytesOfNodes } from "#lib/db/nodes.ts";
import { checkArchiveWords } from "#lib/model/archive-choice.ts";
import { CodedError } from "#lib/model/errors.ts";
import { ArchiveFields, Comment, Id, parseInput, RequestId } from "./input.ts";
import { wish } from "./wish.ts";

export const SnapshotClassroomInput = z.object({
  groupId: Id,
  requestId: RequestId,
  comment: Comment,
  ...ArchiveFields,
});

export async function snapshotClassroom(
  viewer: Viewer,
  input: z.input<typeof SnapshotClassroomInput>,
): Promise<{ readonly jobId: string }> {
  permit(viewer, "snapshot");
  const { groupId, requestId, comment, ...words } = parseInput(SnapshotClassroomInput, input);
  const storage = checkArchiveWords(words);
  refuseOneBase(storage.base);
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
      options: { purpose: "manual", comment, ...storage },
      tasks: nodes.map(({ id }) => ({ kind: "archive", nodeId: id, totalBytes: sizes.get(id) ?? 0 })),
      whenBusy: "skip",
    },
    { subject: groupId, facts: { nodes: nodes.length } },
  );
}

function refuseOneBase(base: string | null): void {
  if (base === null || base === "previous" || base === "first") return;
  throw new CodedError("input-invalid", "One snapshot cannot be the base for a whole classroom.", {
    hint: "Use each PC's first or previous snapshot.",
  });
}
