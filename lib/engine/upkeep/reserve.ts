// The reserve: a file of no meaning that is given up when the disk is full, so that pruning and GC, which must write
// a little before they free much, can always begin. It is made again when there is room.
import { CodedError } from "#lib/model/errors.ts";
import type { FileWriter, Storage } from "../storage/storage.ts";

export const RESERVE_FILE = "reserve";
const CHUNK_BYTES = 1024 * 1024;

/** Written out, not a hole: a hole would reserve nothing. */
export async function makeReserve(storage: Storage, sizeBytes: number): Promise<void> {
  if (sizeBytes === 0 || (await storage.size(RESERVE_FILE)) !== null) return;
  let file: FileWriter | null = null;
  try {
    file = await storage.createFile();
    for (let at = 0; at < sizeBytes; at += CHUNK_BYTES) {
      await file.append(new Uint8Array(Math.min(CHUNK_BYTES, sizeBytes - at)).fill(0x53));
    }
    await file.seal(RESERVE_FILE);
  } catch (error) {
    await file?.discard();
    throw error;
  }
}

/** Does the work; on a full disk gives up the reserve and does it once more. */
export async function withReserve<Value>(storage: Storage, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof CodedError) || error.code !== "storage-full") throw error;
    if ((await storage.size(RESERVE_FILE)) === null) throw error;
    await storage.remove(RESERVE_FILE);
    return work();
  }
}
