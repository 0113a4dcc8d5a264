"use server";

// Clicks on the storage page: what is computed, looked after and chosen there. Each parses, hands the wish to its command, and leads
// to the job's page.
import { refresh } from "next/cache";
import { redirect } from "next/navigation";
import { z } from "zod";
import type { FormState } from "#components/ui/form-state.ts";
import { requireViewer } from "#lib/auth/viewer.ts";
import { chooseRetention, chooseStorage } from "#lib/commands/choose-storage.ts";
import { evaluateSnapshots } from "#lib/commands/evaluate-snapshots.ts";
import {
  applyPrune,
  collectGarbage,
  planPruneJob,
  reSegmentRepository,
  scrubRepository,
} from "#lib/commands/upkeep.ts";
import { RETENTION_RULES } from "#lib/model/retention.ts";
import { answer, parseForm } from "./answer.ts";

const requestId = z.uuid();
const id = z.string().max(64);
const count = z.coerce.number().int().min(0).max(10_000);
const GcForm = z.object({ requestId, isPlan: z.literal("yes").optional() });
const ScrubForm = z.object({
  requestId,
  deep: z.literal("yes").optional(),
  minutesMax: z.coerce.number().positive().optional(),
});
const ReSegmentForm = z.object({ requestId, minutesMax: z.coerce.number().positive().optional() });
const PlanPruneForm = z.object({ requestId, repositoryId: id });
const ApplyPruneForm = z.object({ requestId, planJobId: id });
const StorageForm = z.object({
  repositoryId: id,
  technique: z.string().max(32),
  compression: z.string().max(32),
});
const RetentionForm = z.object({ repositoryId: id, timeZone: z.string().trim().max(64) });
const EvaluateForm = z.object({ requestId, nodeId: id, snapshotCount: z.coerce.number().int() });

export async function collectGarbageAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const viewer = await requireViewer();
    const { isPlan, ...asked } = parseForm(GcForm, form);
    const { jobId } = await collectGarbage(viewer, { ...asked, isPlan: isPlan === "yes" });
    redirect(`/jobs/${jobId}`);
  });
}

export async function scrubAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const viewer = await requireViewer();
    const asked = parseForm(ScrubForm, form);
    const secondsMax = secondsOf(asked.minutesMax);
    const deep = asked.deep === "yes";
    const { jobId } = await scrubRepository(viewer, { requestId: asked.requestId, deep, secondsMax });
    redirect(`/jobs/${jobId}`);
  });
}

export async function reSegmentAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const viewer = await requireViewer();
    const { requestId, minutesMax } = parseForm(ReSegmentForm, form);
    const { jobId } = await reSegmentRepository(viewer, { requestId, secondsMax: secondsOf(minutesMax) });
    redirect(`/jobs/${jobId}`);
  });
}

function secondsOf(minutes: number | undefined): number | undefined {
  return minutes === undefined ? undefined : Math.ceil(60 * minutes);
}

export async function planPruneAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const viewer = await requireViewer();
    const { jobId } = await planPruneJob(viewer, parseForm(PlanPruneForm, form));
    redirect(`/jobs/${jobId}`);
  });
}

export async function applyPruneAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const viewer = await requireViewer();
    const { jobId } = await applyPrune(viewer, parseForm(ApplyPruneForm, form));
    redirect(`/jobs/${jobId}`);
  });
}

export async function evaluateAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const viewer = await requireViewer();
    const asked = parseForm(EvaluateForm, form);
    const chosen = (name: string) => form.getAll(name).map(String);
    const blockSizes = chosen("blockSizes").map(Number);
    const compressions = chosen("compressions");
    const { jobId } = await evaluateSnapshots(viewer, { ...asked, blockSizes, compressions });
    redirect(`/jobs/${jobId}`);
  });
}

export async function chooseStorageAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const viewer = await requireViewer();
    await chooseStorage(viewer, parseForm(StorageForm, form));
    refresh();
    return {
      status: "done",
      message: "Saved. Archives from now on are stored so, unless they say otherwise.",
    };
  });
}

export async function chooseRetentionAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const viewer = await requireViewer();
    const chosen = parseForm(RetentionForm, form);
    const keep = Object.fromEntries(
      RETENTION_RULES.map((rule) => [rule, count.catch(0).parse(form.get(rule) || 0)]),
    );
    await chooseRetention(viewer, { ...chosen, keep });
    refresh();
    return { status: "done", message: "Saved. Nothing is removed before a prune is planned and applied." };
  });
}
