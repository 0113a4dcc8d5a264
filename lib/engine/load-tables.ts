// Fills the tables of an opened repository: which packs there are and where each block lies. From the index cache as far as
// it goes, from pack footers for the rest. Fingerprints wait until a block is looked up.
import { CodedError } from "#lib/model/errors.ts";
import { throwIfAborted } from "./archive/image-archiver.ts";
import { saveCaches } from "./close.ts";
import { addFingerprints, loadFingerprints } from "./fingerprint-cache.ts";
import { hashOfPackName, type PackTraits, packFolder, type SegmentEntry } from "./format/pack-format.ts";
import type { PackListing } from "./format/snapshot-format.ts";
import { type CachedTables, loadIndexCache } from "./index-cache.ts";
import type { RepositoryState } from "./repository-state.ts";
import type { StoredFile } from "./storage/storage.ts";
import { type BlockStore, listingOf } from "./store/block-store.ts";
import { FingerprintTable } from "./store/fingerprint-table.ts";
import { LazyFingerprints } from "./store/lazy-fingerprints.ts";
import { readDigests, readFooter } from "./store/pack-reader.ts";
import { secondChance } from "./store/second-chance.ts";
import { SegmentTable } from "./store/segment-table.ts";
import type { WorkOptions } from "./types.ts";

/** More ids than any one pack can hold. Left free for a pack that cannot be read and that no snapshot lists, so that
 *  its ids are not handed out again while it may still be healed. */
const UNREADABLE_PACK_IDS = 2 ** 26;

export async function loadTables(state: RepositoryState): Promise<void> {
  const stores = [state.data, state.nodes];
  const files: StoredFile[] = [];
  for (const store of stores) files.push(...(await packFiles(state, store)));
  const cached = await loadIndexCache(state);
  if (cached !== null) {
    state.indexed.places = new Set([...cached.data.packs, ...cached.nodes.packs].map((pack) => pack.name));
  }
  for (const store of stores) {
    store.packs.inventory(state.stored.flatMap((snapshot) => listedPacks(state, snapshot.packs, store)));
    store.packs.inventory(listedPacks(state, state.ledger.content.packs, store));
    const ours = files.filter((file) => file.name.startsWith(`${packFolder(store.identity.kind)}/`));
    await loadStore(state, store, ours, cached?.[store.identity.kind] ?? null);
  }
}

async function packFiles(state: RepositoryState, store: BlockStore): Promise<StoredFile[]> {
  const files = await state.storage.list(packFolder(store.identity.kind));
  return files.filter((file) => hashOfPackName(file.name) !== null && !state.removedPacks.has(file.name));
}

function listedPacks(
  state: RepositoryState,
  packs: readonly PackListing[],
  { identity }: BlockStore,
): PackListing[] {
  return packs.filter(({ kind, name }) => kind === identity.kind && !state.removedPacks.has(name));
}

interface LoadedPack {
  readonly file: StoredFile;
  readonly traits: PackTraits;
  readonly segments: readonly SegmentEntry[];
  readonly digests: Uint8Array | null;
}

async function loadStore(
  state: RepositoryState,
  store: BlockStore,
  files: readonly StoredFile[],
  cached: CachedTables | null,
): Promise<void> {
  const sizes = new Map(files.map((file) => [file.name, file.sizeBytes]));
  const segments = cached?.segments ?? new SegmentTable();
  const gone = new Set<number>();
  for (const pack of cached?.packs ?? []) {
    const index = store.packs.add(pack); // In this order: segment rows count on it.
    segments.setRank(index, pack.traits.rank);
    if (sizes.get(pack.name) !== pack.sizeBytes) gone.add(index);
  }
  if (gone.size > 0) segments.removePacks(gone);
  for (const index of gone) store.packs.retire(index);
  const uncovered = files.filter((file) => !store.packs.has(file.name));
  const loaded = await loadPacks(state, store, uncovered, segments, null);
  store.segments = segments;
  if (loaded.length > 0 || gone.size > 0 || cached === null) state.indexIsNew = true;
  const load = store.packs.present.length === 0 ? null : () => loadFingerprints(state, store);
  store.fingerprints = new LazyFingerprints(new FingerprintTable(), load);
  dropReturned(state, store);
  noteUnlisted(state, store);
  store.nextId = nextIdOf(state, store);
}

/** Fills new tables from footers, then puts them in place of the old ones. Writing goes on before and after, not in
 *  between: a pack sealed meanwhile would be in neither. */
