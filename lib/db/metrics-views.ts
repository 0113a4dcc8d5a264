// What the figures of /metrics are made of, counted by Postgres: one row per classroom, kind, state or code, never one per thing.
import { isFailureCode } from "#lib/model/errors.ts";
import { type JobKind, type JobState, type TaskState, UPKEEP_JOB_KINDS } from "#lib/model/job.ts";
import { NODE_OFFLINE_AFTER_MS, type NodeLifeCycle } from "#lib/model/node.ts";
import { database } from "./client.ts";
import { jobKindForRow, jobKindOfRow } from "./enums.ts";
import { listRepositories } from "./repositories.ts";
import type { VerifyState } from "./snapshots.ts";
import { listStorageSamples, type StorageSample } from "./storage-samples.ts";

export interface ClassroomFigures {
  /** "": PCs of no classroom. */
  readonly classroom: string;
  readonly enrolled: number;
  readonly online: number;
  /** Enrolled PCs of which there is no snapshot at all. */
  readonly withoutSnapshot: number;
  /** Of any of its PCs; null: there is none. */
  readonly newestSnapshotAt: Date | null;
  /** Of the PC whose last snapshot is the oldest; a PC without one counts from when it came. */
  readonly stalestAt: Date;
}

export interface NodeFigures {
  readonly node: string;
  readonly classroom: string;
  readonly online: boolean;
  readonly lastSnapshotAt: Date | null;
}

export async function countJobs(): Promise<{ kind: JobKind; state: JobState; count: number }[]> {
  const rows = await database().job.groupBy({ by: ["kind", "state"], _count: true });
  return rows.map((row) => ({ kind: jobKindOfRow(row.kind), state: row.state, count: row._count }));
}

export async function countTasks(): Promise<{ state: TaskState; count: number }[]> {
  const rows = await database().task.groupBy({ by: ["state"], _count: true });
  return rows.map((row) => ({ state: row.state, count: row._count }));
}

/** A code that this version does not know counts as "internal", so that what is stored adds no labels. */
export async function countFailedTasks(): Promise<Map<string, number>> {
  const rows = await database().task.groupBy({
    by: ["failureCode"],
    where: { state: "failed" },
    _count: true,
  });
  const counts = new Map<string, number>();
  for (const { failureCode, _count } of rows) {
    const code = failureCode !== null && isFailureCode(failureCode) ? failureCode : "internal";
    counts.set(code, (counts.get(code) ?? 0) + _count);
  }
  return counts;
}

export async function countNodes(): Promise<{ lifeCycle: NodeLifeCycle; count: number }[]> {
  const rows = await database().node.groupBy({ by: ["lifeCycle"], _count: true });
  return rows.map((row) => ({ lifeCycle: row.lifeCycle, count: row._count }));
}

export async function countSnapshots(): Promise<{ verifyState: VerifyState; count: number }[]> {
  const rows = await database().snapshot.groupBy({ by: ["verifyState"], _count: true });
  return rows.map((row) => ({ verifyState: row.verifyState, count: row._count }));
}

/** By name. */
export async function readClassroomFigures(nowMs: number): Promise<ClassroomFigures[]> {
  const onlineSince = new Date(nowMs - NODE_OFFLINE_AFTER_MS).toISOString();
  return database().$queryRaw<ClassroomFigures[]>`
    SELECT coalesce(g."name", '') AS "classroom",
           count(*)::int AS "enrolled",
           count(*) FILTER (WHERE n."lastSeenAt" > (${onlineSince}::timestamptz AT TIME ZONE 'UTC'))::int AS "online",
           count(*) FILTER (WHERE s."at" IS NULL)::int AS "withoutSnapshot",
           max(s."at") AS "newestSnapshotAt",
           min(coalesce(s."at", n."createdAt")) AS "stalestAt"
      FROM "nodes" n
      LEFT JOIN "groups" g ON g."id" = n."groupId"
      CROSS JOIN LATERAL (SELECT max("createdAt") AS "at" FROM "snapshots" WHERE "nodeId" = n."id") s
     WHERE n."lifeCycle" = 'enrolled'
     GROUP BY 1
     ORDER BY 1`;
}

/** The first `limit` enrolled PCs by name. */
export async function readNodeFigures(nowMs: number, limit: number): Promise<NodeFigures[]> {
  const onlineSince = new Date(nowMs - NODE_OFFLINE_AFTER_MS).toISOString();
  return database().$queryRaw<NodeFigures[]>`
    SELECT n."name" AS "node", coalesce(g."name", '') AS "classroom", s."at" AS "lastSnapshotAt",
           coalesce(n."lastSeenAt" > (${onlineSince}::timestamptz AT TIME ZONE 'UTC'), false) AS "online"
      FROM "nodes" n
      LEFT JOIN "groups" g ON g."id" = n."groupId"
      CROSS JOIN LATERAL (SELECT max("createdAt") AS "at" FROM "snapshots" WHERE "nodeId" = n."id") s
     WHERE n."lifeCycle" = 'enrolled'
     ORDER BY n."name"
     LIMIT ${limit}`;
}

/** The last sizes of each repository; one that was never measured is left out. */
export async function newestSamples(): Promise<(StorageSample & { readonly repository: string })[]> {
  const found: (StorageSample & { readonly repository: string })[] = [];
  for (const { id, name } of await listRepositories()) {
    const [newest] = await listStorageSamples(id, 1);
    if (newest !== undefined) found.push({ ...newest, repository: name });
  }
  return found;
}

/** When each kind of upkeep ended well the last time. */
export async function lastUpkeep(): Promise<{ kind: JobKind; at: Date }[]> {
  const rows = await database().job.groupBy({
    by: ["kind"],
    where: { state: "succeeded", kind: { in: UPKEEP_JOB_KINDS.map(jobKindForRow) } },
    _max: { finishedAt: true },
  });
  return rows.flatMap(({ kind, _max: { finishedAt } }) =>
    finishedAt === null ? [] : [{ kind: jobKindOfRow(kind), at: finishedAt }],
  );
}
