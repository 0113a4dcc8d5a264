// Notes the repository's sizes of this moment as one row of the storage charts.
import { fillBytesOf, recordStorageSample } from "#lib/db/storage-samples.ts";
import type { Repository } from "#lib/engine/repository.ts";

export async function sampleStorage(repository: Repository): Promise<void> {
  const stats = await repository.stats();
  const repositoryId = repository.info.id;
  await recordStorageSample({
    repositoryId,
    snapshotCount: stats.snapshotCount,
    logicalBytes: stats.logicalBytes,
    fillBytes: await fillBytesOf(repositoryId),
    uniqueBytes: stats.uniqueBytes,
    compressedBytes: stats.compressedBytes,
    storedBytes: stats.storedBytes,
  });
}
