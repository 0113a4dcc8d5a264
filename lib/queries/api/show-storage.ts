// GET /api/v1/storage: each repository with its sizes over time.
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { listRepositories, type RepositoryRow } from "#lib/db/repositories.ts";
import { listStorageSamples, type StorageSample } from "#lib/db/storage-samples.ts";

const SAMPLES_MAX = 1_000;

export type StorageAnswer = RepositoryRow & { readonly samples: readonly StorageSample[] };

export async function showStorageForApi(viewer: Viewer): Promise<StorageAnswer[]> {
  permit(viewer, "read");
  const answers: StorageAnswer[] = [];
  for (const repository of await listRepositories()) {
    answers.push({ ...repository, samples: await listStorageSamples(repository.id, SAMPLES_MAX) });
  }
  return answers;
}
