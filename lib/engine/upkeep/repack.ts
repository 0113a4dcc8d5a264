// Repack: packs of which much is dead are rewritten with what is alive, so that GC can free them. A step of GC, after its marking.
//
// Each batch of packs makes one new pack. When that is on disk, what was committed meanwhile is marked, too, and in the same turn
// the old packs are looked at again: one that an open session may have used, or of which more is needed than was copied, stays
// as it is until another run. The others are replaced and condemned in that turn (GC-3).
import { CodedError } from "#lib/model/errors.ts";
import type { PackTraits } from "../format/pack-format.ts";
import type { RepositoryState } from "../repository-state.ts";
import type { BlockStore } from "../store/block-store.ts";
import { PACK_BYTES_TARGET, type SealedPack } from "../store/pack-writer.ts";
import { type Condemned, recordRemoval, removeCondemned, replacePacks } from "./condemn.ts";
import { discardPacks, FrameBuilder } from "./frame-builder.ts";
import type { LiveBlocks, Marking } from "./mark.ts";
import { batchesOf, isWorthRepacking, savedBytes } from "./repack-plan.ts";
import { rewritePack } from "./rewrite.ts";

export interface RepackCandidate extends Condemned {
  readonly traits: PackTraits;
  readonly firstId: number;
  readonly liveCount: number;
  readonly savedBytes: number;
  /** About what the new pack gets. */
  readonly keptBytes: number;
}

/** Of one store, those in use by open sessions included. */
export function repackCandidates(store: BlockStore, live: LiveBlocks): RepackCandidate[] {
  const saved = savedByPack(store, live);
  const ranges = store.segments.rangesByPack();
  return store.packs.present
    .map(([packIndex, { name, sizeBytes, traits }]) => {
      const liveCount = live.countIn(packIndex);
      const bytes = saved.get(packIndex) ?? 0;
      const firstId = ranges.get(packIndex)?.firstId ?? 0;
      const keptBytes = sizeBytes - bytes;
      return { store, packIndex, name, sizeBytes, traits, firstId, liveCount, savedBytes: bytes, keptBytes };
    })
    .filter((pack) => isWorthRepacking(pack) && !store.distrusts(pack.packIndex))
    .sort((a, b) => a.traits.level - b.traits.level || a.firstId - b.firstId);
}

/** By pack, counted frame by frame. */
function savedByPack(store: BlockStore, live: LiveBlocks): Map<number, number> {
  const saved = new Map<number, number>();
  const note = ({ packIndex, ...frame }: PackFrame) =>
    saved.set(packIndex, (saved.get(packIndex) ?? 0) + savedBytes(frame));
  const shared = new Map<number, PackFrame>();
  for (let row = 0; row < store.segments.rowCount; row++) {
    const place = store.segments.place(row);
    const { packIndex, offset, encodedBytes, count } = place;
    let liveCount = 0;
    for (let at = 0; at < count; at++) if (live.isLive(packIndex, place.digestStart + at)) liveCount += 1;
    if (!place.isShared) {
      note({ packIndex, encodedBytes, blockCount: count, liveCount });
      continue;
    }
    const key = packIndex * 2 ** 32 + offset;
    const frame = shared.get(key) ?? { packIndex, encodedBytes, blockCount: 0, liveCount: 0 };
    frame.blockCount += count;
    frame.liveCount += liveCount;
    shared.set(key, frame);
  }
  for (const frame of shared.values()) note(frame);
  return saved;
}

interface PackFrame {
  readonly packIndex: number;
  readonly encodedBytes: number;
  blockCount: number;
  liveCount: number;
}

export interface RepackRun {
  readonly state: RepositoryState;
  readonly marking: Marking;
  /** Marks what was committed since. */
  readonly markAll: () => Promise<void>;
  readonly isInUse: (pack: Condemned) => boolean;
  readonly isTimeUp: () => boolean;
  readonly check: () => void;
  readonly bytesMax: number;
}

