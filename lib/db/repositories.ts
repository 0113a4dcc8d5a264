// Rows of repositories, and what people have chosen for them: technique and compression of archives that name none, and which
// snapshots are kept.
import { z } from "zod";
import {
  type Compression,
  compressionInWords,
  parseCompression,
  USUAL_COMPRESSION,
} from "#lib/model/compression.ts";
import { RETENTION_RULES, type RetentionPolicy } from "#lib/model/retention.ts";
import { TECHNIQUES, type Technique } from "#lib/model/snapshot.ts";
import { database } from "./client.ts";

export interface RepositoryRow {
  readonly id: string;
  readonly name: string;
  readonly path: string;
  readonly blockSize: number;
}

export interface RepositoryChoice {
  readonly technique: Technique;
  readonly compression: Compression;
  /** Null until a person has chosen what is kept: then nothing may be pruned. */
  readonly retention: RetentionPolicy | null;
}

const Retention = z.object({
  keep: z.partialRecord(z.enum(RETENTION_RULES), z.number().int().min(0)),
  timeZone: z.string(),
});

/** Called when a worker has opened the repository: the row follows the folder, never the other way round. `technique` is the
 *  repository's own, taken over when its row is made. */
export async function recordRepository(
  repository: RepositoryRow & { readonly technique?: Technique },
): Promise<void> {
  const { id, path, blockSize, technique } = repository;
  const known = await database().repository.findUnique({ where: { id } });
  if (known !== null) await database().repository.update({ where: { id }, data: { path } });
  else {
    const taken = await database().repository.findUnique({ where: { name: repository.name } });
    const name = taken === null ? repository.name : `${repository.name} ${id.slice(-6)}`;
    await database().repository.create({ data: { id, name, path, blockSize, technique } });
  }
}

export async function listRepositories(): Promise<RepositoryRow[]> {
  return database().repository.findMany({
    orderBy: { createdAt: "asc" },
    select: { id: true, name: true, path: true, blockSize: true },
  });
}

export async function findRepositoryChoice(repositoryId: string): Promise<RepositoryChoice | null> {
  const row = await database().repository.findUnique({ where: { id: repositoryId } });
  return row === null ? null : choiceOfRow(row);
}

/** A word of another version reads as the usual one; a retention that cannot be read as none, so that nothing is pruned by it. */
export function choiceOfRow(row: {
  readonly technique: string;
  readonly compression: string;
  readonly retention: unknown;
}): RepositoryChoice {
  const retention = Retention.safeParse(row.retention);
  return {
    technique: TECHNIQUES.find((known) => known === row.technique) ?? "repository",
    compression: parseCompression(row.compression) ?? USUAL_COMPRESSION,
    retention: retention.success ? retention.data : null,
  };
}

export async function setRepositoryChoice(
  repositoryId: string,
  choice: Partial<RepositoryChoice>,
): Promise<void> {
  const { technique, compression, retention } = choice;
  await database().repository.update({
    where: { id: repositoryId },
    data: {
      technique,
      compression: compression === undefined ? undefined : compressionInWords(compression),
      ...(retention == null
        ? {}
        : { retention: { keep: { ...retention.keep }, timeZone: retention.timeZone } }),
    },
  });
}
