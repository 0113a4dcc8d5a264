// verify: the engine re-reads the repository (or what one snapshot needs), and each snapshot's row is told the outcome. Damage
// found is a failed job that names it; the repository stays in use, since other snapshots are whole.

import { setServerTask } from "#lib/db/job-upkeep.ts";
import { type Job, type JobEnd, requireJob } from "#lib/db/jobs.ts";
import { setVerifyState } from "#lib/db/snapshots.ts";
import type { VerifyReport } from "#lib/engine/repository.ts";
import type { FailureReport } from "#lib/model/errors.ts";
import type { JobRun } from "../run-job.ts";
import { sampleStorage } from "../sample-storage.ts";

const LOOK_EVERY_MS = 1_000;
const FINDINGS_KEPT_MAX = 200;

export async function processVerify(job: Job, run: JobRun): Promise<JobEnd> {
  const snapshotId = typeof job.options.snapshotId === "string" ? job.options.snapshotId : undefined;
  const cancelled = new AbortController();
  const signal = AbortSignal.any([run.signal, cancelled.signal]);
  const progress = { doneBytes: 0, totalBytes: 0 };
  const looking = lookForCancel(job.id, run, progress, cancelled);
  try {
    const checked = checkedSnapshots(run, snapshotId);
    const report = await run.repository.verify({
      snapshotId,
      signal,
      onProgress: (next) => {
        Object.assign(progress, next);
        run.progress(next);
      },
    });
    await recordFindings(checked, report);
    await sampleStorage(run.repository);
    return await endWith(job.id, report);
  } catch (thrown) {
    if (!cancelled.signal.aborted || run.signal.aborted) throw thrown;
    return await endCancelled(job.id, progress);
  } finally {
    clearInterval(looking);
  }
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

async function endWith(jobId: string, report: VerifyReport): Promise<JobEnd> {
  const failure = failureOf(report);
  const sizes = { doneBytes: report.checkedBytes, totalBytes: report.checkedBytes };
  const state = failure === null ? "succeeded" : "failed";
  await setServerTask(jobId, { state, step: "done", failure, ...sizes });
  const findings = report.findings.slice(0, FINDINGS_KEPT_MAX).map((finding) => ({ ...finding }));
  return { event: failure === null ? "finish" : "fail", failure, report: { ...report, findings }, ...sizes };
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

async function endCancelled(
  jobId: string,
  progress: { readonly doneBytes: number; readonly totalBytes: number },
): Promise<JobEnd> {
  const failure: FailureReport = {
    code: "job-cancelled",
    message: "The verification was cancelled.",
    hint: null,
  };
  const sizes = { ...progress };
  await setServerTask(jobId, { state: "cancelled", step: "done", failure, ...sizes });
  return { event: "cancel", failure, report: {}, ...sizes };
}

function lookForCancel(
  jobId: string,
  run: JobRun,
  progress: { readonly doneBytes: number; readonly totalBytes: number },
  cancelled: AbortController,
): NodeJS.Timeout {
  const look = async () => {
    if (run.signal.aborted || cancelled.signal.aborted) return;
    if ((await requireJob(jobId)).cancelAsked) cancelled.abort();
    else await setServerTask(jobId, { state: "running", step: "verifying", ...progress });
  };
  // A look that fails (database away) is only late: the next one comes in a second.
  const lookQuietly = () => void look().catch(() => undefined);
  lookQuietly();
  return setInterval(lookQuietly, LOOK_EVERY_MS);
}