export interface Repacked {
  packCount: number;
  writtenBytes: number;
  freedBytes: number;
  removedPackCount: number;
  isFinished: boolean;
}

export async function repack(run: RepackRun): Promise<Repacked> {
  const done: Repacked = {
    packCount: 0,
    writtenBytes: 0,
    freedBytes: 0,
    removedPackCount: 0,
    isFinished: true,
  };
  const { state, marking } = run;
  let bytesLeft = run.bytesMax;
  for (const store of [state.data, state.nodes]) {
    const live = store === state.data ? marking.data : marking.nodes;
    const wanted = repackCandidates(store, live).filter((pack) => !run.isInUse(pack));
    const batches = batchesByLevel(wanted, bytesLeft);
    if (batches.flat().length < wanted.length) done.isFinished = false;
    for (const batch of batches) {
      if (bytesLeft <= 0 || run.isTimeUp()) return { ...done, isFinished: false };
      bytesLeft -= batch.reduce((sum, pack) => sum + pack.sizeBytes, 0);
      if (!(await attemptBatch(run, store, live, batch, done))) done.isFinished = false;
    }
  }
  return done;
}

/** A new pack keeps the level of those it is made of. */
function batchesByLevel(packs: readonly RepackCandidate[], bytesMax: number): RepackCandidate[][] {
  const levels = [...new Set(packs.map(({ traits }) => traits.level))];
  return levels.flatMap((level) =>
    batchesOf(
      packs.filter(({ traits }) => traits.level === level),
      PACK_BYTES_TARGET,
      bytesMax,
    ),
  );
}

/** False when the batch is left for another run. A damaged pack, or a disk too full to copy, keeps GC from nothing else. */
async function attemptBatch(
  run: RepackRun,
  store: BlockStore,
  live: LiveBlocks,
  batch: readonly RepackCandidate[],
  done: Repacked,
): Promise<boolean> {
  try {
    return await repackBatch(run, store, live, batch, done);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    if (error.code === "storage-full") return false;
    if (error.code !== "pack-corrupt") throw error;
    for (const { name, packIndex } of batch) if (error.facts.file === name) store.distrust(packIndex);
    return false;
  }
}

async function repackBatch(
  run: RepackRun,
  store: BlockStore,
  live: LiveBlocks,
  batch: readonly RepackCandidate[],
  done: Repacked,
): Promise<boolean> {
  const { state } = run;
  const written = await writtenFrom(run, store, live, batch);
  await run.markAll();
  // No await from here to the replacement: what is seen is what is.
  const replaced = batch.filter(
    (pack) =>
      live.countIn(pack.packIndex) === pack.liveCount && !run.isInUse(pack) && store.packs.has(pack.name),
  );
  if (replaced.length === 0) {
    await discardPacks(state, written);
    return false;
  }
  replacePacks(state, store, written, replaced);
  await recordRemoval(state, { store, packs: written });
  const removal = await removeCondemned(state, () => true);
  done.packCount += replaced.length;
  done.writtenBytes += written.reduce((sum, pack) => sum + pack.sizeBytes, 0);
  done.freedBytes += removal.freedBytes;
  done.removedPackCount += removal.removedPackCount;
  return replaced.length === batch.length && state.filesToRemove.size === 0;
}

async function writtenFrom(
  { state, check }: RepackRun,
  store: BlockStore,
  live: LiveBlocks,
  batch: readonly RepackCandidate[],
): Promise<readonly SealedPack[]> {
  const level = batch[0]?.traits.level ?? 0;
  const rank = Math.max(...batch.map(({ traits }) => traits.rank));
  const builder = new FrameBuilder(state, store, { level, rank });
  try {
    for (const { packIndex } of batch) {
      const isLive = (position: number) => live.isLive(packIndex, position);
      await rewritePack(state, store, packIndex, builder, { isLive, mayCopy: true, check });
    }
    return await builder.finish();
  } catch (error) {
    await builder.discard();
    throw error;
  }
}
