// Rows of jobs: made once per request, claimed by one worker, kept alive by its heartbeat, finished once. The row is the truth of
// a wish; the queue only says that there is one. Changes follow the tables of lib/model/job.ts.
import { systemRandom } from "#lib/model/clock.ts";
import { CodedError, type FailureReport, isFailureCode } from "#lib/model/errors.ts";
import type { DiskMap } from "#lib/model/fit.ts";
import { newId } from "#lib/model/ids.ts";
import {
  type JobEvent,
  type JobKind,
  type JobState,
  NEXT_JOB_STATE,
  type TaskKind,
  type TaskState,
} from "#lib/model/job.ts";
import { database, inTransaction, type Transaction } from "./client.ts";
import { jobKindForRow, jobKindOfRow, taskKindOfRow } from "./enums.ts";
import { type JobOptions, rowOfOptions } from "./job-options.ts";
import { diskMapOfRow } from "./leased-task.ts";
import { type Holder, type NewTask, rowOfTask, withoutBusy } from "./new-tasks.ts";
import { notify } from "./notify.ts";
import { jobStatesMovedBy, OPEN_JOB_STATES, OPEN_TASK_STATES } from "./transitions.ts";

/** How often a job may be claimed. Workers die by power cuts and updates, which are not the job's fault, so this only
 *  bounds a job that kills its worker each time. */
const JOB_ATTEMPTS_MAX = 12;

export interface NewJob {
  readonly kind: JobKind;
  readonly requestId: string;
  readonly title: string;
  readonly groupId?: string | null;
  readonly planId?: string | null;
  readonly options?: JobOptions;
  readonly createdBy: string;
  readonly tasks: readonly NewTask[];
  /** "refuse": a busy node refuses the whole job. "skip": its task is skipped with the reason, unless all are busy. */
  readonly whenBusy: "refuse" | "skip";
}

export interface Job {
  readonly id: string;
  readonly kind: JobKind;
  readonly state: JobState;
  readonly title: string;
  readonly groupId: string | null;
  readonly planId: string | null;
  readonly options: Readonly<Record<string, unknown>>;
  readonly createdBy: string;
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly attempt: number;
  readonly cancelAsked: boolean;
  readonly doneBytes: number;
  readonly totalBytes: number;
  readonly failure: FailureReport | null;
  readonly report: unknown;
}

export interface Task {
  readonly id: string;
  readonly jobId: string;
  readonly kind: TaskKind;
  readonly state: TaskState;
  readonly nodeId: string | null;
  readonly nodeName: string | null;
  /** What a restore brings back, or what an archive made. */
  readonly snapshotId: string | null;
  readonly diskMap: DiskMap | null;
  readonly replacesLayout: boolean;
  readonly position: number;
  readonly localizationId: string | null;
  readonly step: string;
  readonly attempt: number;
  readonly doneBytes: number;
  readonly totalBytes: number;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly failure: FailureReport | null;
  readonly report: unknown;
}

