"use server";

// Clicks that make a snapshot a master, and take that back.
import { refresh } from "next/cache";
import { redirect } from "next/navigation";
import { z } from "zod";
import type { FormState } from "#components/ui/form-state.ts";
import { requireViewer } from "#lib/auth/viewer.ts";
import { releaseMaster, withdrawRelease } from "#lib/commands/release-master.ts";
import { answer, parseForm } from "./answer.ts";

const ReleaseForm = z.object({
  requestId: z.uuid(),
  snapshotId: z.string().max(64),
  masterName: z.string().max(128),
  note: z.string().max(1000),
});
const WithdrawForm = z.object({ releaseId: z.string().max(64) });

export async function releaseMasterAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    await releaseMaster(await requireViewer(), parseForm(ReleaseForm, form));
    redirect("/masters");
  });
}

export async function withdrawReleaseAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    await withdrawRelease(await requireViewer(), parseForm(WithdrawForm, form));
    refresh();
    return { status: "done", message: "Withdrawn. The snapshot stays pinned until it is unpinned." };
  });
}
