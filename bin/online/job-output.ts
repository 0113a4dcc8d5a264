// What commands say of jobs, and how they wait for one: its end decides the exit code.
import { CodedError } from "#lib/model/errors.ts";
import { EXIT, type ExitCode } from "../repo/exit-codes.ts";
import { table } from "../repo/output.ts";
import type { VerbContext } from "../repo/run-verb.ts";
import type { ApiClient, JobView } from "../stack/api-client.ts";

/** Waits for the end, shows each PC's, and throws when it was not a good one. */
export async function waitForJob(
  api: ApiClient,
  jobId: string,
  { output, signal }: VerbContext,
): Promise<ExitCode> {
  const job = await api.followJob(jobId, output.beginProgress(), signal);
  output.endProgress();
  output.result(job, () => tasksInWords(job));
  if (job.state === "succeeded") return EXIT.ok;
  if (job.state === "cancelled") {
    throw new CodedError("job-cancelled", "The job was cancelled.", { hint: "Begin it again when wanted." });
  }
  throw new CodedError("job-partly-failed", `Not every PC succeeded: the job ended as "${job.state}".`, {
    hint: `The table says why. When the cause is gone: sheepfold jobs retry ${job.id}, or Retry failed only in the dashboard.`,
  });
}

export function tasksInWords({ tasks }: JobView): string {
  const rows = tasks.map((task) => [task.nodeName ?? "", task.state, task.failure?.message ?? ""]);
  return table(["PC", "end", "why"], rows);
}
