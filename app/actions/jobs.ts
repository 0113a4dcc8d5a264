"use server";

// Clicks on a job: ask it to stop, or run again what failed.
import { refresh } from "next/cache";
import { redirect } from "next/navigation";
import { z } from "zod";
import type { FormState } from "#components/ui/form-state.ts";
import { requireViewer } from "#lib/auth/viewer.ts";
import { cancelJob } from "#lib/commands/cancel-job.ts";
import { retryFailedOnly } from "#lib/commands/retry-failed-only.ts";
import { answer, parseForm } from "./answer.ts";

const CancelForm = z.object({ jobId: z.string().max(64) });
const RetryForm = CancelForm.extend({ requestId: z.uuid() });

export async function cancelJobAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const viewer = await requireViewer();
    await cancelJob(viewer, parseForm(CancelForm, form));
    refresh();
    return { status: "done", message: "The job was asked to stop." };
  });
}

export async function retryFailedAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const viewer = await requireViewer();
    const { jobId } = await retryFailedOnly(viewer, parseForm(RetryForm, form));
    redirect(`/jobs/${jobId}`);
  });
}
