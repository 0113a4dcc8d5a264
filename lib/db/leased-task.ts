// What a task is about, as the gateway needs it: its row, its node's disks, its snapshot and its peers, read together.
import { type ArchiveChoice, archiveChoiceOf } from "#lib/model/archive-choice.ts";
import type { DiskMap } from "#lib/model/fit.ts";
import type { TaskKind } from "#lib/model/job.ts";
import type { DiskInfo } from "#lib/model/node.ts";
import { SNAPSHOT_PURPOSES, type SnapshotPurpose } from "#lib/model/snapshot.ts";
import { database } from "./client.ts";
import { taskKindOfRow } from "./enums.ts";
import { disksOfNode } from "./nodes.ts";
import { findRepositoryChoice } from "./repositories.ts";

export interface LeasedTask {
  readonly taskId: string;
  readonly jobId: string;
  readonly kind: TaskKind;
  readonly snapshotId: string | null;
  readonly nodeName: string;
  readonly attempt: number;
  readonly purpose: SnapshotPurpose;
  readonly comment: string;
  /** How an archive is to be stored. */
  readonly storage: ArchiveChoice;
  readonly disks: readonly DiskInfo[];
  /** Which of them each of the snapshot's disks goes to; null: those it was taken of. */
  readonly diskMap: DiskMap | null;
  /** The disk gets the snapshot's partition table, whatever its own is. */
  readonly replacesLayout: boolean;
  /** What a localize task tells the PC. */
  readonly localizationId: string | null;
  /** Of an archive: another PC's snapshot that was written to this one since its newest; null when there is none. */
  readonly writtenFrom: string | null;
  /** The nodes of the job that get the same snapshot and have not ended, this one among them; empty for an archive. */
  readonly peers: readonly string[];
  /** What a restore brings back; empty for an archive. */
  readonly images: readonly {
    readonly partition: string;
    readonly sizeBytes: number;
    readonly contentRoot: string;
    readonly details: Readonly<Record<string, string>>;
  }[];
}

export async function describeLease(taskId: string, nodeId: string): Promise<LeasedTask> {
  const task = await database().task.findUniqueOrThrow({
    where: { id: taskId },
    include: { job: true, node: true, snapshot: { include: { images: { orderBy: { partition: "asc" } } } } },
  });
  const options = wordsOf(task.job.options);
  return {
    taskId,
    jobId: task.jobId,
    kind: taskKindOfRow(task.kind),
    snapshotId: task.snapshotId,
    nodeName: task.node?.name ?? nodeId,
    attempt: task.attempt,
    purpose: SNAPSHOT_PURPOSES.find((purpose) => purpose === options.purpose) ?? "manual",
    comment: typeof options.comment === "string" ? options.comment : "",
    storage: archiveChoiceOf(
      options,
      task.job.repositoryId === null ? null : await findRepositoryChoice(task.job.repositoryId),
    ),
    disks: await disksOfNode(nodeId),
    diskMap: diskMapOfRow(task.diskMap),
    replacesLayout: task.replacesLayout,
    localizationId: task.localizationId,
    writtenFrom: task.kind === "archive" ? await writtenFrom(nodeId) : null,
    peers: await peersOf(task),
    images: (task.snapshot?.images ?? []).map((image) => ({
      partition: image.partition,
      sizeBytes: Number(image.sizeBytes),
      contentRoot: image.contentRoot,
      details: Object.fromEntries(
        Object.entries(wordsOf(image.details)).map(([key, value]) => [key, String(value)]),
      ),
    })),
  };
}

/** The baseline of a copy is the master but for a few pages: these alone travel. */
async function writtenFrom(nodeId: string): Promise<string | null> {
  const [written, newest] = await Promise.all([
    database().task.findFirst({
      where: { nodeId, kind: { in: ["restore", "localize"] }, state: "succeeded", snapshotId: { not: null } },
      orderBy: { finishedAt: "desc" },
      select: { snapshotId: true, finishedAt: true, snapshot: { select: { nodeId: true } } },
    }),
    database().snapshot.findFirst({
      where: { nodeId },
      orderBy: { createdAt: "desc" },
      select: { createdAt: true },
    }),
  ]);
  if (written?.finishedAt == null || written.snapshot?.nodeId === nodeId) return null;
  return newest !== null && newest.createdAt > written.finishedAt ? null : written.snapshotId;
}

async function peersOf(task: { jobId: string; kind: string; snapshotId: string | null }): Promise<string[]> {
  if (task.snapshotId === null || task.kind !== "restore") return [];
  const rows = await database().task.findMany({
    where: {
      jobId: task.jobId,
      snapshotId: task.snapshotId,
      kind: "restore",
      state: { in: ["waiting", "ready", "running"] },
    },
    select: { nodeId: true },
    orderBy: { nodeId: "asc" },
  });
  return rows.flatMap(({ nodeId }) => nodeId ?? []);
}

/** The task that this lease runs; null when it does not, or not any more. */
export async function findLeased(
  taskId: string,
  leaseId: string,
): Promise<(LeasedTask & { readonly nodeId: string }) | null> {
  const row = await database().task.findFirst({
    where: { id: taskId, leaseId, state: "running" },
    select: { nodeId: true },
  });
  if (row?.nodeId == null) return null;
  return { ...(await describeLease(taskId, row.nodeId)), nodeId: row.nodeId };
}

function wordsOf(json: unknown): Record<string, unknown> {
  return typeof json === "object" && json !== null && !Array.isArray(json) ? { ...json } : {};
}

/** Only `rowOfTask` (jobs.ts) writes it. */
export function diskMapOfRow(row: unknown): DiskMap | null {
  return row === null ? null : (row as DiskMap);
}
