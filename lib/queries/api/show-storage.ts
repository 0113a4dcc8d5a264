// GET /api/v1/storage: each repository with its sizes over time, by name.
import { z } from "zod";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { listRepositories, type RepositoryRow } from "#lib/db/repositories.ts";
import { listStorageSamples, type StorageSample } from "#lib/db/storage-samples.ts";
import { type Page, pageFields, pageOfWhole } from "./paging.ts";

const SAMPLES_MAX = 1_000;

/** Each comes with up to a thousand samples. */
export const StorageAsked = z.object(pageFields({ usual: 20, max: 50 }));

export type StorageAnswer = RepositoryRow & { readonly samples: readonly StorageSample[] };

export async function showStorageForApi(
  viewer: Viewer,
  asked: z.output<typeof StorageAsked>,
): Promise<Page<StorageAnswer>> {
  permit(viewer, "read");
  const { items, next } = pageOfWhole(await listRepositories(), asked, ({ name }) => [name]);
  const answers: StorageAnswer[] = [];
  for (const repository of items) {
    answers.push({ ...repository, samples: await listStorageSamples(repository.id, SAMPLES_MAX) });
  }
  return { items: answers, next };
}
