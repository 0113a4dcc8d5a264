// Rows of repositories and their sizes over time.
import { database } from "./client.ts";

export interface RepositoryRow {
  readonly id: string;
  readonly name: string;
  readonly path: string;
  readonly blockSize: number;
}

/** Called when a worker has opened the repository: the row follows the folder, never the other way round. */
export async function recordRepository(repository: RepositoryRow): Promise<void> {
  const { id, path, blockSize } = repository;
  const known = await database().repository.findUnique({ where: { id } });
  if (known !== null) await database().repository.update({ where: { id }, data: { path } });
  else {
    const taken = await database().repository.findUnique({ where: { name: repository.name } });
    const name = taken === null ? repository.name : `${repository.name} ${id.slice(-6)}`;
    await database().repository.create({ data: { id, name, path, blockSize } });
  }
}

export async function listRepositories(): Promise<RepositoryRow[]> {
  return database().repository.findMany({
    orderBy: { createdAt: "asc" },
    select: { id: true, name: true, path: true, blockSize: true },
  });
}
