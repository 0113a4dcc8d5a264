// withRepository opens the repository in a folder, lets a verb work on it, and always closes it again: sessions are
// aborted and the lock is released whatever happened.
import { hostname } from "node:os";
import { openLocalDisk, openRepository, type Repository, type Storage } from "#lib/engine/repository.ts";
import { keySource } from "./key-options.ts";

export async function withRepository<Result>(
  dir: string,
  access: "read" | "write",
  work: (repository: Repository) => Promise<Result>,
): Promise<Result> {
  return withStorage(dir, (storage) => withOpen(storage, access, work));
}

export interface Contents {
  readonly repository: Repository;
  /** Snapshot files that are there but cannot be read: the repository works without them and does not list them. */
  readonly unreadableSnapshots: readonly string[];
}

/** As withRepository, for reading, for a verb that must not pass over damaged snapshots in silence. */
export async function withContents<Result>(
  dir: string,
  work: (contents: Contents) => Promise<Result>,
): Promise<Result> {
  return withStorage(dir, async (storage) => {
    // Looked at before opening: a snapshot committed in between by a worker must not look like a damaged one.
    const files = (await storage.list("snapshots")).map(({ name }) => name);
    return withOpen(storage, "read", (repository) => {
      const readable = new Set(repository.snapshots().map(({ id }) => id));
      const unreadableSnapshots = files.filter((name) => !readable.has(snapshotIdOf(name)));
      return work({ repository, unreadableSnapshots });
    });
  });
}

/** snapshots/000000000042-snap_4k….json */
function snapshotIdOf(name: string): string {
  return name.slice(name.indexOf("-") + 1, -".json".length);
}

export async function withStorage<Result>(
  dir: string,
  work: (storage: Storage) => Promise<Result>,
): Promise<Result> {
  const storage = await openLocalDisk(dir, {});
  try {
    return await work(storage);
  } finally {
    await storage.close();
  }
}

async function withOpen<Result>(
  storage: Storage,
  access: "read" | "write",
  work: (repository: Repository) => Promise<Result>,
): Promise<Result> {
  const owner = `sheepfold ${process.pid} on ${hostname()}`;
  const repository = await openRepository({ storage, access, owner, key: await keySource(access) });
  try {
    return await work(repository);
  } finally {
    await repository.close();
  }
}
