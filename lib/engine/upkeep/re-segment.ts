// Re-segment: cold packs are rewritten to frames of 4 MiB at a high zstd level, similar content side by side, for a night when the
// machine has nothing better to do.
//
// Content is similar over months: the version before and after an upgrade. So as many packs as there is room for are rewritten together.
// All blocks keep their ids, also those that nothing needs just now, so this is right whatever else runs: an archive that has found a
// block in the old pack finds it in the new one. A pack says what level it was re-segmented with, and is not done again.
import { CodedError } from "#lib/model/errors.ts";
import { throwIfAborted } from "../archive/image-archiver.ts";
import type { RepositoryState } from "../repository-state.ts";
import type { SealedPack } from "../store/pack-writer.ts";
import { PACK_BYTES_TARGET } from "../store/pack-writer.ts";
import type { ReSegmentOptions, ReSegmentReport } from "../types.ts";
import { type Condemned, recordRemoval, removeCondemned, replacePacks } from "./condemn.ts";
import { FrameBuilder } from "./frame-builder.ts";
import { type BatchWork, regroupPacks } from "./regroup.ts";
import { batchesOf } from "./repack-plan.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
export const RE_SEGMENT_LEVEL = 9;
const LEVEL_MAX = 19;
/** Packs rewritten together. What they are rewritten to lies beside them until all is done, so on a disk with less room it is fewer. */
const BATCH_BYTES_MAX = 4 * 1024 ** 3;
const FREE_SHARE = 1 / 2;
/** Stored bytes a second, at least, up to the level people use and above: a batch should not last longer than the time there is. */
const SPEED_USUAL = 8e6;
const SPEED_ABOVE = 1e6;

interface ColdPack extends Condemned {
  readonly rank: number;
  readonly keptBytes: number;
}

export async function reSegment(state: RepositoryState, options: ReSegmentOptions): Promise<ReSegmentReport> {
  const level = options.level ?? RE_SEGMENT_LEVEL;
  checkLevel(level);
  const startedMs = performance.now();
  const seconds = () => (performance.now() - startedMs) / 1000;
  const cold = coldPacks(state, level, options.olderThanDays ?? 0);
  const batches = batchesOf(cold, await batchBytes(state, level, options.secondsMax), options.bytesMax);
  const totalBytes = batches.flat().reduce((sum, pack) => sum + pack.sizeBytes, 0);
  const done = { packCount: 0, bytesBefore: 0, bytesAfter: 0 };
  let doneBytes = 0;
  for (const batch of batches) {
    check(state, options);
    // One at least, so that any budget gets on.
    if (doneBytes > 0 && options.secondsMax !== undefined && seconds() >= options.secondsMax) break;
    // Batch by batch: GC and whoever else exchanges packs gets a turn in between.
    await state.alone(async () => {
      const batchBytes = batch.reduce((sum, pack) => sum + pack.sizeBytes, 0);
      const result = await attemptBatch(state, batch, level, {
        check: () => check(state, options),
        onShare: (share) =>
          options.onProgress?.({ doneBytes: Math.round(doneBytes + share * batchBytes), totalBytes }),
      });
      done.packCount += result.packCount;
      done.bytesBefore += result.bytesBefore;
      done.bytesAfter += result.bytesAfter;
    });
    doneBytes += batch.reduce((sum, pack) => sum + pack.sizeBytes, 0);
    options.onProgress?.({ doneBytes, totalBytes });
  }
  const left = coldPacks(state, level, options.olderThanDays ?? 0);
  return { ...done, leftPackCount: left.length, isFinished: left.length === 0, seconds: seconds() };
}

function checkLevel(level: number): void {
  if (Number.isInteger(level) && level >= 1 && level <= LEVEL_MAX) return;
  throw new CodedError("input-invalid", `Packs cannot be re-segmented at zstd level ${level}.`, {
    hint: `Use a level from 1 to ${LEVEL_MAX}; ${RE_SEGMENT_LEVEL} is usual.`,
  });
}

