// EvaluationFile keeps an evaluation's rows while it runs, so that one that was interrupted goes on where it was: `repo evaluate --resume
// FILE`. A line says what was asked, then comes a line for each block size that is complete. A line that a crash cut off is
// dropped; a file of another question is refused.
import { type FileHandle, open } from "node:fs/promises";
import { z } from "zod";
import type { EvaluationRow } from "#lib/engine/repository.ts";
import { CODECS } from "#lib/model/compression.ts";
import { CodedError } from "#lib/model/errors.ts";
import { TECHNIQUES } from "#lib/model/snapshot.ts";
import { Refusal } from "./refusal.ts";

const BYTES_MAX = 256 * 1024 * 1024;
const NEWLINE = 10;

const bytes = z.number().int();
const Rows = z.object({
  rows: z.array(
    z.object({
      snapshot: z.string(),
      technique: z.enum(TECHNIQUES),
      blockSize: bytes,
      compression: z.object({ codec: z.enum(CODECS), level: z.number().int() }),
      dataBytes: bytes,
      metadataBytes: bytes,
      totalBytes: bytes,
      incrementBytes: bytes,
    }),
  ),
});

export class EvaluationFile {
  readonly #handle: FileHandle;
  readonly #path: string;
  readonly known: readonly EvaluationRow[];

  private constructor(path: string, handle: FileHandle, known: readonly EvaluationRow[]) {
    this.#path = path;
    this.#handle = handle;
    this.known = known;
  }

  /** `question` must be the same, word for word, as when the file was begun. */
  static async open(path: string, question: object): Promise<EvaluationFile> {
    const handle = await openOrMake(path);
    try {
      const head = JSON.stringify({ evaluation: 1, ...question });
      const { lines, endBytes } = await completeLines(handle, path);
      if (lines.length === 0) {
        await handle.truncate(0);
        await append(handle, path, head);
        return new EvaluationFile(path, handle, []);
      }
      if (lines[0] !== head) throw otherQuestion(path);
      await handle.truncate(endBytes);
      return new EvaluationFile(
        path,
        handle,
        lines.slice(1).flatMap((line) => rowsIn(line, path)),
      );
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  keep(rows: readonly EvaluationRow[]): Promise<void> {
    return append(this.#handle, this.#path, JSON.stringify({ rows }));
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

async function openOrMake(path: string): Promise<FileHandle> {
  try {
    // Appending, and readable.
    return await open(path, "a+", 0o600);
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

async function completeLines(
  handle: FileHandle,
  path: string,
): Promise<{ lines: string[]; endBytes: number }> {
  const { size } = await handle.stat();
  if (size > BYTES_MAX) throw notOurs(path);
  const content = Buffer.alloc(size);
  const { bytesRead } = await handle.read(content, 0, size, 0);
  const endBytes = content.subarray(0, bytesRead).lastIndexOf(NEWLINE) + 1;
  // Whatever else the person has named by mistake must not be cut.
  if (endBytes === 0 && bytesRead > 0 && !content.toString("utf8").startsWith('{"evaluation":'))
    throw notOurs(path);
  const lines = content.toString("utf8", 0, endBytes).split("\n").slice(0, -1);
  return { lines, endBytes };
}

async function append(handle: FileHandle, path: string, line: string): Promise<void> {
  try {
    await handle.appendFile(`${line}\n`);
    await handle.sync();
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

function rowsIn(line: string, path: string): readonly EvaluationRow[] {
  try {
    return Rows.parse(JSON.parse(line)).rows;
  } catch {
    throw notOurs(path);
  }
}

function otherQuestion(path: string): Refusal {
  return new Refusal({
    code: "input-invalid",
    message: `${path} belongs to another evaluation: other snapshots, techniques, block sizes, compressions or base.`,
    hint: "Ask the same as before, or name a file that is not there yet.",
  });
}

function notOurs(path: string): Refusal {
  return new Refusal({
    code: "input-invalid",
    message: `${path} holds something else than an evaluation's rows, or is damaged.`,
    hint: "Name a file that is not there yet.",
  });
}

function unwritable(path: string, cause: unknown): CodedError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new CodedError("storage-failed", `${path} cannot be written: ${why}.`, {
    hint: "Name a file in a folder that can be written.",
    cause,
  });
}
