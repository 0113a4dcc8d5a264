// Jobs as rows: what, its state, how far, by whom, when. Used by the overview, the jobs page and a PC's page.
import Link from "next/link";
import type { JobKind, JobState, TaskState } from "#lib/model/job.ts";
import { formatSeconds } from "#lib/model/units.ts";
import { JobStateBadge } from "../state-badges.tsx";
import { LocalTime } from "../ui/local-time.tsx";
import { Progress } from "../ui/progress.tsx";
import { HeadRow, Row, Table, Td, Th } from "../ui/table.tsx";

export interface JobSummary {
  readonly id: string;
  readonly kind: JobKind;
  readonly state: JobState;
  readonly title: string;
  readonly createdBy: string;
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly doneBytes: number;
  readonly totalBytes: number;
  readonly failure: { readonly message: string } | null;
  readonly taskCounts: Readonly<Partial<Record<TaskState, number>>>;
}

export function JobTable({ label, jobs }: { label: string; jobs: readonly JobSummary[] }) {
  return (
    <Table label={label}>
      <HeadRow>
        <Th>Job</Th>
        <Th>State</Th>
        <Th>PCs</Th>
        <Th className="hidden md:table-cell">By</Th>
        <Th className="hidden sm:table-cell">Started</Th>
        <Th className="hidden text-right sm:table-cell">Took</Th>
      </HeadRow>
      <tbody>
        {jobs.map((job) => (
          <Row key={job.id}>
            <Td className="min-w-36">
              <Link href={`/jobs/${job.id}`} className="font-medium hover:underline">
                {job.title}
              </Link>
              {job.failure === null ? null : (
                <p className="max-w-xl truncate text-xs text-ink-3" title={job.failure.message}>
                  {job.failure.message}
                </p>
              )}
            </Td>
            <Td>
              <JobStateBadge state={job.state} />
              {job.state === "running" ? (
                <div className="mt-1.5 w-28">
                  <Progress label={`Progress of ${job.title}`} done={job.doneBytes} total={job.totalBytes} />
                </div>
              ) : null}
            </Td>
            <Td className="whitespace-nowrap text-ink-2">{taskWords(job.taskCounts)}</Td>
            <Td className="hidden max-w-40 truncate text-ink-2 md:table-cell">{job.createdBy}</Td>
            <Td className="hidden text-ink-2 sm:table-cell">
              <LocalTime iso={job.createdAt} />
            </Td>
            <Td className="hidden whitespace-nowrap text-right text-ink-2 sm:table-cell">{duration(job)}</Td>
          </Row>
        ))}
      </tbody>
    </Table>
  );
}

function taskWords(counts: JobSummary["taskCounts"]): string {
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const good = counts.succeeded ?? 0;
  if (total === 0) return "–";
  return `${good} of ${total}`;
}

function duration(job: JobSummary): string {
  if (job.startedAt === null || job.finishedAt === null) return "–";
  return formatSeconds((Date.parse(job.finishedAt) - Date.parse(job.startedAt)) / 1000);
}
