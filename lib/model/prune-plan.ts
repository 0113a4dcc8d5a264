// Which snapshots of a repository a policy lets go of: the policy's word on each, but a base stays as long as one of its diffs
// does. Pure; the command line and the worker ask it and then prune.
import {
  decideRetention,
  type RetentionDecision,
  type RetentionPolicy,
  type SnapshotHealth,
} from "./retention.ts";
import { diffsAgainst, type SnapshotRecord } from "./snapshot.ts";

export interface PruneFacts {
  /** All of the repository. */
  readonly snapshots: readonly SnapshotRecord[];
  /** Why a snapshot is pinned, by its id. */
  readonly pins: ReadonlyMap<string, { readonly reason: string }>;
  readonly healthOf: (snapshotId: string) => SnapshotHealth;
}

/** A decision for each snapshot, or for each of one node. */
export function planPrune(facts: PruneFacts, policy: RetentionPolicy, node?: string): RetentionDecision[] {
  const bases = new Map<string, string>();
  for (;;) {
    const decisions = decide(facts, policy, node, bases);
    const dropped = new Set(
      decisions.filter(({ verdict }) => verdict === "drop").map(({ snapshotId }) => snapshotId),
    );
    const staying = facts.snapshots.filter(({ id }) => !dropped.has(id));
    const before = bases.size;
    for (const id of dropped) {
      const [diff] = diffsAgainst(staying, id);
      if (diff !== undefined) bases.set(id, `base of the diff ${diff.snapshotId}`);
    }
    if (bases.size === before) return decisions; // Ends: each round keeps a base more, and no snapshot is one twice.
  }
}

function decide(
  { snapshots, pins, healthOf }: PruneFacts,
  policy: RetentionPolicy,
  node: string | undefined,
  bases: ReadonlyMap<string, string>,
): RetentionDecision[] {
  return decideRetention(
    snapshots
      .filter((snapshot) => node === undefined || snapshot.node === node)
      .map((snapshot) => ({
        id: snapshot.id,
        node: snapshot.node,
        sequence: snapshot.sequence,
        createdAt: snapshot.createdAt,
        partitions: snapshot.images.map((image) => image.partition),
        health: healthOf(snapshot.id),
        pinnedBecause: pins.get(snapshot.id)?.reason ?? bases.get(snapshot.id) ?? null,
      })),
    policy,
  );
}
