// What the button "Snapshot node" means.
import { z } from "zod";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { partitionBytesOfNodes, requireNode } from "#lib/db/nodes.ts";
import { findSnapshot } from "#lib/db/snapshots.ts";
import { checkArchiveWords } from "#lib/model/archive-choice.ts";
import { CodedError } from "#lib/model/errors.ts";
import { ArchiveFields, Comment, Id, parseInput, RequestId } from "./input.ts";
import { wish } from "./wish.ts";

export const SnapshotNodeInput = z.object({
  nodeId: Id,
  requestId: RequestId,
  comment: Comment,
  ...ArchiveFields,
});

export async function snapshotNode(
  viewer: Viewer,
  input: z.input<typeof SnapshotNodeInput>,
): Promise<{ readonly jobId: string }> {
  permit(viewer, "snapshot");
  const { nodeId, requestId, comment, ...words } = parseInput(SnapshotNodeInput, input);
  const storage = checkArchiveWords(words);
  await checkBase(storage.base);
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
      options: { purpose: "manual", comment, ...storage },
      tasks: [{ kind: "archive", nodeId, totalBytes: sizes.get(nodeId) ?? 0 }],
      whenBusy: "refuse",
    },
    { subject: nodeId },
  );
}

async function checkBase(base: string | null): Promise<void> {
  if (base === null || base === "previous" || base === "first") return;
  if ((await findSnapshot(base)) !== null) return;
  throw new CodedError("snapshot-unknown", `There is no snapshot ${base} to be the base of a diff.`, {
    hint: "Choose another base; it may have been pruned meanwhile.",
  });
}
