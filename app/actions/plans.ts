"use server";

// Clicks that plan a roll back and apply the plan that was shown.
import { redirect } from "next/navigation";
import { z } from "zod";
import type { FormState } from "#components/ui/form-state.ts";
import { requireViewer } from "#lib/auth/viewer.ts";
import { applyRestorePlan } from "#lib/commands/apply-restore-plan.ts";
import { planRestore } from "#lib/commands/plan-restore.ts";
import { answer, parseForm } from "./answer.ts";

const PlanForm = z.object({
  kind: z.enum(["restore-node", "roll-back-classroom"]),
  subjectId: z.string().max(64),
  /** A moment (ISO) or a snapshot's id. */
  at: z.string().max(64),
});
const ApplyForm = z.object({
  requestId: z.uuid(),
  planId: z.string().max(64),
  planHash: z.string().max(128),
  confirmName: z.string().max(128).optional(),
});

export async function planRestoreAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const viewer = await requireViewer();
    const plan = await planRestore(viewer, parseForm(PlanForm, form));
    redirect(`/plans/${plan.id}`);
  });
}

export async function applyPlanAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const viewer = await requireViewer();
    const { jobId } = await applyRestorePlan(viewer, parseForm(ApplyForm, form));
    redirect(`/jobs/${jobId}`);
  });
}
