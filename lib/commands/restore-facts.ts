// What is true now about the nodes a restore would touch, collected once for the decision in plan-restore.ts. Applying a plan
// collects again and decides again: only if the answer is the same does anything run.
import { type Group, requireGroup } from "#lib/db/groups.ts";
import { findHolders } from "#lib/db/jobs.ts";
import { disksOfNode, listNodes, type NodeSummary, requireNode } from "#lib/db/nodes.ts";
import { findSnapshot, listSnapshots, type SnapshotRow } from "#lib/db/snapshots.ts";
import { CodedError } from "#lib/model/errors.ts";
import { isId } from "#lib/model/ids.ts";
import { type DiskInfo, isOnline, type NodeLifeCycle } from "#lib/model/node.ts";
import type { RestorePlan } from "#lib/model/plan.ts";

export interface RestoreWish {
  readonly kind: RestorePlan["kind"];
  readonly subjectId: string;
  /** A moment in ISO 8601, or a snapshot's id. */
  readonly at: string;
}

export interface NodeRestoreFacts {
  readonly nodeId: string;
  readonly nodeName: string;
  readonly lifeCycle: NodeLifeCycle;
  readonly online: boolean;
  readonly disks: readonly DiskInfo[];
  /** The title of the open job that holds the node. */
  readonly heldBy: string | null;
  /** What would be restored: the newest snapshot not later than the moment, or the one named. */
  readonly snapshot: SnapshotRow | null;
  /** Snapshots of the node after that one. */
  readonly later: readonly SnapshotRow[];
}

export interface RestoreFacts {
  readonly kind: RestorePlan["kind"];
  readonly subject: string;
  readonly subjectName: string;
  readonly at: string;
  readonly nodes: readonly NodeRestoreFacts[];
}

export async function collectRestoreFacts(wish: RestoreWish, nowMs: number): Promise<RestoreFacts> {
  const subject = await subjectOf(wish);
  const { at, named } = await momentOf(wish);
  if (named !== null && wish.kind === "restore-node" && named.nodeId !== wish.subjectId) {
    throw new CodedError("snapshot-unknown", `Snapshot ${named.id} is not one of ${subject.name}.`, {
      hint: "Choose a snapshot of this node; writing one node's snapshot to another is cloning, not restoring.",
    });
  }
  const nodes = subject.nodes;
  const holders = new Map(
    (await findHolders(nodes.map((node) => node.id))).map((held) => [held.nodeId, held.title]),
  );
  const exact = wish.kind === "restore-node" ? named : null;
  const facts: NodeRestoreFacts[] = [];
  for (const node of nodes) {
    facts.push({
      nodeId: node.id,
      nodeName: node.name,
      lifeCycle: node.lifeCycle,
      online: isOnline(node.lastSeenAtMs, nowMs),
      disks: await disksOfNode(node.id),
      heldBy: holders.get(node.id) ?? null,
      ...chooseSnapshot(await listSnapshots({ nodeId: node.id }), at, exact),
    });
  }
  return { kind: wish.kind, subject: wish.subjectId, subjectName: subject.name, at, nodes: facts };
}

async function subjectOf(wish: RestoreWish): Promise<Group & { readonly nodes: readonly NodeSummary[] }> {
  if (wish.kind === "restore-node") {
    const node = await requireNode(wish.subjectId);
    return { id: node.id, name: node.name, nodes: [node] };
  }
  const group = await requireGroup(wish.subjectId);
  const nodes = await listNodes({ groupId: group.id });
  return { ...group, nodes: nodes.filter((node) => node.lifeCycle !== "retired") };
}

async function momentOf(wish: RestoreWish): Promise<{ at: string; named: SnapshotRow | null }> {
  if (isId("snap", wish.at)) {
    const named = await findSnapshot(wish.at);
    if (named === null) throw new CodedError("snapshot-unknown", `There is no snapshot ${wish.at}.`);
    return { at: named.createdAt, named };
  }
  const moment = new Date(wish.at);
  if (!Number.isNaN(moment.getTime())) return { at: moment.toISOString(), named: null };
  throw new CodedError(
    "input-invalid",
    `"${wish.at.slice(0, 64)}" is neither a moment nor a snapshot's id.`,
    {
      hint: "Give a time such as 2026-01-31T08:00:00Z, or an id that begins with snap_.",
    },
  );
}

/** `snapshots` are newest first. */
function chooseSnapshot(
  snapshots: readonly SnapshotRow[],
  at: string,
  exact: SnapshotRow | null,
): { snapshot: SnapshotRow | null; later: SnapshotRow[] } {
  // ISO times in UTC compare as text.
  const snapshot = exact ?? snapshots.find((candidate) => candidate.createdAt <= at) ?? null;
  if (snapshot === null) return { snapshot, later: [] };
  const after = snapshots.filter((candidate) => candidate.repositoryId === snapshot.repositoryId);
  return { snapshot, later: after.filter((candidate) => candidate.sequence > snapshot.sequence) };
}
