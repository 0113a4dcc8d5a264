// withRepository opens the repository in a folder, lets a verb work on it, and always closes it again: sessions are
// aborted and the lock is released whatever happened.
import { hostname } from "node:os";
import { openLocalDisk, openRepository, type Repository } from "#lib/engine/repository.ts";

export async function withRepository<Result>(
  dir: string,
  access: "read" | "write",
  work: (repository: Repository) => Promise<Result>,
): Promise<Result> {
  const storage = await openLocalDisk(dir, {});
  try {
    const repository = await openRepository({
      storage,
      access,
      owner: `sheepfold ${process.pid} on ${hostname()}`,
    });
    try {
      return await work(repository);
    } finally {
      await repository.close();
    }
  } finally {
    await storage.close();
  }
}
