// The matrix's rows from the database: the moments of a classroom in a window, what happened to each node in them, and
// what was effective before the window began. Sparse on purpose: only cells where something happened travel.

import type { FailureReport } from "#lib/model/errors.ts";
import type { JobKind, JobState, TaskState } from "#lib/model/job.ts";
import type { CellEvent, MatrixVersion } from "#lib/model/matrix.ts";
import { database } from "./client.ts";
import { jobKindOfRow } from "./enums.ts";
import { commentIn, failureOf, numberIn } from "./view-words.ts";

export interface MomentRow {
  readonly jobId: string;
  readonly kind: JobKind;
  readonly title: string;
  readonly at: string;
  readonly state: JobState;
}

export interface MatrixTaskRow {
  readonly jobId: string;
  readonly nodeId: string;
  readonly kind: "archive" | "restore";
  readonly event: CellEvent;
  readonly begun: boolean;
  readonly targetSnapshotId: string | null;
  readonly failure: FailureReport | null;
  readonly writtenBytes: number | null;
}

export interface MatrixSnapshotRow {
  readonly snapshotId: string;
  readonly nodeId: string;
  readonly jobId: string | null;
  readonly createdAt: string;
  readonly newBytes: number;
}

/** Jobs that touched the classroom's nodes, newest first, at most `countMax`, older than `before`. */
export async function listMomentRows(
  groupId: string,
  window: { countMax: number; before: string | null },
): Promise<MomentRow[]> {
  const rows = await database().job.findMany({
    where: {
      kind: { not: "verify" },
      tasks: { some: { node: { groupId } } },
      ...(window.before === null ? {} : { createdAt: { lt: new Date(window.before) } }),
    },
    orderBy: { createdAt: "desc" },
    take: window.countMax,
    select: { id: true, kind: true, title: true, options: true, createdAt: true, state: true },
  });
  return rows.map((row) => ({
    jobId: row.id,
    kind: jobKindOfRow(row.kind),
    title: [row.title, commentIn(row.options)].filter((words) => words !== "").join(": "),
    at: row.createdAt.toISOString(),
    state: row.state,
  }));
}

export async function listMatrixTaskRows(
  groupId: string,
  jobIds: readonly string[],
): Promise<MatrixTaskRow[]> {
  const rows = await database().task.findMany({
    where: {
      jobId: { in: [...jobIds] },
      node: { groupId },
      kind: { in: ["archive", "restore", "localize"] },
    },
    orderBy: { position: "asc" },
    select: {
      jobId: true,
      nodeId: true,
      kind: true,
      state: true,
      startedAt: true,
      snapshotId: true,
      failureCode: true,
      failureMessage: true,
      failureHint: true,
      report: true,
      job: { select: { kind: true } },
    },
  });
  // A PC with several parts in a job has one cell: that of the part it is at, or of all together.
  const cells = [...Map.groupBy(rows, ({ jobId, nodeId }) => `${jobId} ${nodeId}`).values()];
  return cells.flatMap((parts) => {
    const row = parts.find(({ state }) => state !== "succeeded") ?? parts.at(-1);
    if (row === undefined || row.nodeId === null) return [];
    const kind = row.kind === "archive" ? "archive" : "restore";
    const deed = row.job.kind === "clone" || row.job.kind === "localize" ? row.job.kind : kind;
    return [
      {
        jobId: row.jobId,
        nodeId: row.nodeId,
        kind,
        event: eventOf(deed, row.state),
        begun: row.startedAt !== null || parts[0]?.startedAt !== null,
        targetSnapshotId: parts.find(({ kind: part }) => part !== "archive")?.snapshotId ?? null,
        failure: failureOf(row),
        writtenBytes: sumOf(parts.map(({ report }) => numberIn(report, "writtenBytes"))),
      },
    ];
  });
}

function sumOf(figures: readonly (number | null)[]): number | null {
  const known = figures.filter((figure) => figure !== null);
  return known.length === 0 ? null : known.reduce((sum, figure) => sum + figure, 0);
}

const EVENT_OF_STATE: Readonly<Record<Exclude<TaskState, "succeeded">, CellEvent>> = {
  waiting: "running",
  ready: "running",
  running: "running",
  failed: "failed",
  skipped: "skipped",
  cancelled: "cancelled",
};

