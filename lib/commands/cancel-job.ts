// What the button "Cancel" on a job means. Asking twice does no harm.
import { z } from "zod";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { recordAudit } from "#lib/db/audit.ts";
import { askToCancel } from "#lib/db/jobs.ts";
import type { JobState } from "#lib/model/job.ts";
import { Id, parseInput } from "./input.ts";

export const CancelJobInput = z.object({ jobId: Id });

export async function cancelJob(
  viewer: Viewer,
  input: z.input<typeof CancelJobInput>,
): Promise<{ readonly jobId: string; readonly state: JobState }> {
  permit(viewer, "cancel");
  const { jobId } = parseInput(CancelJobInput, input);
  const state = await askToCancel(jobId, {
    code: "job-cancelled",
    message: `${viewer.name} cancelled the job before this began.`,
    hint: null,
  });
  await recordAudit(viewer.id, "cancel-job", jobId, { state });
  return { jobId, state };
}
