// What is true now about the nodes a restore would touch, collected once for the decision in plan-restore.ts. Applying a plan
// collects again and decides again: only if the answer is the same does anything run.
import { type Group, requireGroup } from "#lib/db/groups.ts";
import { findHolders } from "#lib/db/jobs.ts";
import { type EffectiveSnapshot, effectiveSnapshotsAt } from "#lib/db/matrix-views.ts";
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
  /** What would be restored: what was on the disks at the moment, as the matrix shows it, or the snapshot named. */
  readonly snapshot: SnapshotRow | null;
  /** The node had been rolled back to it before the moment, so it need not be the newest from then. */
  readonly wasRolledBack: boolean;
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
  const effective = await effectiveSnapshotsAt(
    nodes.map((node) => node.id),
    at,
  );
  const facts: NodeRestoreFacts[] = [];
  for (const node of nodes) {
    facts.push({
      nodeId: node.id,
      nodeName: node.name,
      lifeCycle: node.lifeCycle,
      online: isOnline(node.lastSeenAtMs, nowMs),
      disks: await disksOfNode(node.id),
      heldBy: holders.get(node.id) ?? null,
      ...(await snapshotFacts(node.id, exact, effective.get(node.id) ?? null)),
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

async function snapshotFacts(nodeId: string, exact: SnapshotRow | null, effective: EffectiveSnapshot | null) {
  const snapshots = await listSnapshots({ nodeId });
  const known = snapshots.find((candidate) => candidate.id === effective?.snapshotId);
  // Very old ones are beyond the list.
  const atMoment =
    known ?? (effective === null || exact !== null ? null : await findSnapshot(effective.snapshotId));
  return chooseSnapshot({ snapshots, exact, atMoment, by: effective?.by ?? "archive" });
}

/** Decides; touches nothing. A snapshot that was named wins over what was on the disks at its time. */
export function chooseSnapshot(facts: {
  readonly snapshots: readonly SnapshotRow[];
  readonly exact: SnapshotRow | null;
  readonly atMoment: SnapshotRow | null;
  readonly by: EffectiveSnapshot["by"];
}): Pick<NodeRestoreFacts, "snapshot" | "wasRolledBack" | "later"> {
  const snapshot = facts.exact ?? facts.atMoment;
  if (snapshot === null) return { snapshot, wasRolledBack: false, later: [] };
  const later = facts.snapshots.filter(
    (candidate) => candidate.repositoryId === snapshot.repositoryId && candidate.sequence > snapshot.sequence,
  );
  return { snapshot, wasRolledBack: facts.exact === null && facts.by === "restore", later };
}
