// A job: live while it runs, and afterwards the record of what it did on each node.
import { Ban, RefreshCw, Undo2 } from "lucide-react";
import type { Metadata } from "next";
import Link from "next/link";
import { notFound } from "next/navigation";
import { JOB_KIND_WORDS, TASK_KIND_WORDS } from "#components/job-words.ts";
import { ChainLine, type ChainMember } from "#components/jobs/chain-line.tsx";
import { Lane } from "#components/jobs/lane.tsx";
import { LiveRefresh } from "#components/live-refresh.tsx";
import { JobStateBadge } from "#components/state-badges.tsx";
import { ActionForm, SubmitButton } from "#components/ui/action-form.tsx";
import { ByteCount } from "#components/ui/byte-count.tsx";
import { Card, Fact, Facts } from "#components/ui/card.tsx";
import { EmptyState } from "#components/ui/empty-state.tsx";
import { LocalTime } from "#components/ui/local-time.tsx";
import { Notice } from "#components/ui/notice.tsx";
import { PageHeader } from "#components/ui/page-header.tsx";
import { Progress } from "#components/ui/progress.tsx";
import { isPermitted } from "#lib/auth/permissions.ts";
import { isRepositoryJobKind } from "#lib/model/job.ts";
import { lanesOf } from "#lib/model/job-lanes.ts";
import { formatSeconds, formatShare } from "#lib/model/units.ts";
import { type JobView, jobView } from "#lib/queries/job.ts";
import { cancelJobAction, retryFailedAction } from "../../../actions/jobs.ts";
import { planRestoreAction } from "../../../actions/plans.ts";
import { load } from "../../../load.ts";
import { UpkeepReportCard } from "./upkeep-report.tsx";

export const metadata: Metadata = { title: "Job" };

export default async function JobPage({ params }: { params: Promise<{ jobId: string }> }) {
  const { jobId } = await params;
  const { view, mayWork, mayPrune } = await load(async (viewer) => ({
    view: await jobView(viewer, jobId),
    mayWork: isPermitted(viewer, "snapshot"),
    mayPrune: isPermitted(viewer, "prune"),
  }));
  if (view === null) notFound();
  const { job } = view;
  return (
    <>
      <title>{`${job.title} · Sheepfold`}</title>
      {view.final ? null : <LiveRefresh jobId={job.id} poll />}
      <PageHeader
        crumbs={[{ href: "/jobs", label: "Jobs" }]}
        title={job.title}
        meta={
          <span aria-live="polite">
            <JobStateBadge state={job.state} />
          </span>
        }
        actions={mayWork ? <JobActions view={view} /> : undefined}
      />
      <div className="space-y-4">
        {job.failure === null ? null : (
          <Notice
            tone={job.state === "failed" || job.state === "partial" ? "bad" : "warn"}
            title={job.failure.message}
            hint={job.failure.hint}
          />
        )}
        <Card>
          <JobFacts view={view} />
        </Card>
        {view.verification === null ? null : <Verification found={view.verification} />}
        {view.upkeep === null || view.upkeep.kind === "verify" ? null : (
          <UpkeepReportCard report={view.upkeep} jobId={job.id} mayPrune={mayPrune} />
        )}
        {chainMembers(job.tasks).length < 2 ? null : <ChainLine members={chainMembers(job.tasks)} />}
        <Card title={isRepositoryJobKind(job.kind) ? "Work" : "PCs"} flush>
          {job.tasks.length === 0 ? (
            <EmptyState icon={RefreshCw} title={view.final ? "No part on any PC" : "Not started yet"}>
              {view.final
                ? "This job ended before any PC had a part in it."
                : "The lanes appear when a worker takes the job up."}
            </EmptyState>
          ) : (
            <ul className="divide-y divide-line">
              {lanesOf(job.tasks).map(({ current: task, parts }) => (
                <Lane
                  key={parts[0]?.id}
                  task={task}
                  steps={parts.map((part) => ({ words: wordsOfPart(job.kind, part), state: part.state }))}
                  snapshot={
                    task.kind === "archive" && task.nodeId !== null
                      ? (view.snapshotOf[task.nodeId] ?? null)
                      : null
                  }
                />
              ))}
            </ul>
          )}
        </Card>
      </div>
    </>
  );
}

/** A restore within a localization brings the master, not the PC's past. */
function wordsOfPart(kind: JobView["job"]["kind"], part: JobView["job"]["tasks"][number]): string {
  if (kind === "localize" && part.kind === "restore") return "Clone";
  if (kind === "localize" && part.kind === "archive") return "Baseline";
  return TASK_KIND_WORDS[part.kind];
}

/** Those that are in the chain now. */
function chainMembers(tasks: JobView["job"]["tasks"]): ChainMember[] {
  return tasks.flatMap(({ state, nodeId, nodeName, chain, doneBytes, totalBytes }) =>
    state !== "running" || nodeId === null || chain === null
      ? []
      : [{ nodeId, nodeName: nodeName ?? nodeId, ...chain, doneBytes, totalBytes }],
  );
}

