// What evaluate jobs were asked and found out. Rows are written a block size at a time, so that a job whose worker died goes on
// behind the last one that is complete.
import { z } from "zod";
import { systemRandom } from "#lib/model/clock.ts";
import { CodedError } from "#lib/model/errors.ts";
import { newId } from "#lib/model/ids.ts";
import { TECHNIQUES, type Technique } from "#lib/model/snapshot.ts";
import { database, inTransaction } from "./client.ts";

/** As stored in the job's options and beside the rows. Compressions in words, such as "zstd:19". */
const EvaluationWish = z.object({
  snapshotIds: z.array(z.string()).min(1),
  /** Bytes of each snapshot's images: what they are compared with when they may be pruned already. */
  imageBytes: z.array(z.number()),
  techniques: z.array(z.enum(TECHNIQUES)).min(1),
  blockSizes: z.array(z.number().int()).min(1),
  compressions: z.array(z.string()).min(1),
  base: z.enum(["previous", "first"]),
});
export type EvaluationWish = z.infer<typeof EvaluationWish>;

export interface StoredEvaluationRow {
  readonly snapshotId: string;
  readonly technique: Technique;
  readonly blockSize: number;
  readonly compression: string;
  readonly dataBytes: number;
  readonly metadataBytes: number;
  readonly totalBytes: number;
  readonly incrementBytes: number;
}

export function readEvaluationWish(options: unknown): EvaluationWish {
  const parsed = EvaluationWish.safeParse(options);
  if (parsed.success) return parsed.data;
  throw new CodedError("input-invalid", "The job does not say what to evaluate.", {
    hint: "Ask for the evaluation again; this job was made by another version of Sheepfold.",
  });
}

/** The job's evaluation: made at its first attempt, found at each later one, with the rows it has. */
export async function beginEvaluation(
  jobId: string,
  repositoryId: string,
  wish: EvaluationWish,
): Promise<{ readonly evaluationId: string; readonly rows: readonly StoredEvaluationRow[] }> {
  const { id } = await database().evaluation.upsert({
    where: { jobId },
    create: { id: newId("evaluation", systemRandom), jobId, repositoryId, request: { ...wish } },
    update: {},
    select: { id: true },
  });
  return { evaluationId: id, rows: await evaluationRows(id) };
}

/** In the order of the request's block sizes as they were computed; within one by snapshot, technique, compression. */
export async function evaluationRows(evaluationId: string): Promise<StoredEvaluationRow[]> {
  const rows = await database().evaluationRow.findMany({
    where: { evaluationId },
    orderBy: [{ blockSize: "asc" }, { position: "asc" }],
  });
  return rows.map((row) => ({
    snapshotId: row.snapshotId,
    technique: TECHNIQUES.find((known) => known === row.technique) ?? "repository",
    blockSize: row.blockSize,
    compression: row.compression,
    dataBytes: Number(row.dataBytes),
    metadataBytes: Number(row.metadataBytes),
    totalBytes: Number(row.totalBytes),
    incrementBytes: Number(row.incrementBytes),
  }));
}

/** All rows of one block size, or none of them. Once more does no harm: they are the same. */
export async function keepEvaluationRows(
  evaluationId: string,
  rows: readonly StoredEvaluationRow[],
): Promise<void> {
  const [first] = rows;
  if (first === undefined) return;
  const { blockSize } = first;
  await inTransaction(async (tx) => {
    await tx.evaluationRow.deleteMany({ where: { evaluationId, blockSize } });
    await tx.evaluationRow.createMany({
      data: rows.map((row, position) => ({
        evaluationId,
        position,
        blockSize,
        snapshotId: row.snapshotId,
        technique: row.technique,
        compression: row.compression,
        dataBytes: BigInt(row.dataBytes),
        metadataBytes: BigInt(row.metadataBytes),
        totalBytes: BigInt(row.totalBytes),
        incrementBytes: BigInt(row.incrementBytes),
      })),
    });
  });
}

export async function finishEvaluation(evaluationId: string): Promise<void> {
  await database().evaluation.updateMany({
    where: { id: evaluationId, finishedAt: null },
    data: { finishedAt: new Date() },
  });
}

export interface EvaluationView {
  readonly id: string;
  readonly jobId: string;
  readonly createdAt: string;
  readonly finishedAt: string | null;
  readonly wish: EvaluationWish;
  readonly rows: readonly StoredEvaluationRow[];
}

/** The newest with rows to show, finished or not; null when there is none. */
export async function newestEvaluation(repositoryId: string): Promise<EvaluationView | null> {
  const row = await database().evaluation.findFirst({
    where: { repositoryId, rows: { some: {} } },
    orderBy: { createdAt: "desc" },
  });
  const wish = EvaluationWish.safeParse(row?.request);
  if (row === null || !wish.success) return null;
  return {
    id: row.id,
    jobId: row.jobId,
    createdAt: row.createdAt.toISOString(),
    finishedAt: row.finishedAt?.toISOString() ?? null,
    wish: wish.data,
    rows: await evaluationRows(row.id),
  };
}
