// A plan is what would be done, in data: shown to a person, hashed, and applied by that hash, so that what runs is what
// was shown. Roll back is the first kind.

export const SKIP_REASONS = [
  "no-snapshot",
  "snapshot-corrupt",
  "offline",
  "busy",
  "not-enrolled",
  "disk-missing",
  "disk-too-small",
  "partition-missing",
  "layout-differs",
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
}

export interface RestorePlan {
  readonly id: string;
  readonly hash: string;
  readonly kind: "restore-node" | "roll-back-classroom";
  /** Node or group id. */
  readonly subject: string;
  readonly subjectName: string;
  /** The moment to go back to: each node to what was on its disks then, as the matrix shows it. */
  readonly at: string;
  readonly items: readonly RestorePlanItem[];
  readonly createdAt: string;
  readonly expiresAt: string;
}
