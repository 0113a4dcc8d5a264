// The repository's sizes over time, for charts. Many samples are thinned in the database to at most one per bucket, the
// newest of each, so that a year of samples stays one small answer.
import { database } from "./client.ts";
import { choiceOfRow, type RepositoryChoice } from "./repositories.ts";

export interface RepositoryRow {
  readonly id: string;
  readonly name: string;
  readonly blockSize: number;
  readonly createdAt: string;
  readonly choice: RepositoryChoice;
}

export interface StorageSampleRow {
  readonly at: string;
  readonly snapshotCount: number;
  readonly logicalBytes: number;
  readonly fillBytes: number;
  readonly uniqueBytes: number;
  readonly compressedBytes: number;
  readonly storedBytes: number;
}

export async function listRepositoryRows(): Promise<RepositoryRow[]> {
  const rows = await database().repository.findMany({ orderBy: { createdAt: "asc" } });
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    blockSize: row.blockSize,
    createdAt: row.createdAt.toISOString(),
    choice: choiceOfRow(row),
  }));
}

interface RawSample {
  at: Date;
  snapshotCount: number;
  logicalBytes: bigint;
  fillBytes: bigint;
  uniqueBytes: bigint;
  compressedBytes: bigint;
  storedBytes: bigint;
}

/** At most `countMax` samples over the repository's whole life, always with the newest one. */
export async function listStorageSampleRows(
  repositoryId: string,
  countMax: number,
): Promise<StorageSampleRow[]> {
  const rows = await database().$queryRaw<RawSample[]>`
    SELECT DISTINCT ON (bucket) "at", "snapshotCount", "logicalBytes", "fillBytes", "uniqueBytes",
           "compressedBytes", "storedBytes"
      FROM (SELECT s.*, ntile(${countMax}::int) OVER (ORDER BY s."at", s."id") AS bucket
              FROM "storage_samples" s WHERE s."repositoryId" = ${repositoryId}) b
     ORDER BY bucket, "at" DESC, "id" DESC`;
  return rows.map(sampleOf);
}

export async function findNewestSampleRow(repositoryId: string): Promise<StorageSampleRow | null> {
  const row = await database().storageSample.findFirst({
    where: { repositoryId },
    orderBy: [{ at: "desc" }, { id: "desc" }],
  });
  return row === null ? null : sampleOf(row);
}

function sampleOf(row: RawSample): StorageSampleRow {
  return {
    at: row.at.toISOString(),
    snapshotCount: row.snapshotCount,
    logicalBytes: Number(row.logicalBytes),
    fillBytes: Number(row.fillBytes),
    uniqueBytes: Number(row.uniqueBytes),
    compressedBytes: Number(row.compressedBytes),
    storedBytes: Number(row.storedBytes),
  };
}

export interface NodeStorageRow {
  readonly nodeId: string;
  readonly nodeName: string;
  readonly snapshotCount: number;
  readonly logicalBytes: number;
  readonly newBytes: number;
  readonly storedBytes: number;
}

/** Who adds most to the store: sums over each node's snapshots, largest first. */
export async function listNodeStorageRows(countMax: number): Promise<NodeStorageRow[]> {
  const sums = await database().snapshot.groupBy({
    by: ["nodeId"],
    _count: { _all: true },
    _sum: { sizeBytes: true, newBytes: true, storedBytes: true },
    orderBy: { _sum: { storedBytes: "desc" } },
    take: countMax,
  });
  const nodes = await database().node.findMany({
    where: { id: { in: sums.map((row) => row.nodeId) } },
    select: { id: true, name: true },
  });
  const names = new Map(nodes.map((node) => [node.id, node.name]));
  return sums.map((row) => ({
    nodeId: row.nodeId,
    nodeName: names.get(row.nodeId) ?? row.nodeId,
    snapshotCount: row._count._all,
    logicalBytes: Number(row._sum.sizeBytes ?? 0n),
    newBytes: Number(row._sum.newBytes ?? 0n),
    storedBytes: Number(row._sum.storedBytes ?? 0n),
  }));
}
