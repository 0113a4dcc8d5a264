// A light scrub of an encrypted repository by somebody who has none of its keys: an operator, or the machine a copy lies on.
// A pack's name is the SHA-256 of its file, sealed or not. Whom a damaged pack costs something only a key can tell.
import { createHash } from "node:crypto";
import { CodedError } from "#lib/model/errors.ts";
import { throwIfAborted } from "../archive/image-archiver.ts";
import { hexOf } from "../format/bytes.ts";
import { hashOfPackName, packFolder } from "../format/pack-format.ts";
import { PACK_KINDS } from "../format/snapshot-format.ts";
import { readConfig } from "../read-config.ts";
import type { Storage, StoredFile } from "../storage/storage.ts";
import type { ScrubFinding, ScrubReport, WorkOptions } from "../types.ts";

const CHUNK_BYTES = 1024 * 1024;

/** Reads every pack, and writes nothing: results are kept by scrubs that have a key. */
export async function scrubWithoutKey(storage: Storage, options: WorkOptions = {}): Promise<ScrubReport> {
  const startedMs = performance.now();
  await readConfig(storage); // A folder without a repository has no packs to find bad.
  const lists = await Promise.all(PACK_KINDS.map((kind) => storage.list(packFolder(kind))));
  const packs = lists.flat().filter((file) => hashOfPackName(file.name) !== null);
  const totalBytes = packs.reduce((sum, file) => sum + file.sizeBytes, 0);
  const findings: ScrubFinding[] = [];
  let doneBytes = 0;
  let checkedPackCount = 0;
  for (const file of packs) {
    const problem = await readableProblem(storage, file, async (bytes) => {
      throwIfAborted(options.signal);
      doneBytes += bytes;
      options.onProgress?.({ doneBytes, totalBytes });
    });
    if (problem !== null && (await storage.size(file.name)) === null) continue; // Freed while we read it.
    checkedPackCount += 1;
    if (problem === null) continue;
    findings.push({
      file: file.name,
      message: `The pack ${file.name} is damaged: ${problem}.`,
      affected: [],
    });
  }
  return {
    packCount: packs.length,
    checkedPackCount,
    checkedBytes: doneBytes,
    uncheckedPackCount: 0,
    seconds: (performance.now() - startedMs) / 1000,
    findings,
  };
}

async function readableProblem(
  storage: Storage,
  file: StoredFile,
  onRead: (bytes: number) => Promise<void>,
): Promise<string | null> {
  try {
    return await problemOfFile(storage, file, onRead);
  } catch (error) {
    if (!(error instanceof CodedError) || error.code !== "storage-failed") throw error;
    return error.message;
  }
}

/** What is wrong with the file of a pack, compared with its name. `onRead` is called after each megabyte. */
export async function problemOfFile(
  storage: Storage,
  file: StoredFile,
  onRead: (bytes: number) => Promise<void>,
): Promise<string | null> {
  const hash = createHash("sha256");
  const chunk = new Uint8Array(Math.min(CHUNK_BYTES, file.sizeBytes));
  for (let at = 0; at < file.sizeBytes; at += CHUNK_BYTES) {
    const part = chunk.subarray(0, Math.min(CHUNK_BYTES, file.sizeBytes - at));
    await storage.readAt(file.name, at, part);
    hash.update(part);
    await onRead(part.length);
  }
  return hexOf(hash.digest()) === hashOfPackName(file.name) ? null : "its SHA-256 is not its name";
}
