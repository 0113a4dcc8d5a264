// Rows of snapshots: copies of what the repository records, so that pages can list and join them. Recording again is
// harmless; a row lost can be made again from the repository.
import { systemRandom } from "#lib/model/clock.ts";
import { newId } from "#lib/model/ids.ts";
import type { ImageRecord, SnapshotPurpose, SnapshotRecord, Technique } from "#lib/model/snapshot.ts";
import { database, inTransaction, type Transaction } from "./client.ts";
import { nodeIdByName } from "./nodes.ts";
import { notify } from "./notify.ts";

export const VERIFY_STATES = ["never", "verified", "corrupt"] as const;
export type VerifyState = (typeof VERIFY_STATES)[number];

export interface SnapshotRow {
  readonly id: string;
  readonly repositoryId: string;
  readonly nodeId: string;
  readonly nodeName: string;
  readonly jobId: string | null;
  readonly sequence: number;
  readonly parentId: string | null;
  readonly purpose: SnapshotPurpose;
  readonly comment: string;
  readonly createdAt: string;
  readonly seconds: number;
  readonly sizeBytes: number;
  readonly fillBytes: number;
  readonly unchangedBytes: number;
  readonly newBytes: number;
  readonly storedBytes: number;
  readonly verifyState: VerifyState;
  readonly verifiedAt: string | null;
  /** Why prune leaves it alone; null when it is not pinned. */
  readonly pinReason: string | null;
  readonly images: readonly ImageRecord[];
}

