// What is true now about the nodes a restore would touch, collected once for the decision in plan-restore.ts. Applying a plan
// collects again and decides again: only if the answer is the same does anything run.
import { unseal } from "#lib/auth/sealed.ts";
import { type Group, requireGroup } from "#lib/db/groups.ts";
import { findHolders, requireJob, tasksOfJob } from "#lib/db/jobs.ts";
import { readLocalizationFacts, requireMaster } from "#lib/db/localization-facts.ts";
import { appliedLocalizations } from "#lib/db/localizations.ts";
import { type EffectiveSnapshot, effectiveSnapshotsAt } from "#lib/db/matrix-views.ts";
import { disksOfNode, listNodes, type NodeSummary, requireNode } from "#lib/db/nodes.ts";
import { findSnapshot, listSnapshots, type SnapshotRow } from "#lib/db/snapshots.ts";
import { type Decided, decideLocalizations } from "#lib/localize/decide.ts";
import { CodedError } from "#lib/model/errors.ts";
import { isId } from "#lib/model/ids.ts";
import { isFinalJobState } from "#lib/model/job.ts";
import { type DiskInfo, isOnline, type NodeLifeCycle } from "#lib/model/node.ts";
import { isOfMaster, type PlanKind } from "#lib/model/plan.ts";

export type RestoreWish =
  | {
      readonly kind: "restore-node" | "roll-back-classroom";
      /** A snapshot of each PC as it is comes first, so that this can be undone. */
      readonly safety?: boolean;
      readonly subjectId: string;
      /** A moment in ISO 8601, or a snapshot's id. */
      readonly at: string;
      /** Of a classroom only these: a wave. */
      readonly onlyNodeIds?: readonly string[];
    }
  /** Each PC back to the snapshot that was taken of it before that job wrote to it. */
  | { readonly kind: "undo"; readonly jobId: string }
  | (CloneWish & { readonly groupId: string; readonly onlyNodeIds?: readonly string[] })
  | (CloneWish & { readonly nodeIds: readonly string[] });

interface CloneWish {
  /** "localize": each copy gets what its PC is told, too. */
  readonly kind: "clone" | "localize";
  readonly snapshotId: string;
  /** Of a localization: a snapshot of each PC follows. */
  readonly baseline?: boolean;
  /** PCs that are partitioned otherwise get the snapshot's partition table, too. */
  readonly replaceLayouts: boolean;
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
  /** Snapshots of the node after that one; for a clone all of its own. */
  readonly later: readonly SnapshotRow[];
  readonly isClone: boolean;
  /** Another partition table than the snapshot's may be replaced. */
  readonly mayReplaceLayout: boolean;
  /** The snapshot is what was written to the node last. */
  readonly isThere: boolean;
  /** A snapshot of it as it is comes first. */
  readonly safety: boolean;
  /** Of a localize plan. */
  readonly localization: NodeLocalizationFacts | null;
}

export interface NodeLocalizationFacts {
  readonly decided: Decided;
  /** The master was written to it last, whatever has changed since. */
  readonly hasMaster: boolean;
  /** It holds what it is told already, as far as is known. */
  readonly isCurrent: boolean;
  readonly baseline: boolean;
}

export interface RestoreFacts {
  readonly kind: PlanKind;
  readonly subject: string;
  readonly subjectName: string;
  readonly at: string;
  readonly nodes: readonly NodeRestoreFacts[];
}

export async function collectRestoreFacts(wish: RestoreWish, nowMs: number): Promise<RestoreFacts> {
  if (wish.kind === "undo") return undoFacts(wish.jobId, nowMs);
  const subject = await subjectOf(wish);
  const { at, named } =
    "snapshotId" in wish ? await momentOfSnapshot(wish.snapshotId) : await momentOf(wish.at);
  if (named !== null && wish.kind === "restore-node" && named.nodeId !== wish.subjectId) {
    throw new CodedError("snapshot-unknown", `Snapshot ${named.id} is not one of ${subject.name}.`, {
      hint: "Choose a snapshot of this node; writing one node's snapshot to another is cloning, not restoring.",
    });
  }
  const nodes = subject.nodes;
  const holders = await holdersOf(nodes);
  const isClone = isOfMaster(wish.kind);
  const localizations = await localizationFactsOf(
    wish,
    nodes.map((node) => node.id),
  );
  const exact = wish.kind === "roll-back-classroom" ? null : named;
  const effective = await effectiveSnapshotsAt(
    nodes.map((node) => node.id),
    isClone ? new Date(nowMs).toISOString() : at,
  );
  const facts: NodeRestoreFacts[] = [];
  for (const node of nodes) {
    facts.push({
      ...(await presentFacts(node, holders.get(node.id) ?? null, nowMs)),
      isClone,
      safety: "safety" in wish && wish.safety === true,
      mayReplaceLayout: "snapshotId" in wish && wish.replaceLayouts,
      isThere: exact !== null && effective.get(node.id)?.snapshotId === exact.id,
      localization: localizations.get(node.id) ?? null,
      ...(isClone
        ? { snapshot: named, wasRolledBack: false, later: await listSnapshots({ nodeId: node.id }) }
        : await snapshotFacts(node.id, exact, effective.get(node.id) ?? null)),
    });
  }
  return { kind: wish.kind, subject: subject.id, subjectName: subject.name, at, nodes: facts };
}

async function presentFacts(node: NodeSummary, heldBy: string | null, nowMs: number) {
  return {
    nodeId: node.id,
    nodeName: node.name,
    lifeCycle: node.lifeCycle,
    online: isOnline(node.lastSeenAtMs, nowMs),
    disks: await disksOfNode(node.id),
    heldBy,
  };
}

