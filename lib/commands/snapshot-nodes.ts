// Snapshots of several PCs in one job: a classroom, some of it, or chosen PCs. One task per enrolled PC. One that is switched off gets some
// time to appear; one that is busy is left out and says so. The button takes a whole classroom; a schedule goes by waves.
import { z } from "zod";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { requireGroup } from "#lib/db/groups.ts";
import { listNodes, type NodeSummary, partitionBytesOfNodes, requireNode } from "#lib/db/nodes.ts";
import { checkArchiveWords } from "#lib/model/archive-choice.ts";
import { CodedError } from "#lib/model/errors.ts";
import type { SnapshotPurpose } from "#lib/model/snapshot.ts";
import { ArchiveFields, Comment, Id, parseInput, RequestId } from "./input.ts";
import { wish } from "./wish.ts";

const NODES_MAX = 1000;

export const SnapshotNodesInput = z.object({
  groupId: Id.optional(),
  /** Only these, of the classroom if one is named. */
  nodeIds: z.array(Id).min(1).max(NODES_MAX).optional(),
  requestId: RequestId,
  comment: Comment,
  ...ArchiveFields,
});

export async function snapshotNodes(
  viewer: Viewer,
  input: z.input<typeof SnapshotNodesInput>,
  purpose: SnapshotPurpose = "manual",
): Promise<{ readonly jobId: string }> {
  permit(viewer, "snapshot");
  const { groupId, nodeIds, requestId, comment, ...words } = parseInput(SnapshotNodesInput, input);
  const storage = checkArchiveWords(words);
  refuseOneBase(storage.base);
  const group = groupId === undefined ? null : await requireGroup(groupId);
  const nodes = await chosenOf(group?.id ?? null, nodeIds);
  const name = group?.name ?? (nodes.length === 1 ? nodes[0]?.name : `${nodes.length} PCs`);
  if (nodes.length === 0) {
    throw new CodedError("node-unknown", `${name} has no enrolled PCs.`, {
      hint: "Approve PCs into the classroom under Enrolments.",
    });
  }
  const sizes = await partitionBytesOfNodes(nodes.map((node) => node.id));
  return wish(
    viewer,
    {
      kind: "snapshot-classroom",
      requestId,
      title: `Snapshot ${name}`,
      groupId: group?.id ?? null,
      options: { purpose, comment, ...storage },
      tasks: nodes.map(({ id }) => ({ kind: "archive", nodeId: id, totalBytes: sizes.get(id) ?? 0 })),
      whenBusy: "skip",
    },
    { subject: group?.id ?? nodes[0]?.id ?? "", facts: { nodes: nodes.length } },
  );
}

async function chosenOf(
  groupId: string | null,
  nodeIds: readonly string[] | undefined,
): Promise<NodeSummary[]> {
  const wanted = nodeIds === undefined ? null : new Set(nodeIds);
  const nodes: NodeSummary[] = [];
  if (groupId !== null) nodes.push(...(await listNodes({ groupId })));
  else for (const nodeId of wanted ?? []) nodes.push(await requireNode(nodeId));
  return nodes.filter(({ id, lifeCycle }) => lifeCycle === "enrolled" && (wanted?.has(id) ?? true));
}

function refuseOneBase(base: string | null): void {
  if (base === null || base === "previous" || base === "first") return;
  throw new CodedError("input-invalid", "One snapshot cannot be the base for a whole classroom.", {
    hint: "Use each PC's first or previous snapshot.",
  });
}
