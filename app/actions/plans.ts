"use server";

// Clicks that plan a roll back and apply the plan that was shown.
import { redirect } from "next/navigation";
import { z } from "zod";
import type { FormState } from "#components/ui/form-state.ts";
import { requireViewer } from "#lib/auth/viewer.ts";
import { applyRestorePlan } from "#lib/commands/apply-restore-plan.ts";
import { type PlanRestoreInput, planRestore } from "#lib/commands/plan-restore.ts";
import { CodedError } from "#lib/model/errors.ts";
import { answer, parseForm } from "./answer.ts";

const PlanForm = z.union([
  z.object({
    kind: z.enum(["restore-node", "roll-back-classroom"]),
    subjectId: z.string().max(64),
    /** A moment (ISO) or a snapshot's id. */
    at: z.string().max(64),
    safety: z.literal("yes").optional(),
  }),
  z.object({ kind: z.literal("undo"), jobId: z.string().max(64) }),
  z.object({
    kind: z.enum(["clone", "localize"]),
    snapshotId: z.string().max(64),
    /** To a whole classroom; without it, to the PCs ticked (fields "nodeId"). */
    groupId: z.string().max(64).optional(),
    replaceLayouts: z.literal("yes").optional(),
    /** Of a localization: a snapshot of each PC follows. */
    baseline: z.literal("yes").optional(),
  }),
]);
const ApplyForm = z.object({
  requestId: z.uuid(),
  planId: z.string().max(64),
  planHash: z.string().max(128),
  confirmName: z.string().max(128).optional(),
});

export async function planRestoreAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const viewer = await requireViewer();
    const asked = parseForm(PlanForm, form);
    const plan = await planRestore(viewer, wishIn(asked, form));
    redirect(`/plans/${plan.id}`);
  });
}

function wishIn(asked: z.output<typeof PlanForm>, form: FormData): z.input<typeof PlanRestoreInput> {
  if ("snapshotId" in asked) return wishOfMaster(asked, form);
  return asked.kind === "undo" ? asked : { ...asked, safety: asked.safety === "yes" };
}

function wishOfMaster(asked: Extract<z.output<typeof PlanForm>, { snapshotId: string }>, form: FormData) {
  const { kind, snapshotId, groupId } = asked;
  const wish = {
    kind,
    snapshotId,
    replaceLayouts: asked.replaceLayouts === "yes",
    baseline: asked.baseline === "yes",
  };
  if (groupId !== undefined) return { ...wish, groupId };
  const nodeIds = form.getAll("nodeId").filter((value) => typeof value === "string");
  if (nodeIds.length > 0) return { ...wish, nodeIds };
  throw new CodedError("input-invalid", "No PC was chosen.", {
    hint: "Choose a classroom, or tick the PCs that shall become copies.",
  });
}

export async function applyPlanAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const viewer = await requireViewer();
    const { jobId } = await applyRestorePlan(viewer, parseForm(ApplyForm, form));
    redirect(`/jobs/${jobId}`);
  });
}
