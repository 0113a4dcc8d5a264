// evaluate: what each technique, block size and compression would cost for snapshots there are. Rows are kept a block size at a
// time; taken up again after its worker died, the job goes on with the first block size it has no rows of.
import {
  beginEvaluation,
  finishEvaluation,
  keepEvaluationRows,
  readEvaluationWish,
  type StoredEvaluationRow,
} from "#lib/db/evaluations.ts";
import type { Job, JobEnd } from "#lib/db/jobs.ts";
import type { EvaluationRequest, EvaluationRow } from "#lib/engine/repository.ts";
import { type Compression, compressionInWords, parseCompression } from "#lib/model/compression.ts";
import { CodedError } from "#lib/model/errors.ts";
import type { JobRun } from "../run-job.ts";
import { runRepositoryTask } from "./repository-task.ts";

export function processEvaluate(job: Job, run: JobRun): Promise<JobEnd> {
  return runRepositoryTask(job, run, "evaluating", async ({ signal, onProgress }) => {
    const wish = readEvaluationWish(job.options);
    const request: EvaluationRequest = {
      ...wish,
      snapshots: wish.snapshotIds.map((snapshotId) => ({ snapshotId })),
      compressions: wish.compressions.map(compressionOf),
    };
    const { evaluationId, rows } = await beginEvaluation(job.id, run.repository.info.id, wish);
    const all = await run.repository.evaluate(request, {
      signal,
      onProgress,
      known: rows.map(engineRow),
      onRows: (made) => keepEvaluationRows(evaluationId, made.map(storedRow)),
    });
    await finishEvaluation(evaluationId);
    return { report: { evaluationId, rowCount: all.length, keptRowCount: rows.length } };
  });
}

function compressionOf(words: string): Compression {
  const compression = parseCompression(words);
  if (compression !== null) return compression;
  throw new CodedError("input-invalid", `There is no compression ${JSON.stringify(words)}.`, {
    hint: "Ask for the evaluation again with none, gzip or zstd.",
  });
}

function engineRow({ snapshotId, compression, ...sizes }: StoredEvaluationRow): EvaluationRow {
  return { ...sizes, snapshot: snapshotId, compression: compressionOf(compression) };
}

function storedRow({ snapshot, compression, ...sizes }: EvaluationRow): StoredEvaluationRow {
  return { ...sizes, snapshotId: snapshot, compression: compressionInWords(compression) };
}
