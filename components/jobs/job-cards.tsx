// Jobs under way, each with its bar and what its bytes are: for the overview and the top of the jobs page.
import Link from "next/link";
import { formatBytes, formatShare } from "#lib/model/units.ts";
import { JobStateBadge } from "../state-badges.tsx";
import { Progress } from "../ui/progress.tsx";
import type { JobSummary } from "./job-table.tsx";

export function JobCards({ jobs }: { jobs: readonly JobSummary[] }) {
  return (
    <ul className="divide-y divide-line">
      {jobs.map((job) => (
        <li key={job.id} className="px-4 py-3">
          <div className="mb-2 flex flex-wrap items-center justify-between gap-x-4 gap-y-1">
            <Link href={`/jobs/${job.id}`} className="font-medium hover:underline">
              {job.title}
            </Link>
            <span className="flex items-center gap-3 text-sm text-ink-2">
              {job.totalBytes > 0
                ? `${formatBytes(job.doneBytes)} of ${formatBytes(job.totalBytes)} · ${formatShare(job.doneBytes, job.totalBytes)}`
                : null}
              <JobStateBadge state={job.state} />
            </span>
          </div>
          {job.state === "running" ? (
            <Progress label={`Progress of ${job.title}`} done={job.doneBytes} total={job.totalBytes} />
          ) : null}
        </li>
      ))}
    </ul>
  );
}