export async function rebuildTables(
  state: RepositoryState,
  options: WorkOptions,
): Promise<{ packCount: number; blockCount: number; seconds: number }> {
  const startedMs = performance.now();
  for (const store of [state.data, state.nodes]) {
    await store.whileNothingIsWritten(async () => {
      const segments = new SegmentTable();
      const fingerprints = new FingerprintTable();
      await loadPacks(state, store, await packFiles(state, store), segments, fingerprints, options);
      store.segments = segments;
      store.fingerprints = new LazyFingerprints(fingerprints);
      store.withoutFingerprints.clear();
      store.findOpenSegmentsAgain();
    });
  }
  for (const cache of ["places", "data", "nodes"] as const) state.indexed[cache] = null;
  await saveCaches(state); // Whatever was there: it may be the reason for rebuilding.
  return {
    packCount: state.data.packs.present.length + state.nodes.packs.present.length,
    blockCount: state.data.segments.blockCount,
    seconds: (performance.now() - startedMs) / 1000,
  };
}

type FileSegments = Omit<LoadedPack, "digests">;

/** Adds packs to the tables; to the fingerprints only if there are some. */
async function loadPacks(
  state: RepositoryState,
  store: BlockStore,
  packs: readonly StoredFile[],
  segments: SegmentTable,
  fingerprints: FingerprintTable | null,
  options: WorkOptions = {},
): Promise<FileSegments[]> {
  const totalBytes = packs.reduce((sum, file) => sum + file.sizeBytes, 0);
  let doneBytes = 0;
  const loaded: FileSegments[] = [];
  for (const file of packs) {
    throwIfAborted(options.signal);
    const pack = await loadPack(state, store, file, fingerprints !== null);
    doneBytes += file.sizeBytes;
    options.onProgress?.({ doneBytes, totalBytes });
    if (pack === null) continue;
    loaded.push({ file, traits: pack.traits, segments: pack.segments });
    if (pack.digests !== null && fingerprints !== null)
      addFingerprints(fingerprints, pack.segments, pack.digests);
  }
  // Names are hashes: only the order of ids keeps adding rows cheap.
  loaded.sort((a, b) => (a.segments[0]?.firstId ?? 0) - (b.segments[0]?.firstId ?? 0));
  for (const { file, traits, segments: entries } of loaded) {
    const packIndex = store.packs.add({ ...file, traits });
    segments.setRank(packIndex, traits.rank);
    segments.add(packIndex, entries);
  }
  return loaded;
}

async function loadPack(
  state: RepositoryState,
  store: BlockStore,
  file: StoredFile,
  wantsDigests: boolean,
): Promise<LoadedPack | null> {
  const load = async () => {
    const footer = await readFooter(state.storage, file, store.identity);
    const digests = wantsDigests ? await readDigests(state.storage, file.name, footer) : null;
    return { file, traits: footer.traits, segments: footer.segments, digests };
  };
  try {
    return await secondChance(load);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    // Safe to go on: whoever needs this pack is told what is wrong with it.
    store.noteDamaged(file.name, error);
    return null;
  }
}

/** A pack that no snapshot listed was lost, its ids were given to another, and it came back, with a copy of the repository perhaps: nobody
 *  needs it, and nobody may find it. */
function dropReturned(state: RepositoryState, store: BlockStore): void {
  const listed = listedNames(state);
  const sharing = [...store.segments.packsSharingIds()];
  const returned = new Set(sharing.filter((packIndex) => !listed.has(store.packs.nameOf(packIndex))));
  if (returned.size === 0) return;
  store.segments.removePacks(returned);
  for (const packIndex of returned) {
    const name = store.packs.nameOf(packIndex);
    const sizeBytes = store.packs.packs[packIndex]?.sizeBytes ?? 0;
    store.packs.retire(packIndex);
    state.removedPacks.add(name);
    state.filesToRemove.set(name, { sizeBytes, isFree: () => true });
  }
  state.indexIsNew = true;
}

/** Packs of a crashed or aborted archive are good packs: the next snapshot lists them. */
function noteUnlisted(state: RepositoryState, store: BlockStore): void {
  const listed = listedNames(state);
  const ranges = store.segments.rangesByPack();
  for (const [packIndex, pack] of store.packs.packs.entries()) {
    const range = ranges.get(packIndex);
    if (range === undefined || listed.has(pack.name)) continue;
    store.unlisted.push(listingOf(pack.name, store.identity, [range]));
  }
}

function listedNames(state: RepositoryState): Set<string> {
  const listings = [...state.stored.flatMap((snapshot) => snapshot.packs), ...state.ledger.content.packs];
  return new Set(listings.map((pack) => pack.name));
}

function nextIdOf(state: RepositoryState, store: BlockStore): number {
  const { nextBlockId, nextNodeId } = state.ledger.content;
  let next = Math.max(store.segments.endId(), store.identity.kind === "data" ? nextBlockId : nextNodeId);
  for (const snapshot of state.stored) {
    next = Math.max(next, store.identity.kind === "data" ? snapshot.nextBlockId : snapshot.nextNodeId);
  }
  const listed = listedNames(state);
  const unknown = [...store.packs.damaged.keys()].filter((name) => !listed.has(name)).length;
  next += unknown * UNREADABLE_PACK_IDS;
  return Math.ceil(next / store.segmentIds) * store.segmentIds;
}
