// Making a repository, and opening one: config, lock, snapshot files, then the tables of where things are.
//
// Snapshot files are read before packs are listed, so that a reader beside a writer finds the packs of every snapshot
// it has seen. A damaged file never keeps the others from being opened: it is remembered, and named when it
// is needed and by verify.
import { availableParallelism } from "node:os";
import { systemClock, systemRandom } from "#lib/model/clock.ts";
import { CodedError } from "#lib/model/errors.ts";
import { checkChoice } from "./archive/technique.ts";
import { newEncryption, unlock } from "./encryption/unlock.ts";
import { noPacing, realPacing } from "./foreground.ts";
import { ensure, FormatError, hexOf } from "./format/bytes.ts";
import { CONFIG_FILE, ENCRYPTED_FORMAT_VERSION, encodeConfig, isBlockSize } from "./format/config-format.ts";
import { decodeSnapshot, parseSnapshotFileName, SNAPSHOT_FOLDER } from "./format/snapshot-format.ts";
import { FORMAT_VERSION, NewerFormatError, TEXT_FILE_BYTES_MAX } from "./format/text-file.ts";
import { loadTables } from "./load-tables.ts";
import { RepositoryLock } from "./lock.ts";
import { readConfig } from "./read-config.ts";
import { RepositoryState } from "./repository-state.ts";
import { TEMPORARY_FOLDER } from "./storage/file-name.ts";
import type { Storage } from "./storage/storage.ts";
import { startWorkers } from "./threads/workers.ts";
import type { CreateOptions, OpenOptions, RepositoryInfo } from "./types.ts";
import { finishRemovals } from "./upkeep/condemn.ts";
import { loadPins } from "./upkeep/pins.ts";
import { makeReserve, renewReserve } from "./upkeep/reserve.ts";
import { distrustWhatWasBad } from "./upkeep/scrub.ts";

const DEFAULT_BLOCK_SIZE = 4096;
const THREADS_MAX = 8;

export async function createRepository(options: CreateOptions): Promise<RepositoryInfo> {
  const blockSize = options.blockSize ?? DEFAULT_BLOCK_SIZE;
  if (!isBlockSize(blockSize)) {
    throw new CodedError("input-invalid", `A block size of ${blockSize} bytes is not possible.`, {
      hint: "Use a power of two from 512 to 65536.",
    });
  }
  const technique = options.technique ?? "repository";
  checkChoice({ technique });
  const random = options.random ?? systemRandom;
  const isEncrypted = options.key !== undefined;
  const info: RepositoryInfo = {
    id: hexOf(random.bytes(16)),
    formatVersion: isEncrypted ? ENCRYPTED_FORMAT_VERSION : FORMAT_VERSION,
    isEncrypted,
    blockSize,
    technique,
    createdAt: new Date((options.clock ?? systemClock).nowMs()).toISOString(),
  };
  const encryption = options.key === undefined ? null : await newEncryption(info, options.key, random);
  if (await options.storage.createExclusive(CONFIG_FILE, encodeConfig(info, encryption))) {
    await makeReserve(options.storage, options.reserveBytes ?? 0);
    return info;
  }
  throw new CodedError(
    "repository-exists",
    `There is a repository at ${options.storage.description} already.`,
    {
      hint: "Open it, or choose an empty folder for a new one.",
    },
  );
}

export async function openState(options: OpenOptions): Promise<RepositoryState> {
  const { storage } = options;
  const { info, encryption } = await readConfig(storage);
  // Before the lock: a person may be asked for a passphrase.
  const keys = await unlock(info, encryption, options.key, storage.description);
  const random = options.random ?? systemRandom;
  const lock =
    options.access === "write" ? await RepositoryLock.acquire(storage, random, options.owner) : null;
  const workers = startWorkers(options.threads ?? Math.min(THREADS_MAX, availableParallelism()));
  try {
    if (lock !== null) await sweepTemporaries(storage);
    const state = new RepositoryState({
      storage,
      info,
      keys,
      clock: options.clock ?? systemClock,
      random,
      workers,
      pacing: options.pacing ?? (workers.threadCount === 0 ? noPacing : realPacing),
      lock,
    });
    await state.ledger.load();
    await loadSnapshots(state);
    await loadPins(state);
    await finishRemovals(state);
    if (lock !== null) await renewReserve(storage);
    await loadTables(state);
    if (lock !== null) await distrustWhatWasBad(state);
    return state;
  } catch (error) {
    await workers.close();
    await releaseQuietly(lock);
    throw error;
  }
}

/** The error that made opening fail is the one to tell; a lock that cannot be removed is stale from now on. */
async function releaseQuietly(lock: RepositoryLock | null): Promise<void> {
  try {
    await lock?.release();
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
  }
}

/** What a crashed writer was writing. Nobody else writes: we hold the lock. */
async function sweepTemporaries(storage: Storage): Promise<void> {
  for (const file of await storage.list(TEMPORARY_FOLDER)) await storage.remove(file.name);
}

async function loadSnapshots(state: RepositoryState): Promise<void> {
  state.nextSequence = state.ledger.content.nextSequence;
  for (const file of await state.storage.list(SNAPSHOT_FOLDER)) {
    const named = parseSnapshotFileName(file.name);
    if (named === null) continue; // Not ours; verify says so.
    state.nextSequence = Math.max(state.nextSequence, named.sequence + 1);
    try {
      ensure(file.sizeBytes <= TEXT_FILE_BYTES_MAX, `${file.sizeBytes} bytes are too many`);
      const bytes = await state.storage.readFile(file.name);
      if (bytes === null) continue; // Removed since it was listed.
      const snapshot = decodeSnapshot(state.owner, bytes);
      if (snapshot.record.id !== named.id || snapshot.record.sequence !== named.sequence) {
        throw new FormatError("it has another name than its content says");
      }
      state.stored.push(snapshot);
    } catch (error) {
      if (!(error instanceof FormatError) && !(error instanceof NewerFormatError)) throw error;
      state.damagedSnapshots.set(named.id, { file: file.name, message: error.message });
    }
  }
  state.stored.sort((a, b) => a.record.sequence - b.record.sequence);
}
