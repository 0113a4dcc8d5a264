// Jobs and their tasks as pages read them.
import type { FailureReport } from "#lib/model/errors.ts";
import type { JobKind, JobState, TaskKind, TaskState } from "#lib/model/job.ts";
import { database } from "./client.ts";
import { jobKindForRow, jobKindOfRow, taskKindOfRow } from "./enums.ts";
import type { ChainPlace } from "./tasks.ts";
import { commentIn, failureOf, isoOrNull, numberIn, partOf } from "./view-words.ts";

export interface JobRow {
  readonly id: string;
  readonly kind: JobKind;
  readonly state: JobState;
  readonly title: string;
  readonly comment: string;
  readonly groupId: string | null;
  readonly groupName: string | null;
  readonly planId: string | null;
  readonly createdBy: string;
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly cancelAskedAt: string | null;
  readonly attempt: number;
  readonly attemptMax: number;
  readonly doneBytes: number;
  readonly totalBytes: number;
  readonly failure: FailureReport | null;
  readonly taskCounts: Readonly<Partial<Record<TaskState, number>>>;
}

export interface TaskRow {
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
  /** Of a restore through a chain: what came from other PCs instead of the server. */
  readonly fromNeighboursBytes: number | null;
  /** Where it stood last in its chain; null for what is in none. */
  readonly chain: ChainPlace | null;
  readonly lastEvent: { readonly at: string; readonly step: string; readonly message: string } | null;
}

export interface JobDetailRow extends JobRow {
  readonly tasks: readonly TaskRow[];
  readonly report: unknown;
}

interface JobFilter {
  readonly states?: readonly JobState[];
  readonly groupId?: string;
  readonly nodeId?: string;
  readonly before?: string | null;
}

const WITH_COUNTS = {
  group: { select: { name: true } },
  tasks: { select: { state: true } },
} as const;

export async function listJobRows(filter: JobFilter, countMax: number): Promise<JobRow[]> {
  const rows = await database().job.findMany({
    where: {
      ...(filter.states === undefined ? {} : { state: { in: [...filter.states] } }),
      ...(filter.groupId === undefined ? {} : { groupId: filter.groupId }),
      ...(filter.nodeId === undefined ? {} : { tasks: { some: { nodeId: filter.nodeId } } }),
      ...(filter.before ? { createdAt: { lt: new Date(filter.before) } } : {}),
    },
    orderBy: { createdAt: "desc" },
    take: countMax,
    include: WITH_COUNTS,
  });
  const names = await userNames(rows.map((row) => row.createdBy));
  return rows.map((row) => jobRowOf(row, names));
}

/** The newest job of each kind that has one, with its report. */
export async function newestJobsByKind(
  kinds: readonly JobKind[],
): Promise<ReadonlyMap<JobKind, JobRow & { readonly report: unknown }>> {
  const rows = await Promise.all(
    kinds.map((kind) =>
      database().job.findFirst({
        where: { kind: jobKindForRow(kind) },
        orderBy: { createdAt: "desc" },
        include: WITH_COUNTS,
      }),
    ),
  );
  const found = rows.filter((row) => row !== null);
  const names = await userNames(found.map((row) => row.createdBy));
  return new Map(
    found.map((row) => [jobKindOfRow(row.kind), { ...jobRowOf(row, names), report: row.report }]),
  );
}

export async function countActiveJobs(): Promise<number> {
  return database().job.count({ where: { state: { in: ["queued", "running"] } } });
}

export async function findJobDetailRow(jobId: string): Promise<JobDetailRow | null> {
  const row = await loadDetail(jobId);
  if (row === null) return null;
  const names = await userNames([row.createdBy]);
  return { ...jobRowOf(row, names), report: row.report, tasks: row.tasks.map(taskRowOf) };
}

function loadDetail(jobId: string) {
  return database().job.findUnique({
    where: { id: jobId },
    include: {
      group: { select: { name: true } },
      tasks: {
        orderBy: [{ node: { name: "asc" } }, { position: "asc" }, { id: "asc" }],
        include: {
          node: { select: { name: true } },
          events: { orderBy: { at: "desc" }, take: 1 },
        },
      },
    },
  });
}

type LoadedTask = NonNullable<Awaited<ReturnType<typeof loadDetail>>>["tasks"][number];
type LoadedJob = Awaited<ReturnType<typeof loadList>>[number];

function loadList() {
  return database().job.findMany({ include: WITH_COUNTS });
}

function jobRowOf(row: LoadedJob, names: ReadonlyMap<string, string>): JobRow {
  const taskCounts: Partial<Record<TaskState, number>> = {};
  for (const task of row.tasks) taskCounts[task.state] = (taskCounts[task.state] ?? 0) + 1;
  return {
    id: row.id,
    kind: jobKindOfRow(row.kind),
    state: row.state,
    title: row.title,
    comment: commentIn(row.options),
    groupId: row.groupId,
    groupName: row.group?.name ?? null,
    planId: row.planId,
    createdBy: names.get(row.createdBy) ?? row.createdBy,
    createdAt: row.createdAt.toISOString(),
    startedAt: isoOrNull(row.startedAt),
    finishedAt: isoOrNull(row.finishedAt),
    cancelAskedAt: isoOrNull(row.cancelAskedAt),
    attempt: row.attempt,
    attemptMax: row.attemptMax,
    doneBytes: Number(row.doneBytes),
    totalBytes: Number(row.totalBytes),
    failure: failureOf(row),
    taskCounts,
  };
}

function taskRowOf(row: LoadedTask): TaskRow {
  const event = row.events[0];
  return {
    id: row.id,
    kind: taskKindOfRow(row.kind),
    state: row.state,
    nodeId: row.nodeId,
    nodeName: row.node?.name ?? null,
    snapshotId: row.snapshotId,
    step: row.step,
    attempt: row.attempt,
    startedAt: isoOrNull(row.startedAt),
    finishedAt: isoOrNull(row.finishedAt),
    doneBytes: Number(row.doneBytes),
    totalBytes: Number(row.totalBytes),
    failure: failureOf(row),
    readBytes: numberIn(row.report, "readBytes"),
    writtenBytes: numberIn(row.report, "writtenBytes"),
    fromNeighboursBytes: numberIn(partOf(row.report, "chain"), "fromNeighboursBytes"),
    chain: chainOf(row.chain),
    lastEvent:
      event === undefined ? null : { at: event.at.toISOString(), step: event.step, message: event.message },
  };
}

function chainOf(row: unknown): TaskRow["chain"] {
  const rank = numberIn(row, "rank");
  if (rank === null) return null;
  const above = partOf(row, "above");
  return {
    rank,
    above: typeof above === "string" ? above : null,
    receivedBytes: numberIn(row, "receivedBytes") ?? 0,
    sentBytes: numberIn(row, "sentBytes") ?? 0,
    writtenBytes: numberIn(row, "writtenBytes") ?? 0,
    isDiskBehind: partOf(row, "isDiskBehind") === true,
  };
}

/** Jobs name their maker by user id; pages show a person. */
async function userNames(userIds: readonly string[]): Promise<Map<string, string>> {
  const users = await database().user.findMany({
    where: { id: { in: [...new Set(userIds)] } },
    select: { id: true, name: true },
  });
  return new Map(users.map((user) => [user.id, user.name]));
}
