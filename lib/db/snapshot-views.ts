// Snapshots as pages read them: lists per node or job, and one with its images.
import type { SnapshotPurpose } from "#lib/model/snapshot.ts";
import { database } from "./client.ts";
import { isoOrNull } from "./view-words.ts";

export interface SnapshotRow {
  readonly id: string;
  readonly nodeId: string;
  readonly nodeName: string;
  readonly jobId: string | null;
  readonly purpose: SnapshotPurpose;
  readonly comment: string;
  readonly createdAt: string;
  readonly seconds: number;
  readonly sizeBytes: number;
  readonly fillBytes: number;
  readonly unchangedBytes: number;
  readonly newBytes: number;
  readonly storedBytes: number;
  readonly verifyState: "never" | "verified" | "corrupt";
  readonly verifiedAt: string | null;
  /** Null: not pinned. */
  readonly pinReason: string | null;
  readonly pinnedAt: string | null;
}

export interface ImageRow {
  readonly partition: string;
  readonly sizeBytes: number;
  readonly technique: string;
  readonly baseId: string | null;
  readonly contentRoot: string;
  readonly fillBytes: number;
  readonly unchangedBytes: number;
  readonly newBytes: number;
  readonly storedBytes: number;
  readonly details: Readonly<Record<string, string>>;
}

export interface SnapshotDetailRow extends SnapshotRow {
  readonly groupId: string | null;
  readonly groupName: string | null;
  readonly parentId: string | null;
  readonly repositoryName: string;
  /** Null for snapshots made elsewhere. */
  readonly compression: string | null;
  readonly images: readonly ImageRow[];
}

type Loaded = NonNullable<Awaited<ReturnType<typeof load>>>;
type LoadedSnapshot = Omit<Loaded, "images" | "repository" | "node"> & { node: { name: string } };

export async function listNodeSnapshotRows(nodeId: string, countMax: number): Promise<SnapshotRow[]> {
  const rows = await database().snapshot.findMany({
    where: { nodeId },
    orderBy: [{ createdAt: "desc" }, { sequence: "desc" }],
    take: countMax,
    include: { node: { select: { name: true } } },
  });
  return rows.map(rowOf);
}

export async function listJobSnapshotRows(jobId: string): Promise<SnapshotRow[]> {
  const rows = await database().snapshot.findMany({
    where: { jobId },
    orderBy: { sequence: "asc" },
    include: { node: { select: { name: true } } },
  });
  return rows.map(rowOf);
}

/** By snapshot id; without those that are gone. */
export async function nodeNamesOfSnapshots(
  snapshotIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const rows = await database().snapshot.findMany({
    where: { id: { in: [...snapshotIds] } },
    select: { id: true, node: { select: { name: true } } },
  });
  return new Map(rows.map((row) => [row.id, row.node.name]));
}

export async function countNodeSnapshots(nodeId: string): Promise<number> {
  return database().snapshot.count({ where: { nodeId } });
}

export async function findSnapshotDetailRow(snapshotId: string): Promise<SnapshotDetailRow | null> {
  const row = await load(snapshotId);
  if (row === null) return null;
  return {
    ...rowOf(row),
    groupId: row.node.groupId,
    groupName: row.node.group?.name ?? null,
    parentId: row.parentId,
    repositoryName: row.repository.name,
    compression: row.compression,
    images: row.images.map((image) => ({
      partition: image.partition,
      sizeBytes: Number(image.sizeBytes),
      technique: image.technique,
      baseId: image.baseId,
      contentRoot: image.contentRoot,
      fillBytes: Number(image.fillBytes),
      unchangedBytes: Number(image.unchangedBytes),
      newBytes: Number(image.newBytes),
      storedBytes: Number(image.storedBytes),
      details: wordsIn(image.details),
    })),
  };
}

function load(snapshotId: string) {
  return database().snapshot.findUnique({
    where: { id: snapshotId },
    include: {
      node: { select: { name: true, groupId: true, group: { select: { name: true } } } },
      repository: { select: { name: true } },
      images: { orderBy: { partition: "asc" } },
    },
  });
}

function rowOf(row: LoadedSnapshot): SnapshotRow {
  return {
    id: row.id,
    nodeId: row.nodeId,
    nodeName: row.node.name,
    jobId: row.jobId,
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
    verifiedAt: isoOrNull(row.verifiedAt),
    pinReason: row.pinReason,
    pinnedAt: isoOrNull(row.pinnedAt),
  };
}

function wordsIn(details: unknown): Record<string, string> {
  if (typeof details !== "object" || details === null) return {};
  return Object.fromEntries(
    Object.entries(details).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}