function JobActions({ view: { job, final, canUndo } }: { view: JobView }) {
  const anyFailed = (job.taskCounts.failed ?? 0) + (job.taskCounts.cancelled ?? 0) > 0;
  return (
    <>
      {final || job.cancelAskedAt !== null ? null : (
        <ActionForm action={cancelJobAction} fields={{ jobId: job.id }}>
          <SubmitButton variant="secondary">
            <Ban aria-hidden size={14} />
            Cancel job
          </SubmitButton>
        </ActionForm>
      )}
      {canUndo ? (
        <ActionForm action={planRestoreAction} fields={{ kind: "undo", jobId: job.id }}>
          <SubmitButton variant="secondary">
            <Undo2 aria-hidden size={14} />
            Undo…
          </SubmitButton>
        </ActionForm>
      ) : null}
      {final && !isRepositoryJobKind(job.kind) && anyFailed ? (
        <ActionForm action={retryFailedAction} fields={{ jobId: job.id }}>
          <SubmitButton variant="secondary">
            <RefreshCw aria-hidden size={14} />
            Retry failed only
          </SubmitButton>
        </ActionForm>
      ) : null}
    </>
  );
}

function JobFacts({ view: { job, final } }: { view: JobView }) {
  const lanes = lanesOf(job.tasks);
  const counted = lanes.length;
  const succeeded = lanes.filter(({ current }) => current.state === "succeeded").length;
  return (
    <>
      <Facts>
        <Fact label="Kind">{JOB_KIND_WORDS[job.kind]}</Fact>
        <Fact label={isRepositoryJobKind(job.kind) ? "Parts done" : "PCs done"}>
          {succeeded} of {counted}
        </Fact>
        <Fact label="Progress" note={<ByteFraction done={job.doneBytes} total={job.totalBytes} />}>
          {job.state === "succeeded" ? "100.0 %" : formatShare(job.doneBytes, job.totalBytes)}
        </Fact>
        <Fact label="Asked for" note={`by ${job.createdBy}`}>
          <LocalTime iso={job.createdAt} />
        </Fact>
        <Fact
          label={final ? "Took" : "Started"}
          note={job.attempt > 1 ? `attempt ${job.attempt}` : undefined}
        >
          {job.startedAt === null ? (
            "–"
          ) : job.finishedAt === null ? (
            <LocalTime iso={job.startedAt} style="ago" />
          ) : (
            formatSeconds((Date.parse(job.finishedAt) - Date.parse(job.startedAt)) / 1000)
          )}
        </Fact>
        {job.planId === null ? null : (
          <Fact label="Plan">
            <Link href={`/plans/${job.planId}`} className="text-accent hover:underline">
              As it was shown
            </Link>
          </Fact>
        )}
      </Facts>
      {job.comment === "" ? null : <p className="mt-4 break-words">{job.comment}</p>}
      {final ? null : (
        <div className="mt-4">
          <Progress label={`Progress of ${job.title}`} done={job.doneBytes} total={job.totalBytes} />
          {job.cancelAskedAt === null ? null : (
            <p className="mt-2 text-sm text-ink-2">Asked to stop; each PC ends at the next safe point.</p>
          )}
        </div>
      )}
    </>
  );
}

function ByteFraction({ done, total }: { done: number; total: number }) {
  if (total === 0) return null;
  return (
    <>
      <ByteCount bytes={done} /> of <ByteCount bytes={total} />
    </>
  );
}

function Verification({ found }: { found: NonNullable<JobView["verification"]> }) {
  const sound = found.findings.length === 0;
  return (
    <Card title="Verification">
      <Notice
        tone={sound ? "ok" : "bad"}
        title={
          sound
            ? `All ${found.snapshotCount} snapshots read back as they were written.`
            : `${found.findings.length} findings. The snapshots named below cannot be trusted in full.`
        }
        hint={
          sound
            ? null
            : "Restore the named files from a copy of the repository, then verify again; do not prune meanwhile."
        }
      />
      <div className="mt-4">
        <Facts>
          <Fact label="Snapshots">{found.snapshotCount}</Fact>
          <Fact label="Partitions">{found.imageCount}</Fact>
          <Fact label="Packs">{found.packCount}</Fact>
          <Fact label="Read back">
            <ByteCount bytes={found.checkedBytes} />
          </Fact>
          <Fact label="Took">{formatSeconds(found.seconds)}</Fact>
        </Facts>
      </div>
      {sound ? null : (
        <ul className="mt-4 space-y-2 text-sm">
          {found.findings.map((finding) => (
            <li key={`${finding.file} ${finding.message}`} className="rounded-md bg-sunken px-3 py-2">
              <p className="font-medium">{finding.message}</p>
              <p className="break-all font-mono text-xs text-ink-2">{finding.file}</p>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}