/** By node: the title of the job that holds it. */
async function holdersOf(nodes: readonly NodeSummary[]): Promise<Map<string, string>> {
  const held = await findHolders(nodes.map((node) => node.id));
  return new Map(held.map(({ nodeId, title }) => [nodeId, title]));
}

/** The safety snapshots of a job, each for the PC that it was taken of. PCs that the job did not write to stay as they are. */
async function undoFacts(jobId: string, nowMs: number): Promise<RestoreFacts> {
  const job = await requireJob(jobId);
  const tasks = await tasksOfJob(jobId);
  if (!isFinalJobState(job.state)) {
    throw new CodedError("input-invalid", `"${job.title}" has not ended yet.`, {
      hint: "Wait until it ends, or cancel it first.",
    });
  }
  const begun = new Set(
    tasks.flatMap(({ kind, nodeId, startedAt }) =>
      kind === "restore" && startedAt !== null ? (nodeId ?? []) : [],
    ),
  );
  const taken = tasks.filter(
    ({ kind, nodeId, snapshotId }) => kind === "archive" && snapshotId !== null && begun.has(nodeId ?? ""),
  );
  if (taken.length === 0) {
    throw new CodedError("nothing-to-restore", `"${job.title}" took no snapshots before it wrote.`, {
      hint: "Roll the PCs back to earlier snapshots instead.",
    });
  }
  const nodes = new Map((await listNodes()).map((node) => [node.id, node]));
  const present = taken.flatMap(({ nodeId }) => nodes.get(nodeId ?? "") ?? []);
  const holders = await holdersOf(present);
  const facts: NodeRestoreFacts[] = [];
  for (const node of present) {
    const snapshotId = taken.find(({ nodeId }) => nodeId === node.id)?.snapshotId ?? "";
    const snapshot = await findSnapshot(snapshotId);
    facts.push({
      ...(await presentFacts(node, holders.get(node.id) ?? null, nowMs)),
      ...chooseSnapshot({
        snapshots: await listSnapshots({ nodeId: node.id }),
        exact: snapshot,
        atMoment: null,
        by: "archive",
      }),
      ...{ isClone: false, mayReplaceLayout: false, isThere: false, safety: true, localization: null },
    });
  }
  return {
    kind: "undo",
    subject: jobId,
    subjectName: job.title,
    at: job.startedAt ?? job.createdAt,
    nodes: facts,
  };
}

async function localizationFactsOf(
  wish: RestoreWish,
  nodeIds: readonly string[],
): Promise<Map<string, NodeLocalizationFacts>> {
  if (wish.kind !== "localize") return new Map();
  const [master, facts, applied] = await Promise.all([
    requireMaster(wish.snapshotId),
    readLocalizationFacts(),
    appliedLocalizations(nodeIds),
  ]);
  const decided = decideLocalizations(master, facts, nodeIds, unseal);
  return new Map(
    [...decided].map(([nodeId, mine]) => {
      const held = applied.get(nodeId);
      const hasMaster = held?.snapshotId === wish.snapshotId;
      return [
        nodeId,
        {
          decided: mine,
          hasMaster,
          isCurrent: hasMaster && held?.digest === mine.digest,
          baseline: wish.baseline ?? true,
        },
      ];
    }),
  );
}

async function subjectOf(
  wish: Exclude<RestoreWish, { kind: "undo" }>,
): Promise<Group & { readonly nodes: readonly NodeSummary[] }> {
  if ("nodeIds" in wish) return chosenNodes(wish.snapshotId, wish.nodeIds);
  if (wish.kind === "restore-node") {
    const node = await requireNode(wish.subjectId);
    return { id: node.id, name: node.name, nodes: [node] };
  }
  const group = await requireGroup("groupId" in wish ? wish.groupId : wish.subjectId);
  const nodes = await listNodes({ groupId: group.id });
  const only = wish.onlyNodeIds === undefined ? null : new Set(wish.onlyNodeIds);
  const isMeant = (node: NodeSummary) => node.lifeCycle !== "retired" && (only?.has(node.id) ?? true);
  return { ...group, nodes: nodes.filter(isMeant) };
}

async function chosenNodes(
  snapshotId: string,
  nodeIds: readonly string[],
): Promise<Group & { readonly nodes: readonly NodeSummary[] }> {
  const nodes: NodeSummary[] = [];
  for (const nodeId of new Set(nodeIds)) nodes.push(await requireNode(nodeId));
  nodes.sort((a, b) => (a.name < b.name ? -1 : 1));
  const [first, ...others] = nodes;
  const name = first !== undefined && others.length === 0 ? first.name : `${nodes.length} PCs`;
  return { id: snapshotId, name, nodes };
}

async function momentOfSnapshot(id: string): Promise<{ at: string; named: SnapshotRow }> {
  const named = await findSnapshot(id);
  if (named === null) throw new CodedError("snapshot-unknown", `There is no snapshot ${id}.`);
  return { at: named.createdAt, named };
}

async function momentOf(text: string): Promise<{ at: string; named: SnapshotRow | null }> {
  if (isId("snap", text)) return momentOfSnapshot(text);
  const moment = new Date(text);
  if (!Number.isNaN(moment.getTime())) return { at: moment.toISOString(), named: null };
  throw new CodedError("input-invalid", `"${text.slice(0, 64)}" is neither a moment nor a snapshot's id.`, {
    hint: "Give a time such as 2026-01-31T08:00:00Z, or an id that begins with snap_.",
  });
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
