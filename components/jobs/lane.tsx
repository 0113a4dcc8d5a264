"use client";

// One node's lane in a job: its step, how far it is, how fast just now, and when it failed, why and what to do. The speed is
// measured over the last draws, since an average from the start hides a stall.
import Link from "next/link";
import type { FailureReport } from "#lib/model/errors.ts";
import { rateOver } from "#lib/model/estimate.ts";
import { isFinalTaskState, type TaskKind, type TaskState } from "#lib/model/job.ts";
import { formatBytes, formatSeconds, formatShare } from "#lib/model/units.ts";
import { stepWords, TASK_KIND_WORDS } from "../job-words.ts";
import { TaskStateBadge } from "../state-badges.tsx";
import { Notice } from "../ui/notice.tsx";
import { Progress } from "../ui/progress.tsx";
import { useSamples } from "./use-samples.ts";

const RATE_WINDOW_MS = 5_000;

export interface LaneTask {
  readonly id: string;
  readonly kind: TaskKind;
  readonly state: TaskState;
  readonly nodeId: string | null;
  readonly nodeName: string | null;
  readonly snapshotId: string | null;
  readonly step: string;
  readonly attempt: number;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly doneBytes: number;
  readonly totalBytes: number;
  readonly failure: FailureReport | null;
  readonly readBytes: number | null;
  readonly writtenBytes: number | null;
  readonly fromNeighboursBytes: number | null;
  /** What went over its lines and onto its disk so far; null for what is in no chain. */
  readonly chain: {
    readonly receivedBytes: number;
    readonly sentBytes: number;
    readonly writtenBytes: number;
  } | null;
  /** With the step "writing": what happened in the middle. */
  readonly lastEvent: { readonly at: string; readonly step: string; readonly message: string } | null;
}

export interface LaneSnapshot {
  readonly id: string;
  readonly newBytes: number;
  readonly storedBytes: number;
  readonly sizeBytes: number;
}

/** Of a PC with several parts in the job: all of them, in order. */
export interface LaneStep {
  readonly words: string;
  readonly state: TaskState;
}

export function Lane({
  task,
  snapshot,
  steps = [],
}: {
  task: LaneTask;
  snapshot: LaneSnapshot | null;
  steps?: readonly LaneStep[];
}) {
  const { doneBytes, chain } = task;
  const samples = useSamples(
    task.state !== "running"
      ? {}
      : chain === null
        ? { doneBytes }
        : { doneBytes, in: chain.receivedBytes, out: chain.sentBytes, disk: chain.writtenBytes },
  );
  const rateOf = (counter: string) => rateOver(samples[counter] ?? [], RATE_WINDOW_MS);
  const rate = rateOf("doneBytes");
  const name = task.nodeName ?? "Repository";
  return (
    <li className="px-4 py-3">
      <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-1">
        <div className="flex min-w-0 items-center gap-2.5">
          {task.nodeId === null ? (
            <span className="font-medium">{name}</span>
          ) : (
            <Link href={`/nodes/${task.nodeId}`} className="truncate font-medium hover:underline">
              {name}
            </Link>
          )}
          <span aria-live="polite">
            <TaskStateBadge state={task.state} />
          </span>
          {task.attempt > 1 ? <span className="text-xs text-ink-3">attempt {task.attempt}</span> : null}
          {steps.length < 2 ? null : <Steps steps={steps} />}
        </div>
        <p className="text-sm text-ink-2">
          <LaneFigures task={task} rate={rate} snapshot={snapshot} />
        </p>
      </div>
      {task.state === "running" ? (
        <div className="mt-2">
          <Progress
            label={`${TASK_KIND_WORDS[task.kind]} of ${name}`}
            done={task.doneBytes}
            total={task.totalBytes}
          />
          {chain === null ? null : (
            <p className="mt-1 flex flex-wrap gap-x-3 text-xs text-ink-3 tabular-nums">
              <span>in {speedWords(rateOf("in"))}</span>
              <span>out {speedWords(rateOf("out"))}</span>
              <span>onto its disk {speedWords(rateOf("disk"))}</span>
              {task.lastEvent?.step === "writing" ? (
                <span className="text-ink-2">{task.lastEvent.message}</span>
              ) : null}
            </p>
          )}
        </div>
      ) : null}
      {task.failure === null || task.state === "succeeded" ? null : (
        <div className="mt-2.5">
          <Notice
            tone={task.state === "failed" ? "bad" : "info"}
            title={task.failure.message}
            hint={task.failure.hint}
          />
        </div>
      )}
    </li>
  );
}

/** What is done, what is under way, what follows: told by words, not by colour alone. */
function Steps({ steps }: { steps: readonly LaneStep[] }) {
  return (
    <ol className="flex flex-wrap items-center gap-x-1.5 text-xs text-ink-3">
      {steps.map(({ words, state }, index) => (
        <li key={words} className={state === "running" ? "font-medium text-ink" : undefined}>
          {index === 0 ? "" : "→ "}
          {words}
          {state === "succeeded" ? " ✓" : ""}
          <span className="sr-only"> ({state})</span>
        </li>
      ))}
    </ol>
  );
}

function LaneFigures({
  task,
  rate,
  snapshot,
}: {
  task: LaneTask;
  rate: number | null;
  snapshot: LaneSnapshot | null;
}) {
  if (task.state === "running") {
    return (
      <>
        {stepWords(task.step)}
        {task.totalBytes > 0
          ? ` · ${formatBytes(task.doneBytes)} of ${formatBytes(task.totalBytes)} · ${formatShare(task.doneBytes, task.totalBytes)}`
          : ""}
        {rate === null ? "" : ` · ${formatBytes(rate)}/s`}
      </>
    );
  }
  const seconds = secondsOf(task);
  const took = seconds === null ? "" : ` · ${formatSeconds(seconds)}`;
  if (snapshot !== null) {
    return (
      <>
        <Link href={`/snapshots/${snapshot.id}`} className="text-accent hover:underline">
          Snapshot
        </Link>
        {` · ${formatBytes(snapshot.sizeBytes)} read · ${formatBytes(snapshot.newBytes)} new · ${formatBytes(snapshot.storedBytes)} stored${took}`}
      </>
    );
  }
  if (task.state === "succeeded" && task.writtenBytes !== null) {
    const read = task.readBytes === null ? "" : `${formatBytes(task.readBytes)} read · `;
    const through = task.fromNeighboursBytes ?? 0;
    const fromOthers = through === 0 ? "" : ` · ${formatBytes(through)} from other PCs`;
    return <>{`${read}${formatBytes(task.writtenBytes)} written, verified${fromOthers}${took}`}</>;
  }
  if (isFinalTaskState(task.state)) return <>{took.replace(/^ · /, "")}</>;
  return <>{task.lastEvent?.message ?? ""}</>;
}

function speedWords(rate: number | null): string {
  return rate === null ? "…" : `${formatBytes(rate)}/s`;
}

function secondsOf(task: LaneTask): number | null {
  if (task.startedAt === null || task.finishedAt === null) return null;
  return (Date.parse(task.finishedAt) - Date.parse(task.startedAt)) / 1000;
}
