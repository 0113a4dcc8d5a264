// The repository's sizes after each job that changed it: what the storage charts draw.
import { database } from "./client.ts";

export interface StorageSample {
  readonly repositoryId: string;
  readonly at: string;
  readonly snapshotCount: number;
  readonly logicalBytes: number;
  readonly fillBytes: number;
  readonly uniqueBytes: number;
  readonly compressedBytes: number;
  readonly storedBytes: number;
}

export async function recordStorageSample(sample: Omit<StorageSample, "at">): Promise<void> {
  await database().storageSample.create({
    data: {
      repositoryId: sample.repositoryId,
      snapshotCount: sample.snapshotCount,
      logicalBytes: BigInt(sample.logicalBytes),
      fillBytes: BigInt(sample.fillBytes),
      uniqueBytes: BigInt(sample.uniqueBytes),
      compressedBytes: BigInt(sample.compressedBytes),
      storedBytes: BigInt(sample.storedBytes),
    },
  });
}

/** The newest `limit` samples, oldest first. */
export async function listStorageSamples(repositoryId: string, limit: number): Promise<StorageSample[]> {
  const rows = await database().storageSample.findMany({
    where: { repositoryId },
    orderBy: [{ at: "desc" }, { id: "desc" }],
    take: limit,
  });
  return rows.reverse().map((row) => ({
    repositoryId: row.repositoryId,
    at: row.at.toISOString(),
    snapshotCount: row.snapshotCount,
    logicalBytes: Number(row.logicalBytes),
    fillBytes: Number(row.fillBytes),
    uniqueBytes: Number(row.uniqueBytes),
    compressedBytes: Number(row.compressedBytes),
    storedBytes: Number(row.storedBytes),
  }));
}

/** Bytes of one-value pages over all images: the engine's statistics do not tell them, the rows do. */
export async function fillBytesOf(repositoryId: string): Promise<number> {
  const sum = await database().snapshot.aggregate({ where: { repositoryId }, _sum: { fillBytes: true } });
  return Number(sum._sum.fillBytes ?? 0n);
}
