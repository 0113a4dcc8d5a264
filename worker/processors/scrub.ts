// scrub: re-reads packs for rot within a budget; the next one goes on. Snapshots that damage costs anything are marked, and the job has
// failed, since someone must look.
import type { Job, JobEnd } from "#lib/db/jobs.ts";
import { setVerifyState } from "#lib/db/snapshots.ts";
import type { ScrubReport } from "#lib/engine/repository.ts";
import type { FailureReport } from "#lib/model/errors.ts";
import type { JobRun } from "../run-job.ts";
import { runRepositoryTask } from "./repository-task.ts";

const FINDINGS_KEPT_MAX = 100;
const AFFECTED_KEPT_MAX = 100;

export function processScrub(job: Job, run: JobRun): Promise<JobEnd> {
  const numberIn = (name: string) => (typeof job.options[name] === "number" ? job.options[name] : undefined);
  return runRepositoryTask(job, run, "scrubbing", async ({ signal, onProgress }) => {
    const report = await run.repository.scrub({
      signal,
      onProgress,
      deep: job.options.deep === true,
      secondsMax: numberIn("secondsMax"),
      bytesPerSecond: numberIn("bytesPerSecond"),
    });
    await setVerifyState(affectedSnapshots(report), "corrupt");
    const findings = report.findings.slice(0, FINDINGS_KEPT_MAX).map((finding) => ({
      ...finding,
      affected: finding.affected.slice(0, AFFECTED_KEPT_MAX),
    }));
    return { report: { ...report, findings }, failure: failureOf(report), doneBytes: report.checkedBytes };
  });
}

function affectedSnapshots(report: ScrubReport): string[] {
  const ids = report.findings.flatMap((finding) => finding.affected.map(({ snapshotId }) => snapshotId));
  return [...new Set(ids)];
}

function failureOf(report: ScrubReport): FailureReport | null {
  const [first] = report.findings;
  if (first === undefined) return null;
  const count = affectedSnapshots(report).length;
  const more = report.findings.length > 1 ? ` And ${report.findings.length - 1} more packs.` : "";
  const cost = count === 0 ? "No snapshot needs it." : `${count} snapshots need it and are marked corrupt.`;
  return {
    code: "pack-corrupt",
    message: `${first.message} ${cost}${more}`,
    hint: "Copy the named packs back from a backup, or archive those PCs anew: damaged blocks are then stored again.",
  };
}
