// scan-tokens: looks through a release's bytes and writes what it found into the release's row. Done twice it is done once.
import { z } from "zod";
import type { Job, JobEnd } from "#lib/db/jobs.ts";
import { setScan } from "#lib/db/localizations.ts";
import { CodedError } from "#lib/model/errors.ts";
import { scanSnapshot } from "../localize/scan-snapshot.ts";
import type { JobRun } from "../run-job.ts";
import { runRepositoryTask } from "./repository-task.ts";

const Options = z.object({ snapshotId: z.string() });

export function processScanTokens(job: Job, run: JobRun): Promise<JobEnd> {
  return runRepositoryTask(job, run, "scanning", async (work) => {
    const options = Options.safeParse(job.options);
    if (!options.success)
      throw new CodedError("input-invalid", "The job does not say which snapshot to look through.");
    const { snapshotId } = options.data;
    const scan = await scanSnapshot(run.repository, snapshotId, work);
    if (!(await setScan(snapshotId, scan)))
      throw new CodedError("release-unknown", "The release was withdrawn meanwhile.");
    const tokenCount = scan.reduce((sum, { tokens }) => sum + tokens.length, 0);
    return { report: { snapshotId, tokenCount } };
  });
}
