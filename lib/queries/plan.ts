// A stored plan as it was made, with what has become of it.
import "server-only";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/viewer.ts";
import { findPlan, type StoredPlan } from "#lib/db/plans.ts";
import { findRelease } from "#lib/db/releases.ts";
import { lastRestoreSpeeds } from "#lib/db/restore-speeds.ts";
import { restoreEstimate, type SecondsLeft } from "#lib/model/estimate.ts";
import type { RestorePlanItem } from "#lib/model/plan.ts";

export interface PlanView extends StoredPlan {
  readonly restored: readonly RestorePlanItem[];
  readonly skipped: readonly RestorePlanItem[];
  readonly compareBytes: number;
  readonly knownChangedBytes: number;
  /** What the server sends at most: what PCs of a chain have in common it sends once. */
  readonly sentBytes: number;
  /** Of a localize plan: the release whose page previews what each PC gets; null when it was withdrawn. */
  readonly releaseId: string | null;
  /** By the last restores; null when there are too few. */
  readonly estimate: SecondsLeft | null;
}

export async function planView(viewer: Viewer, planId: string): Promise<PlanView | null> {
  permit(viewer, "read");
  const stored = await findPlan(planId);
  if (stored === null) return null;
  const restored = stored.plan.items.filter((item) => item.action === "restore");
  const snapshotId = stored.plan.kind === "localize" ? (stored.plan.items[0]?.snapshotId ?? null) : null;
  const release = snapshotId === null ? null : await findRelease({ snapshotId });
  return {
    ...stored,
    releaseId: release?.id ?? null,
    restored,
    skipped: stored.plan.items.filter((item) => item.action === "skip"),
    compareBytes: restored.reduce((sum, item) => sum + item.compareBytes, 0),
    knownChangedBytes: restored.reduce((sum, item) => sum + item.knownChangedBytes, 0),
    sentBytes: sentBytesOf(restored),
    estimate: restoreEstimate(
      await lastRestoreSpeeds(),
      restored.map((item) => item.compareBytes),
    ),
  };
}

/** Each content goes out once, to whoever lacks most of it; what the others lack they get from each other. */
function sentBytesOf(items: readonly RestorePlanItem[]): number {
  const bySnapshot = Map.groupBy(items, ({ snapshotId }) => snapshotId);
  return [...bySnapshot.values()].reduce(
    (sum, mine) => sum + Math.max(...mine.map(({ knownChangedBytes }) => knownChangedBytes)),
    0,
  );
}