export async function recordSnapshot(
  record: SnapshotRecord,
  context: {
    readonly repositoryId: string;
    readonly jobId: string | null;
    /** In words; null when nobody knows. */
    readonly compression?: string | null;
  },
): Promise<void> {
  await inTransaction(async (tx) => {
    // Serialises recording per snapshot id: the gateway and the reconciliation may meet on the same one.
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtext(${record.id}))`;
    const known = await tx.snapshot.findUnique({ where: { id: record.id }, select: { id: true } });
    if (known !== null) return;
    const nodeId = (await nodeIdOfTask(record.requestId, tx)) ?? (await nodeIdByName(record.node, tx));
    await tx.snapshot.create({
      data: {
        id: record.id,
        repositoryId: context.repositoryId,
        nodeId,
        jobId: context.jobId,
        sequence: record.sequence,
        parentId: record.parentId,
        purpose: record.purpose,
        comment: record.comment,
        createdAt: new Date(record.createdAt),
        seconds: record.seconds,
        ...sumsOf(record),
        compression: context.compression ?? (await compressionOfTask(record.requestId, tx)),
        images: { create: record.images.map(rowOfImage) },
      },
    });
    await notify("nodes", nodeId, tx);
  });
}

/** The node whose wish the snapshot fulfilled: sure, whatever the node is called by now. */
async function nodeIdOfTask(taskId: string | null, tx: Pick<Transaction, "task">): Promise<string | null> {
  if (taskId === null) return null;
  const task = await tx.task.findUnique({ where: { id: taskId }, select: { nodeId: true } });
  return task?.nodeId ?? null;
}

/** The images' rows as the repository has them, and the sums with them. */
export async function replaceImages(record: SnapshotRecord): Promise<void> {
  await inTransaction(async (tx) => {
    await tx.partitionImage.deleteMany({ where: { snapshotId: record.id } });
    await tx.snapshot.update({
      where: { id: record.id },
      data: { ...sumsOf(record), images: { create: record.images.map(rowOfImage) } },
    });
  });
}

function sumsOf(record: SnapshotRecord) {
  const sum = (size: (image: ImageRecord) => number) =>
    BigInt(record.images.reduce((total, image) => total + size(image), 0));
  return {
    sizeBytes: sum((image) => image.sizeBytes),
    fillBytes: sum((image) => image.fillBytes),
    unchangedBytes: sum((image) => image.unchangedBytes),
    newBytes: sum((image) => image.newBytes),
    storedBytes: sum((image) => image.storedBytes),
  };
}

/** What the wish said it was to be compressed with. */
async function compressionOfTask(
  taskId: string | null,
  tx: Pick<Transaction, "task">,
): Promise<string | null> {
  if (taskId === null) return null;
  const task = await tx.task.findUnique({
    where: { id: taskId },
    select: { job: { select: { options: true } } },
  });
  const options = task?.job.options;
  if (typeof options !== "object" || options === null || !("compression" in options)) return null;
  return typeof options.compression === "string" ? options.compression : null;
}

function rowOfImage(image: ImageRecord) {
  return {
    id: newId("image", systemRandom),
    partition: image.partition,
    sizeBytes: BigInt(image.sizeBytes),
    technique: image.technique,
    baseId: image.baseId ?? null,
    contentRoot: image.contentRoot,
    fillBytes: BigInt(image.fillBytes),
    unchangedBytes: BigInt(image.unchangedBytes),
    newBytes: BigInt(image.newBytes),
    storedBytes: BigInt(image.storedBytes),
    details: { ...image.details },
  };
}

const WITH_IMAGES = {
  include: { images: { orderBy: { partition: "asc" } }, node: { select: { name: true } } },
} as const;

/** The job of the task that a snapshot's requestId names; null for snapshots made elsewhere. */
export async function jobIdOfTask(taskId: string): Promise<string | null> {
  const task = await database().task.findUnique({ where: { id: taskId }, select: { jobId: true } });
  return task?.jobId ?? null;
}

export async function findSnapshot(snapshotId: string): Promise<SnapshotRow | null> {
  const row = await database().snapshot.findUnique({ where: { id: snapshotId }, ...WITH_IMAGES });
  return row === null ? null : snapshotOfRow(row);
}

/** Newest first; `after` is the last one of the page before. */
export async function listSnapshots(where: {
  readonly nodeId?: string | undefined;
  readonly jobId?: string | undefined;
  readonly after?: Pick<SnapshotRow, "createdAt" | "sequence" | "id"> | undefined;
  readonly limit?: number;
}): Promise<SnapshotRow[]> {
  const rows = await database().snapshot.findMany({
    where: { nodeId: where.nodeId, jobId: where.jobId, ...olderThan(where.after) },
    orderBy: [{ createdAt: "desc" }, { sequence: "desc" }, { id: "desc" }],
    take: where.limit ?? 1_000,
    ...WITH_IMAGES,
  });
  return rows.map(snapshotOfRow);
}

function olderThan(after: Pick<SnapshotRow, "createdAt" | "sequence" | "id"> | undefined) {
  if (after === undefined) return {};
  const { sequence, id } = after;
  const createdAt = new Date(after.createdAt);
  return {
    OR: [
      { createdAt: { lt: createdAt } },
      { createdAt, sequence: { lt: sequence } },
      { createdAt, sequence, id: { lt: id } },
    ],
  };
}

/** The repository has pruned them: plans that name them find out, tasks keep their words. */
export async function forgetSnapshots(snapshotIds: readonly string[]): Promise<void> {
  await database().snapshot.deleteMany({ where: { id: { in: [...snapshotIds] } } });
}

export async function verifyStatesOf(repositoryId: string): Promise<Map<string, VerifyState>> {
  const rows = await database().snapshot.findMany({
    where: { repositoryId },
    select: { id: true, verifyState: true },
  });
  return new Map(rows.map((row) => [row.id, row.verifyState]));
}

export async function setVerifyState(
  snapshotIds: readonly string[],
  state: Exclude<VerifyState, "never">,
): Promise<void> {
  await database().snapshot.updateMany({
    where: { id: { in: [...snapshotIds] } },
    data: { verifyState: state, verifiedAt: new Date() },
  });
}

interface StoredSnapshot
  extends Omit<
    SnapshotRow,
    | "nodeName"
    | "createdAt"
    | "verifiedAt"
    | "sizeBytes"
    | "fillBytes"
    | "unchangedBytes"
    | "newBytes"
    | "storedBytes"
    | "images"
  > {
  readonly node: { readonly name: string };
  readonly createdAt: Date;
  readonly verifiedAt: Date | null;
  readonly sizeBytes: bigint;
  readonly fillBytes: bigint;
  readonly unchangedBytes: bigint;
  readonly newBytes: bigint;
  readonly storedBytes: bigint;
  readonly images: readonly StoredImage[];
}

interface StoredImage {
  readonly partition: string;
  readonly technique: string;
  readonly baseId: string | null;
  readonly contentRoot: string;
  readonly sizeBytes: bigint;
  readonly fillBytes: bigint;
  readonly unchangedBytes: bigint;
  readonly newBytes: bigint;
  readonly storedBytes: bigint;
  readonly details: unknown;
}

export function snapshotOfRow(row: StoredSnapshot): SnapshotRow {
  return {
    id: row.id,
    repositoryId: row.repositoryId,
    nodeId: row.nodeId,
    nodeName: row.node.name,
    jobId: row.jobId,
    sequence: row.sequence,
    parentId: row.parentId,
    purpose: row.purpose,
    comment: row.comment,
    createdAt: row.createdAt.toISOString(),
    seconds: row.seconds,
    sizeBytes: Number(row.sizeBytes),
    fillBytes: Number(row.fillBytes),
    unchangedBytes: Number(row.unchangedBytes),
    newBytes: Number(row.newBytes),
    storedBytes: Number(row.storedBytes),
    verifyState: row.verifyState,
    verifiedAt: row.verifiedAt?.toISOString() ?? null,
    pinReason: row.pinReason,
    images: row.images.map(imageOfRow),
  };
}

function imageOfRow(row: StoredImage): ImageRecord {
  return {
    partition: row.partition,
    technique: row.technique as Technique, // written by recordSnapshot from a Technique
    ...(row.baseId === null ? {} : { baseId: row.baseId }),
    contentRoot: row.contentRoot,
    sizeBytes: Number(row.sizeBytes),
    fillBytes: Number(row.fillBytes),
    unchangedBytes: Number(row.unchangedBytes),
    newBytes: Number(row.newBytes),
    storedBytes: Number(row.storedBytes),
    details: row.details as Record<string, string>, // likewise
  };
}
