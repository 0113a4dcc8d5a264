// The storage page: each repository's sizes now and over time, and which PCs add most.
import "server-only";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/viewer.ts";
import {
  findNewestSampleRow,
  listNodeStorageRows,
  listRepositoryRows,
  listStorageSampleRows,
  type NodeStorageRow,
  type RepositoryRow,
  type StorageSampleRow,
} from "#lib/db/storage-views.ts";

/** More points than this a chart of a screen's width cannot show. */
const SAMPLES_MAX = 240;
const NODES_MAX = 20;

export interface RepositoryStorage {
  readonly repository: RepositoryRow;
  readonly now: StorageSampleRow | null;
  readonly samples: readonly StorageSampleRow[];
}

export interface StorageView {
  readonly repositories: readonly RepositoryStorage[];
  readonly nodes: readonly NodeStorageRow[];
}

export async function storageView(viewer: Viewer): Promise<StorageView> {
  permit(viewer, "read");
  const [rows, nodes] = await Promise.all([listRepositoryRows(), listNodeStorageRows(NODES_MAX)]);
  const repositories = await Promise.all(
    rows.map(async (repository) => ({
      repository,
      now: await findNewestSampleRow(repository.id),
      samples: await listStorageSampleRows(repository.id, SAMPLES_MAX),
    })),
  );
  return { repositories, nodes };
}