/** A double click, or a repeated call with the same Idempotency-Key, finds the first row. */
export async function createJobOnce(
  wish: NewJob,
): Promise<{ readonly jobId: string; readonly created: boolean }> {
  return inTransaction(async (tx) => {
    // The request's lock makes the second of two simultaneous clicks wait until it can see the first one's row.
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtext(${`request ${wish.requestId}`}))`;
    const first = await tx.job.findUnique({ where: { requestId: wish.requestId } });
    if (first !== null) return { jobId: sameWish(first, wish), created: false };
    const nodeIds = wish.tasks.flatMap((task) => (task.nodeId === null ? [] : [task.nodeId])).sort();
    // Node rows are locked in order of their ids: two jobs over the same nodes cannot both pass, nor deadlock.
    await tx.$queryRaw`SELECT id FROM nodes WHERE id = ANY(${nodeIds}) ORDER BY id FOR UPDATE`;
    const tasks = withoutBusy(wish, await findHolders(nodeIds, tx));
    const jobId = newId("job", systemRandom);
    const rows: Awaited<ReturnType<typeof rowOfTask>>[] = [];
    for (const task of tasks) rows.push(await rowOfTask(tx, task));
    await tx.job.create({
      data: {
        id: jobId,
        kind: jobKindForRow(wish.kind),
        requestId: wish.requestId,
        title: wish.title,
        groupId: wish.groupId ?? null,
        planId: wish.planId ?? null,
        options: rowOfOptions(wish.options ?? {}),
        createdBy: wish.createdBy,
        attemptMax: JOB_ATTEMPTS_MAX,
        tasks: { create: rows },
      },
    });
    await notify("jobs", jobId, tx);
    return { jobId, created: true };
  });
}

function sameWish(
  first: { id: string; kind: ReturnType<typeof jobKindForRow>; createdBy: string },
  wish: NewJob,
) {
  if (jobKindOfRow(first.kind) === wish.kind && first.createdBy === wish.createdBy) return first.id;
  throw new CodedError("input-invalid", "This request id was used for another request before.", {
    hint: "Reload the page, or send a new Idempotency-Key.",
  });
}

/** The open jobs that hold any of these nodes. */
export async function findHolders(
  nodeIds: readonly string[],
  tx: Pick<Transaction, "task"> = database(),
): Promise<Holder[]> {
  const rows = await tx.task.findMany({
    where: {
      nodeId: { in: [...nodeIds] },
      state: { in: OPEN_TASK_STATES },
      job: { state: { in: OPEN_JOB_STATES } },
    },
    select: { nodeId: true, job: { select: { id: true, title: true } } },
  });
  return rows.flatMap((row) =>
    row.nodeId === null ? [] : [{ nodeId: row.nodeId, jobId: row.job.id, title: row.job.title }],
  );
}

/** One worker wins; null for all others, and for a job that needs no worker any more. */
export async function claimJob(
  jobId: string,
  worker: { readonly workerId: string; readonly repositoryId: string },
): Promise<Job | null> {
  const now = new Date();
  const claimed = await database().job.updateManyAndReturn({
    where: { id: jobId, state: { in: jobStatesMovedBy("claim", "running") } },
    data: { state: "running", attempt: { increment: 1 }, heartbeatAt: now, ...worker },
  });
  const row = claimed[0];
  if (row === undefined) return null;
  await database().job.updateMany({ where: { id: jobId, startedAt: null }, data: { startedAt: now } });
  await notify("jobs", jobId);
  return jobOfRow({ ...row, startedAt: row.startedAt ?? now });
}

/** False when the job is no longer this worker's: it must stop working on it. */
export async function heartbeatJob(
  jobId: string,
  workerId: string,
  progress: { readonly doneBytes: number; readonly totalBytes: number },
): Promise<boolean> {
  const { count } = await database().job.updateMany({
    where: { id: jobId, workerId, state: "running" },
    data: {
      heartbeatAt: new Date(),
      doneBytes: BigInt(progress.doneBytes),
      totalBytes: BigInt(progress.totalBytes),
    },
  });
  return count > 0;
}

export interface JobEnd {
  readonly event: Extract<JobEvent, "finish" | "finish-partly" | "fail" | "cancel">;
  readonly failure: FailureReport | null;
  readonly report: object;
  readonly doneBytes: number;
  readonly totalBytes: number;
}

/** False when another worker took it over or it ended before. */
export async function finishJob(jobId: string, workerId: string, end: JobEnd): Promise<boolean> {
  const state = NEXT_JOB_STATE.running[end.event];
  if (state === "refuse") throw new Error(`Bug: a running job cannot ${end.event}`);
  const { count } = await database().job.updateMany({
    where: { id: jobId, workerId, state: { in: jobStatesMovedBy(end.event, state) } },
    data: {
      state,
      finishedAt: new Date(),
      failureCode: end.failure?.code ?? null,
      failureMessage: end.failure?.message ?? null,
      failureHint: end.failure?.hint ?? null,
      report: end.report,
      doneBytes: BigInt(end.doneBytes),
      totalBytes: BigInt(end.totalBytes),
    },
  });
  if (count > 0) await notify("jobs", jobId);
  return count > 0;
}

/** Asks a job to end. One that has not started ends at once; a running one when its agents have heard of it. */
export async function askToCancel(jobId: string, failure: FailureReport): Promise<JobState> {
  return inTransaction(async (tx) => {
    await tx.$queryRaw`SELECT id FROM jobs WHERE id = ${jobId} FOR UPDATE`;
    const job = await tx.job.findUnique({ where: { id: jobId }, select: { state: true } });
    if (job === null) throw jobUnknown(jobId);
    if (NEXT_JOB_STATE[job.state].cancel !== "cancelled") {
      throw new CodedError("input-invalid", `The job has already ended (${job.state}).`);
    }
    if (job.state === "cancelled") return job.state;
    const now = new Date();
    const words = { failureCode: failure.code, failureMessage: failure.message, failureHint: failure.hint };
    const ended = { state: "cancelled" as const, finishedAt: now, ...words };
    await tx.task.updateMany({ where: { jobId, state: { in: ["waiting", "ready"] } }, data: ended });
    const data = job.state === "queued" ? { cancelAskedAt: now, ...ended } : { cancelAskedAt: now };
    await tx.job.update({ where: { id: jobId }, data });
    await notify("jobs", jobId, tx);
    return job.state === "queued" ? "cancelled" : job.state;
  });
}

export async function findJob(jobId: string): Promise<Job | null> {
  const row = await database().job.findUnique({ where: { id: jobId } });
  return row === null ? null : jobOfRow(row);
}

export async function findJobByRequestId(requestId: string): Promise<Job | null> {
  const row = await database().job.findUnique({ where: { requestId } });
  return row === null ? null : jobOfRow(row);
}

export async function requireJob(jobId: string): Promise<Job> {
  const job = await findJob(jobId);
  if (job === null) throw jobUnknown(jobId);
  return job;
}

function jobUnknown(jobId: string): CodedError {
  return new CodedError("job-unknown", `There is no job ${jobId}.`);
}

/** Newest first; `after` is the last one of the page before. */
export async function listJobs(where: {
  readonly state?: JobState | undefined;
  readonly after?: { readonly createdAt: string; readonly id: string } | undefined;
  readonly limit: number;
}): Promise<Job[]> {
  const { state, after, limit } = where;
  const older =
    after === undefined
      ? {}
      : {
          OR: [
            { createdAt: { lt: new Date(after.createdAt) } },
            { createdAt: new Date(after.createdAt), id: { lt: after.id } },
          ],
        };
  const rows = await database().job.findMany({
    where: { state, ...older },
    orderBy: [{ createdAt: "desc" }, { id: "desc" }],
    take: limit,
  });
  return rows.map(jobOfRow);
}

export async function tasksOfJob(jobId: string): Promise<Task[]> {
  const rows = await database().task.findMany({
    where: { jobId },
    include: { node: { select: { name: true, seat: true } } },
    orderBy: [{ node: { seat: "asc" } }, { node: { name: "asc" } }, { position: "asc" }, { id: "asc" }],
  });
  return rows.map((row) => ({
    id: row.id,
    jobId: row.jobId,
    kind: taskKindOfRow(row.kind),
    state: row.state,
    nodeId: row.nodeId,
    nodeName: row.node?.name ?? null,
    snapshotId: row.snapshotId ?? madeSnapshotId(row.report),
    diskMap: diskMapOfRow(row.diskMap),
    replacesLayout: row.replacesLayout,
    position: row.position,
    localizationId: row.localizationId,
    step: row.step,
    attempt: row.attempt,
    doneBytes: Number(row.doneBytes),
    totalBytes: Number(row.totalBytes),
    startedAt: row.startedAt?.toISOString() ?? null,
    finishedAt: row.finishedAt?.toISOString() ?? null,
    failure: failureOfRow(row),
    report: row.report,
  }));
}

/** An archive's report names the snapshot it made. */
function madeSnapshotId(report: unknown): string | null {
  if (typeof report !== "object" || report === null || !("snapshotId" in report)) return null;
  return typeof report.snapshotId === "string" ? report.snapshotId : null;
}

interface JobRow {
  readonly id: string;
  readonly kind: ReturnType<typeof jobKindForRow>;
  readonly state: JobState;
  readonly title: string;
  readonly groupId: string | null;
  readonly planId: string | null;
  readonly options: unknown;
  readonly createdBy: string;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly attempt: number;
  readonly cancelAskedAt: Date | null;
  readonly doneBytes: bigint;
  readonly totalBytes: bigint;
  readonly failureCode: string | null;
  readonly failureMessage: string | null;
  readonly failureHint: string | null;
  readonly report: unknown;
}

export function jobOfRow(row: JobRow): Job {
  return {
    id: row.id,
    kind: jobKindOfRow(row.kind),
    state: row.state,
    title: row.title,
    groupId: row.groupId,
    planId: row.planId,
    options: typeof row.options === "object" && row.options !== null ? { ...row.options } : {},
    createdBy: row.createdBy,
    createdAt: row.createdAt.toISOString(),
    startedAt: row.startedAt?.toISOString() ?? null,
    finishedAt: row.finishedAt?.toISOString() ?? null,
    attempt: row.attempt,
    cancelAsked: row.cancelAskedAt !== null,
    doneBytes: Number(row.doneBytes),
    totalBytes: Number(row.totalBytes),
    failure: failureOfRow(row),
    report: row.report,
  };
}

/** A failure as stored; a code of another version reads as "internal" but keeps its words. */
export function failureOfRow(row: {
  readonly failureCode: string | null;
  readonly failureMessage: string | null;
  readonly failureHint: string | null;
}): FailureReport | null {
  if (row.failureCode === null) return null;
  const code = isFailureCode(row.failureCode) ? row.failureCode : "internal";
  return { code, message: row.failureMessage ?? "", hint: row.failureHint };
}