const SUCCEEDED = {
  archive: "captured",
  restore: "rolled-back",
  clone: "cloned",
  localize: "localized",
} as const;

function eventOf(kind: keyof typeof SUCCEEDED, state: TaskState): CellEvent {
  return state === "succeeded" ? SUCCEEDED[kind] : EVENT_OF_STATE[state];
}

/** Snapshots of the classroom's nodes made by these jobs, and those of no job in the window. */
export async function listMatrixSnapshotRows(
  groupId: string,
  jobIds: readonly string[],
  window: { from: string | null; before: string | null },
): Promise<MatrixSnapshotRow[]> {
  const within = {
    ...(window.from === null ? {} : { gte: new Date(window.from) }),
    ...(window.before === null ? {} : { lt: new Date(window.before) }),
  };
  const rows = await database().snapshot.findMany({
    where: {
      node: { groupId },
      OR: [{ jobId: { in: [...jobIds] } }, { jobId: null, createdAt: within }],
    },
    orderBy: { createdAt: "asc" },
    select: { id: true, nodeId: true, jobId: true, createdAt: true, newBytes: true },
  });
  return rows.map((row) => ({
    snapshotId: row.id,
    nodeId: row.nodeId,
    jobId: row.jobId,
    createdAt: row.createdAt.toISOString(),
    newBytes: Number(row.newBytes),
  }));
}

/** Version numbers: a node's snapshots counted in order of time. */
export async function versionsOf(snapshotIds: readonly string[]): Promise<Map<string, MatrixVersion>> {
  if (snapshotIds.length === 0) return new Map();
  const rows = await database().$queryRaw<
    { id: string; number: bigint; createdAt: Date; nodeName: string }[]
  >`
    SELECT s."id", s."createdAt", n."name" AS "nodeName",
           (SELECT count(*) FROM "snapshots" o
             WHERE o."nodeId" = s."nodeId" AND (o."createdAt", o."sequence") <= (s."createdAt", s."sequence")) AS "number"
      FROM "snapshots" s JOIN "nodes" n ON n."id" = s."nodeId"
     WHERE s."id" = ANY(${[...snapshotIds]})`;
  return new Map(
    rows.map((row) => [
      row.id,
      {
        snapshotId: row.id,
        number: Number(row.number),
        nodeName: row.nodeName,
        createdAt: row.createdAt.toISOString(),
      },
    ]),
  );
}

/** What a node's disks held at a moment, and how it came there. */
export interface EffectiveSnapshot {
  readonly snapshotId: string;
  readonly by: "archive" | "restore";
}

/** What was on each node's disks at a moment: its newest snapshot not later, or the newest successful restore when that is later
 *  still. The matrix begins with it and a roll back goes to it, so that a roll back brings what the cell shows. */
export async function effectiveSnapshotsAt(
  nodeIds: readonly string[],
  at: string,
): Promise<Map<string, EffectiveSnapshot>> {
  const moment = new Date(at);
  const ids = [...nodeIds];
  const rows = await database().$queryRaw<({ nodeId: string } & EffectiveSnapshot)[]>`
    SELECT DISTINCT ON (e."nodeId") e."nodeId", e."snapshotId", e."by"
      FROM (
        SELECT s."nodeId", s."id" AS "snapshotId", 'archive' AS "by", s."createdAt" AS "at", s."sequence"
          FROM "snapshots" s
         WHERE s."nodeId" = ANY(${ids}) AND s."createdAt" <= ${moment}
        UNION ALL
        SELECT t."nodeId", t."snapshotId", 'restore', t."finishedAt", 0
          FROM "tasks" t
         WHERE t."nodeId" = ANY(${ids}) AND t."kind" IN ('restore', 'localize') AND t."state" = 'succeeded'
           AND t."snapshotId" IS NOT NULL AND t."finishedAt" <= ${moment}
      ) e
     ORDER BY e."nodeId", e."at" DESC, e."sequence" DESC`;
  return new Map(rows.map(({ nodeId, snapshotId, by }) => [nodeId, { snapshotId, by }]));
}
