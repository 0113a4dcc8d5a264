// GC frees packs that nothing needs, beside running archives and restores. SPEC.md has its rules (GC-…).
//
// 1. Mark everything that snapshots need; snapshots committed meanwhile are marked, too, until none is left unmarked.
// 2. In the same turn as that is seen: condemn packs in which nothing is marked and which no open session may have
//    deduplicated against. They leave the index, so nobody can begin to use them.
// 3. Write their names into the ledger. From here on they are gone, whatever happens.
// 4. Remove the files. A crash in between leaves files that the next writer removes when it opens.
// 5. Rewrite packs of which much is dead (repack.ts), and condemn these in the same way.
// There is no clock in it, and no list that is older than the step it decides.
import { CodedError } from "#lib/model/errors.ts";
import { throwIfAborted } from "../archive/image-archiver.ts";
import { type StoredSnapshot, snapshotFileName } from "../format/snapshot-format.ts";
import type { RepositoryState } from "../repository-state.ts";
import type { BlockStore } from "../store/block-store.ts";
import type { GcOptions, GcPlan, GcReport } from "../types.ts";
import { type Condemned, condemn, recordRemoval, removeCondemned } from "./condemn.ts";
import { Marking } from "./mark.ts";
import { type Repacked, repack, repackCandidates } from "./repack.ts";

/** Thrown inside a walk whose time is up; never leaves this file. */
class TimeIsUp extends Error {}

/** A commit that failed has left its snapshot's file or not; one without a file needs nothing. */
async function settleDoubtful(state: RepositoryState): Promise<void> {
  for (const [snapshot, release] of [...state.doubtful]) {
    if ((await state.storage.size(snapshotFileName(snapshot.record))) !== null) continue;
    state.doubtful.delete(snapshot);
    release();
  }
}

/** What GC would do now. Changes nothing. */
export async function planGc(state: RepositoryState, options: GcOptions = {}): Promise<GcPlan> {
  checkAllReadable(state);
  const marking = new Marking(state, () => check(state, options));
  await markAll(state, marking, options);
  return planFrom(state, marking);
}

export function collectGarbage(state: RepositoryState, options: GcOptions = {}): Promise<GcReport> {
  return state.alone(() => collect(state, options));
}

async function collect(state: RepositoryState, options: GcOptions): Promise<GcReport> {
  const startedMs = performance.now();
  const seconds = () => (performance.now() - startedMs) / 1000;
  const isTimeUp = () => options.secondsMax !== undefined && seconds() > options.secondsMax;
  checkAllReadable(state);
  await settleDoubtful(state);
  let mayStop = true;
  const marking = new Marking(state, () => {
    check(state, options);
    if (mayStop && isTimeUp()) throw new TimeIsUp();
  });
  try {
    await markAll(state, marking, options);
  } catch (error) {
    if (!(error instanceof TimeIsUp)) throw error;
    return { ...NOTHING_DONE, plan: null, seconds: seconds() };
  }
  mayStop = false; // What is marked from now on are single snapshots, committed meanwhile.
  // No await from here to the end of condemn: what is decided is what is.
  const plan = planFrom(state, marking);
  const dead = deadPacks(state, marking).filter((pack) => !isInUse(state, pack));
  const chosen = withinBudget(dead, options.bytesMax);
  condemn(state, chosen);
  if (state.filesToRemove.size > 0) await recordRemoval(state);
  const removal = await removeCondemned(state, () => {
    check(state, options);
    return !isTimeUp();
  });
  const chosenBytes = chosen.reduce((sum, pack) => sum + pack.sizeBytes, 0);
  const repacked = await repackWithin(state, options, marking, isTimeUp, chosenBytes);
  return {
    plan,
    removedPackCount: removal.removedPackCount + repacked.removedPackCount,
    repackedPackCount: repacked.packCount,
    freedBytes: removal.freedBytes + repacked.freedBytes,
    writtenBytes: repacked.writtenBytes,
    isFinished: chosen.length === dead.length && repacked.isFinished && state.filesToRemove.size === 0,
    seconds: seconds(),
  };
}

const NOTHING_DONE = {
  removedPackCount: 0,
  repackedPackCount: 0,
  freedBytes: 0,
  writtenBytes: 0,
  isFinished: false,
};

/** Repack has what the dead packs have left of the budget. */
function repackWithin(
  state: RepositoryState,
  options: GcOptions,
  marking: Marking,
  isTimeUp: () => boolean,
  usedBytes: number,
): Promise<Repacked> {
  return repack({
    state,
    marking,
    markAll: () => markAll(state, marking),
    isInUse: (pack) => isInUse(state, pack),
    isTimeUp,
    check: () => check(state, options),
    bytesMax: (options.bytesMax ?? Number.POSITIVE_INFINITY) - usedBytes,
  });
}

