// A stored plan as it was made, with what has become of it.
import "server-only";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/viewer.ts";
import { findPlan, type StoredPlan } from "#lib/db/plans.ts";
import type { RestorePlanItem } from "#lib/model/plan.ts";

export interface PlanView extends StoredPlan {
  readonly restored: readonly RestorePlanItem[];
  readonly skipped: readonly RestorePlanItem[];
  readonly compareBytes: number;
  readonly knownChangedBytes: number;
}

export async function planView(viewer: Viewer, planId: string): Promise<PlanView | null> {
  permit(viewer, "read");
  const stored = await findPlan(planId);
  if (stored === null) return null;
  const restored = stored.plan.items.filter((item) => item.action === "restore");
  return {
    ...stored,
    restored,
    skipped: stored.plan.items.filter((item) => item.action === "skip"),
    compareBytes: restored.reduce((sum, item) => sum + item.compareBytes, 0),
    knownChangedBytes: restored.reduce((sum, item) => sum + item.knownChangedBytes, 0),
  };
}
