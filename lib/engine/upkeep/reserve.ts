// The reserve: a file of no meaning that is given up when the disk is full, so that pruning and GC, which must write
// a little before they free much, can always begin. A note of its size stays in its place, by which it is made again when GC
// has made room, or when the repository is opened next and there is some.
import { CodedError } from "#lib/model/errors.ts";
import type { FileWriter, Storage } from "../storage/storage.ts";

export const RESERVE_FILE = "reserve";
/** The size of a reserve that was given up, in decimal digits. */
const WANTED_FILE = "reserve-wanted";
/** A note that says more was not written by us. */
const WANTED_BYTES_MAX = 1024 * 1024 * 1024;

/** Prune and GC begin by writing a ledger of about 160 bytes a pack: this is enough for some 400 GB of packs to go at once, and GC
 *  can be told to free less at a time. */
export const USUAL_RESERVE_BYTES = 1024 * 1024;

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
    const sizeBytes = await storage.size(RESERVE_FILE);
    if (sizeBytes === null) throw error;
    await storage.remove(RESERVE_FILE);
    const value = await work();
    await quietly(() => storage.writeFile(WANTED_FILE, new TextEncoder().encode(String(sizeBytes))));
    return value;
  }
}

/** Makes again what was given up. Without room it stays as it is until the next time. */
export async function renewReserve(storage: Storage): Promise<void> {
  await quietly(async () => {
    const note = await storage.readFile(WANTED_FILE);
    if (note === null) return;
    const text = new TextDecoder().decode(note.subarray(0, 16));
    const sizeBytes = /^[0-9]{1,10}$/.test(text) ? Number(text) : 0;
    if (sizeBytes <= WANTED_BYTES_MAX) await makeReserve(storage, sizeBytes);
    await storage.remove(WANTED_FILE);
  });
}

/** A reserve is a precaution: that it cannot be made must not stop what it is for. */
async function quietly(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
  }
}