/** Until no snapshot is unmarked: sessions commit while we walk. Held ones count although their files may be gone. */
async function markAll(
  state: RepositoryState,
  marking: Marking,
  { onProgress }: GcOptions = {},
): Promise<void> {
  let totalBytes = state.stored.reduce((sum, snapshot) => sum + logicalBytes(snapshot), 0);
  let doneBytes = 0;
  for (let next = unmarked(state, marking); next !== undefined; next = unmarked(state, marking)) {
    await marking.walk(next);
    doneBytes += logicalBytes(next);
    totalBytes = Math.max(totalBytes, doneBytes); // Some were committed meanwhile.
    onProgress?.({ doneBytes, totalBytes });
  }
}

function logicalBytes({ record }: StoredSnapshot): number {
  return record.images.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

function unmarked(state: RepositoryState, marking: Marking): StoredSnapshot | undefined {
  return [...state.stored, ...state.holds.all].find((snapshot) => !marking.has(snapshot));
}

function check(state: RepositoryState, options: GcOptions): void {
  throwIfAborted(options.signal);
  state.checkOpen();
}

/** What an unreadable snapshot needs is unknown, and its file may be put back. */
function checkAllReadable(state: RepositoryState): void {
  for (const { file, message } of state.damagedSnapshots.values()) {
    throw new CodedError(
      "snapshot-corrupt",
      `Nothing was freed: the snapshot file ${file} is damaged (${message}), so what it needs cannot be told.`,
      {
        hint: "Put the file back from a copy of the repository, or delete it if the snapshot is to be given up.",
        facts: { file },
      },
    );
  }
}

function planFrom(state: RepositoryState, marking: Marking): GcPlan {
  const dead = deadPacks(state, marking);
  const inUse = dead.filter((pack) => isInUse(state, pack));
  const bytesOf = (packs: readonly { readonly sizeBytes: number }[]) =>
    packs.reduce((sum, pack) => sum + pack.sizeBytes, 0);
  const worthwhile = [
    ...repackCandidates(state.data, marking.data),
    ...repackCandidates(state.nodes, marking.nodes),
  ].filter((pack) => !isInUse(state, pack));
  const all = [state.data, state.nodes].flatMap((store) => store.packs.present.map(([, pack]) => pack));
  return {
    snapshotCount: marking.snapshotCount,
    packCount: all.length,
    packBytes: bytesOf(all),
    deadPackCount: dead.length - inUse.length,
    deadPackBytes: bytesOf(dead) - bytesOf(inUse),
    inUsePackCount: inUse.length,
    repackPackCount: worthwhile.length,
    repackSavedBytes: worthwhile.reduce((sum, pack) => sum + pack.savedBytes, 0),
    mixedDeadBytes: mixedDeadBytes(state.data, marking) + mixedDeadBytes(state.nodes, marking),
  };
}

function deadPacks(state: RepositoryState, marking: Marking): Condemned[] {
  return [state.data, state.nodes].flatMap((store) => {
    const live = store === state.data ? marking.data : marking.nodes;
    return store.packs.present
      .filter(([packIndex]) => live.countIn(packIndex) === 0)
      .map(([packIndex, { name, sizeBytes }]) => ({ store, packIndex, name, sizeBytes }));
  });
}

/** An open session no younger than the pack's last use may be the one that used it. */
export function isInUse(state: RepositoryState, { store, packIndex }: Condemned): boolean {
  return state.oldestOpenSerial <= store.packs.lastUseOf(packIndex);
}

/** About how much of the packs that stay nothing needs: their bytes, by the share of dead blocks. */
function mixedDeadBytes(store: BlockStore, marking: Marking): number {
  const live = store.identity.kind === "data" ? marking.data : marking.nodes;
  const blocks = store.segments.blockCountByPack();
  let sum = 0;
  for (const [packIndex, { sizeBytes }] of store.packs.present) {
    const all = blocks.get(packIndex) ?? 0;
    const alive = live.countIn(packIndex);
    if (alive > 0 && all > alive) sum += Math.round((sizeBytes * (all - alive)) / all);
  }
  return sum;
}

/** Always one at least, so that a budget smaller than a pack is slow and not stuck. */
function withinBudget(dead: readonly Condemned[], bytesMax = Number.POSITIVE_INFINITY): Condemned[] {
  let bytes = 0;
  return dead.filter((pack, index) => {
    bytes += pack.sizeBytes;
    return index === 0 || bytes <= bytesMax;
  });
}