async function batchBytes(
  { storage }: RepositoryState,
  level: number,
  secondsMax = Number.POSITIVE_INFINITY,
): Promise<number> {
  const freeBytes = (await storage.freeBytes?.()) ?? 0;
  const bytesInTime = secondsMax * (level <= RE_SEGMENT_LEVEL ? SPEED_USUAL : SPEED_ABOVE);
  return Math.max(PACK_BYTES_TARGET, Math.min(BATCH_BYTES_MAX, freeBytes * FREE_SHARE, bytesInTime));
}

function check(state: RepositoryState, options: ReSegmentOptions): void {
  throwIfAborted(options.signal);
  state.checkOpen();
}

/** Packs whose first snapshot is that old, in the order of their blocks. Packs that no snapshot lists any more are cold,
 *  those that none lists yet are not. Manifest nodes are mostly hashes: nothing would become smaller. */
function coldPacks(state: RepositoryState, level: number, olderThanDays: number): ColdPack[] {
  const store = state.data;
  const coldBefore = state.clock.nowMs() - olderThanDays * DAY_MS;
  const hot = new Set(store.unlisted.map(({ name }) => name));
  const seen = new Set<string>();
  for (const { record, packs } of state.stored) {
    for (const { name } of packs) {
      if (!seen.has(name) && olderThanDays > 0 && Date.parse(record.createdAt) > coldBefore) hot.add(name);
      seen.add(name);
    }
  }
  const ranges = store.segments.rangesByPack();
  return store.packs.present
    .filter(
      ([packIndex, { name, traits }]) =>
        traits.level < level && !hot.has(name) && !store.distrusts(packIndex),
    )
    .map(([packIndex, { name, sizeBytes, traits }]) => {
      const pack = { store, packIndex, name, sizeBytes, keptBytes: sizeBytes, rank: traits.rank };
      return { ...pack, firstId: ranges.get(packIndex)?.firstId ?? 0 };
    })
    .sort((a, b) => a.rank - b.rank || a.firstId - b.firstId);
}

type Result = Pick<ReSegmentReport, "packCount" | "bytesBefore" | "bytesAfter">;

/** A damaged pack keeps none but its batch from being done: the next run leaves it out. */
async function attemptBatch(
  state: RepositoryState,
  batch: readonly ColdPack[],
  level: number,
  work: BatchWork,
): Promise<Result> {
  try {
    return await reSegmentBatch(state, batch, level, work);
  } catch (error) {
    if (!(error instanceof CodedError) || error.code !== "pack-corrupt") throw error;
    for (const { name, packIndex, store } of batch) if (error.facts.file === name) store.distrust(packIndex);
    return { packCount: 0, bytesBefore: 0, bytesAfter: 0 };
  }
}

async function reSegmentBatch(
  state: RepositoryState,
  batch: readonly ColdPack[],
  level: number,
  work: BatchWork,
): Promise<Result> {
  const store = state.data;
  const packs = batch.filter(({ name }) => store.packs.has(name)); // GC may have been faster.
  if (packs.length === 0) return { packCount: 0, bytesBefore: 0, bytesAfter: 0 };
  const written = await writtenFrom(state, packs, level, work);
  replacePacks(state, store, written, packs);
  await recordRemoval(state, { store, packs: written });
  await removeCondemned(state, () => true);
  const bytesOf = (sized: readonly { readonly sizeBytes: number }[]) =>
    sized.reduce((sum, pack) => sum + pack.sizeBytes, 0);
  return { packCount: packs.length, bytesBefore: bytesOf(packs), bytesAfter: bytesOf(written) };
}

async function writtenFrom(
  state: RepositoryState,
  packs: readonly ColdPack[],
  level: number,
  work: BatchWork,
): Promise<readonly SealedPack[]> {
  const rank = Math.max(...packs.map((pack) => pack.rank));
  const builder = new FrameBuilder(state, state.data, { level, rank });
  try {
    const packIndices = packs.map(({ packIndex }) => packIndex);
    await regroupPacks(state, packIndices, builder, work);
    return await builder.finish();
  } catch (error) {
    await builder.discard();
    throw error;
  }
}
