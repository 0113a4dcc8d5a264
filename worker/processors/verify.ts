// verify: the engine re-reads the repository (or what one snapshot needs), and each snapshot's row is told the outcome. Damage
// found is a failed job that names it; the repository stays in use, since other snapshots are whole.
import type { Job, JobEnd } from "#lib/db/jobs.ts";
import { setVerifyState } from "#lib/db/snapshots.ts";
import type { VerifyReport } from "#lib/engine/repository.ts";
import type { FailureReport } from "#lib/model/errors.ts";
import type { JobRun } from "../run-job.ts";
import { sampleStorage } from "../sample-storage.ts";
import { runRepositoryTask } from "./repository-task.ts";

const FINDINGS_KEPT_MAX = 200;

export function processVerify(job: Job, run: JobRun): Promise<JobEnd> {
  const snapshotId = typeof job.options.snapshotId === "string" ? job.options.snapshotId : undefined;
  return runRepositoryTask(job, run, "verifying", async ({ signal, onProgress }) => {
    const checked = checkedSnapshots(run, snapshotId);
    const report = await run.repository.verify({ snapshotId, signal, onProgress });
    await recordFindings(checked, report);
    await sampleStorage(run.repository);
    const findings = report.findings.slice(0, FINDINGS_KEPT_MAX).map((finding) => ({ ...finding }));
    return { report: { ...report, findings }, failure: failureOf(report), doneBytes: report.checkedBytes };
  });
}

/** Snapshots made while verifying are not claimed to be verified. */
function checkedSnapshots(run: JobRun, snapshotId: string | undefined): string[] {
  return snapshotId === undefined ? run.repository.snapshots().map((snapshot) => snapshot.id) : [snapshotId];
}

async function recordFindings(checked: readonly string[], report: VerifyReport): Promise<void> {
  const bad = new Set(
    report.findings.flatMap((finding) => (finding.snapshotId === null ? [] : [finding.snapshotId])),
  );
  const corrupt = checked.filter((id) => bad.has(id));
  await setVerifyState(corrupt, "corrupt");
  await setVerifyState(
    checked.filter((id) => !bad.has(id)),
    "verified",
  );
}

function failureOf(report: VerifyReport): FailureReport | null {
  const first = report.findings[0];
  if (first === undefined) return null;
  const more = report.findings.length > 1 ? ` (and ${report.findings.length - 1} more findings)` : "";
  return {
    code: first.code,
    message: `${first.message}${more}`,
    hint: "Do not restore the snapshots marked corrupt. Copy the named files back from a backup, or archive those nodes anew.",
  };
}
