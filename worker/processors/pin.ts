// pin: writes a person's word that a snapshot stays (or its end) into the repository, then into the snapshot's row, which lists show.
// Done twice it is done once.
import { z } from "zod";
import type { Job, JobEnd } from "#lib/db/jobs.ts";
import { recordPin } from "#lib/db/pins.ts";
import { CodedError } from "#lib/model/errors.ts";
import type { JobRun } from "../run-job.ts";
import { runRepositoryTask } from "./repository-task.ts";

const PinOptions = z.object({
  snapshotId: z.string(),
  /** Null: the pin goes. */
  reason: z.string().nullable(),
});

export function processPin(job: Job, run: JobRun): Promise<JobEnd> {
  return runRepositoryTask(job, run, "pinning", async () => {
    const options = PinOptions.safeParse(job.options);
    if (!options.success) {
      throw new CodedError("input-invalid", "The job does not say which snapshot to pin.", {
        hint: "Pin it again on the snapshot's page.",
      });
    }
    const { snapshotId, reason } = options.data;
    if (reason === null) {
      await run.repository.unpin(snapshotId);
      await recordPin(snapshotId, null);
    } else {
      await recordPin(snapshotId, await run.repository.pin(snapshotId, reason));
    }
    return { report: { snapshotId, reason } };
  });
}
