// Condemning packs: they leave the index in the caller's turn, are called removed in the ledger, and then their files go. A crash
// in between leaves files that the next writer removes when it opens.
import type { PackListing } from "../format/snapshot-format.ts";
import type { RepositoryState } from "../repository-state.ts";
import { type BlockStore, listingOf } from "../store/block-store.ts";
import type { SealedPack } from "../store/pack-writer.ts";

export interface Condemned {
  readonly store: BlockStore;
  readonly packIndex: number;
  readonly name: string;
  readonly sizeBytes: number;
}

/** No await in it: nobody begins to use them after the caller has seen that nobody does. */
export function condemn(state: RepositoryState, packs: readonly Condemned[]): void {
  if (packs.length === 0) return;
  for (const store of [state.data, state.nodes]) {
    const indices = packs.filter((pack) => pack.store === store).map((pack) => pack.packIndex);
    if (indices.length > 0) store.retire(new Set(indices));
  }
  for (const { store, name, sizeBytes } of packs) {
    state.removedPacks.add(name);
    state.filesToRemove.set(name, { sizeBytes, isFree: store.reads.ended() });
  }
  state.indexIsNew = true;
}

/** Puts rewritten packs in the place of others. One turn, so that at each moment every block is found once. */
export function replacePacks(
  state: RepositoryState,
  store: BlockStore,
  written: readonly SealedPack[],
  replaced: readonly Condemned[],
): void {
  const names = new Set(written.map((pack) => pack.name));
  const lastUse = Math.max(0, ...replaced.map(({ packIndex }) => store.packs.lastUseOf(packIndex)));
  for (const pack of written) {
    // The same bytes may have been here before, and been freed.
    state.removedPacks.delete(pack.name);
    state.filesToRemove.delete(pack.name);
    store.adopt(pack, lastUse);
  }
  condemn(
    state,
    replaced.filter(({ name }) => !names.has(name)),
  );
  state.indexIsNew = true;
}

/** Written packs of one store, for the ledger: no snapshot lists them yet. */
export interface WrittenPacks {
  readonly store: BlockStore;
  readonly packs: readonly SealedPack[];
}

/** From here on the condemned are gone, whatever happens, and what was written in their place is listed. */
export async function recordRemoval(state: RepositoryState, written?: WrittenPacks): Promise<void> {
  await state.lock?.assertHeld();
  const listings = written === undefined ? [] : listingsOf(written);
  const names = new Set(listings.map((listing) => listing.name));
  await state.ledger.change((ledger) => ({
    nextSequence: state.nextSequence,
    nextBlockId: state.data.nextId,
    nextNodeId: state.nodes.nextId,
    packs: [...ledger.packs.filter(({ name }) => !names.has(name)), ...listings].filter(
      ({ name }) => !state.removedPacks.has(name),
    ),
    removed: [...state.removedPacks],
  }));
  if (written === undefined) return;
  const { store } = written;
  store.packs.inventory(listings);
  store.unlisted = store.unlisted.filter(({ name }) => !names.has(name));
}

function listingsOf({ store, packs }: WrittenPacks): PackListing[] {
  return packs.map((pack) => listingOf(pack.name, store.identity, pack.segments));
}

export interface Removal {
  removedPackCount: number;
  freedBytes: number;
}

/** Removes what is condemned and no longer read. `goOn` may end it early, or throw. */
export async function removeCondemned(state: RepositoryState, goOn: () => boolean): Promise<Removal> {
  const removal: Removal = { removedPackCount: 0, freedBytes: 0 };
  for (const [name, { sizeBytes, isFree }] of [...state.filesToRemove]) {
    if (!goOn()) break;
    if (!isFree()) continue;
    await state.lock?.assertHeld();
    await state.storage.remove(name);
    state.filesToRemove.delete(name);
    removal.freedBytes += sizeBytes;
    removal.removedPackCount += 1;
  }
  return removal;
}

/** At open: nothing is found in packs the ledger calls removed, and a writer removes the files that are left. */
export async function finishRemovals(state: RepositoryState): Promise<void> {
  const { removed } = state.ledger.content;
  for (const name of removed) state.removedPacks.add(name);
  if (state.lock === null) return;
  const listed = new Set(state.stored.flatMap((snapshot) => snapshot.packs.map((pack) => pack.name)));
  for (const name of removed) {
    if ((await state.storage.size(name)) !== null) await state.storage.remove(name);
    // The name is kept as long as a snapshot lists it: verify must not miss what GC has taken.
    if (!listed.has(name)) state.removedPacks.delete(name);
  }
}
