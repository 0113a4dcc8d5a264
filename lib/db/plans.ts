// Rows of plans: what was shown, kept as shown until it is applied by its hash or expires.
import type { RestorePlan, RestorePlanItem } from "#lib/model/plan.ts";
import { database } from "./client.ts";

export type PlanState = "open" | "applied" | "expired";

export interface StoredPlan {
  readonly plan: RestorePlan;
  readonly state: PlanState;
  readonly createdBy: string;
  /** The job that carries it out, once applied. */
  readonly jobId: string | null;
}

export async function createPlan(plan: RestorePlan, createdBy: string): Promise<void> {
  await database().plan.create({
    data: {
      id: plan.id,
      kind: plan.kind,
      hash: plan.hash,
      subject: plan.subject,
      items: {
        subjectName: plan.subjectName,
        at: plan.at,
        items: plan.items.map((item) => ({ ...item })),
        ...(plan.isPart === true ? { isPart: true } : {}),
      },
      createdBy,
      createdAt: new Date(plan.createdAt),
      expiresAt: new Date(plan.expiresAt),
    },
  });
}

export async function findPlan(planId: string): Promise<StoredPlan | null> {
  const row = await database().plan.findUnique({
    where: { id: planId },
    include: { jobs: { select: { id: true }, take: 1 } },
  });
  if (row === null) return null;
  // createPlan wrote kind and items from a RestorePlan; nothing else writes this table.
  const shown = row.items as unknown as Pick<RestorePlan, "subjectName" | "at" | "isPart"> & {
    items: RestorePlanItem[];
  };
  const plan: RestorePlan = {
    id: row.id,
    hash: row.hash,
    kind: row.kind as RestorePlan["kind"],
    subject: row.subject,
    ...shown,
    createdAt: row.createdAt.toISOString(),
    expiresAt: row.expiresAt.toISOString(),
  };
  const state = row.state === "open" && row.expiresAt <= new Date() ? "expired" : row.state;
  return { plan, state, createdBy: row.createdBy, jobId: row.jobs[0]?.id ?? null };
}

export async function markPlanApplied(planId: string): Promise<void> {
  await database().plan.updateMany({ where: { id: planId, state: "open" }, data: { state: "applied" } });
}
