// A plan is what would be done, in data: shown to a person, hashed, and applied by that hash, so that what runs is what
// was shown. All kinds so far write snapshots to PCs: their own, to roll back, or another's, to clone, with or without an identity.
import type { DiskMap } from "./fit.ts";

export const SKIP_REASONS = [
  "no-snapshot",
  "snapshot-corrupt",
  "offline",
  "busy",
  "not-enrolled",
  "disk-missing",
  "disk-ambiguous",
  "disk-too-small",
  "partition-missing",
  "layout-differs",
  "cannot-localize",
  "identity-duplicate",
] as const;
export type SkipReason = (typeof SKIP_REASONS)[number];

export interface RestorePlanItem {
  readonly nodeId: string;
  readonly nodeName: string;
  readonly action: "restore" | "skip";
  readonly reason: SkipReason | null;
  /** One sentence for people: why it is skipped, or what to know before it is restored. */
  readonly explanation: string;
  readonly snapshotId: string | null;
  readonly snapshotAt: string | null;
  /** Size of the partitions that will be compared. */
  readonly compareBytes: number;
  /** What is known to have changed since, from later snapshots; the comparison on the node decides the real figure. */
  readonly knownChangedBytes: number;
  /** Which disk of the PC each of the snapshot's disks goes to; absent where nothing is restored, and in old plans. */
  readonly diskMap?: DiskMap;
  /** The disk gets the snapshot's partition table although it has another. */
  readonly replacesLayout?: boolean;
  /** What is done on the PC, in this order; absent: it is restored, and nothing else. */
  readonly steps?: readonly PlanStep[];
  /** Hash of what it is told. */
  readonly localizationDigest?: string;
}

/** "safety": a snapshot of the PC as it is, to undo what follows; "clone": the master's pages, from the other PCs; "localize": what is this
 *  PC's own; "baseline": a snapshot of it then. */
export const PLAN_STEPS = ["safety", "restore", "clone", "localize", "baseline"] as const;
export type PlanStep = (typeof PLAN_STEPS)[number];

export const PLAN_KINDS = ["restore-node", "roll-back-classroom", "undo", "clone", "localize"] as const;
export type PlanKind = (typeof PLAN_KINDS)[number];

export interface RestorePlan {
  readonly id: string;
  readonly hash: string;
  readonly kind: PlanKind;
  /** Node or group id; of an undo the job's that is undone; for a clone or localization of chosen PCs the snapshot's. */
  readonly subject: string;
  readonly subjectName: string;
  /** The moment to go back to: each node to what was on its disks then, as the matrix shows it. For a clone: when the
   *  snapshot was taken. */
  readonly at: string;
  readonly items: readonly RestorePlanItem[];
  /** Of a classroom only the items' PCs: a wave of a schedule. */
  readonly isPart?: boolean;
  readonly createdAt: string;
  readonly expiresAt: string;
}

/** How long after a roll back its undo is offered. The safety snapshots stay as long as the rules keep them. */
export const UNDO_DAYS = 7;

/** One snapshot goes to PCs that need not be those it was taken of. */
export function isOfMaster(kind: PlanKind): kind is "clone" | "localize" {
  return kind === "clone" || kind === "localize";
}

/** Friction by blast radius: what must be typed before the plan runs; null when a named button is enough. */
export function nameToConfirm({ kind, subjectName, items }: RestorePlan): string | null {
  const isOne = kind === "restore-node" || (kind !== "roll-back-classroom" && items.length === 1);
  return isOne ? null : subjectName;
}
