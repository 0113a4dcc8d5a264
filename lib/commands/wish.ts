// What every job-making command does last: write the wish down once, note who wished it, hand the queue a ticket.
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { type AuditFacts, recordAudit } from "#lib/db/audit.ts";
import { createJobOnce, type NewJob } from "#lib/db/jobs.ts";
import { enqueue } from "#lib/queue/enqueue.ts";

export async function wish(
  viewer: Viewer,
  job: Omit<NewJob, "createdBy">,
  audit: { readonly subject: string; readonly facts?: AuditFacts },
): Promise<{ readonly jobId: string }> {
  const { jobId, created } = await createJobOnce({ ...job, createdBy: viewer.id });
  if (!created) return { jobId };
  await recordAudit(viewer.id, job.kind, audit.subject, { jobId, ...audit.facts });
  await enqueue(jobId); // false with Redis down: a worker finds the queued row by itself
  return { jobId };
}
