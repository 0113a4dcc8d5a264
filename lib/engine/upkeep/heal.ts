// Heal gives snapshots back what they need of packs that are bad or gone: the same bytes under the same ids, in new packs of a higher
// rank, which is what readers take. SPEC.md has its rules (HL-…).
//
// Each block comes from where it can be proved: from the bad pack itself, where its digest still fits; from a page of another
// snapshot with the same hash (lost-blocks.ts); or from a block with the same digest elsewhere. The bad pack goes when everything that
// snapshots need of it is there again, and nobody works with it.
import { CodedError } from "#lib/model/errors.ts";
import { hashPage, sameHash } from "#lib/page/page.ts";
import { throwIfAborted } from "../archive/image-archiver.ts";
import { digestOf } from "../encryption/repository-keys.ts";
import { DIGEST_BYTES } from "../format/pack-format.ts";
import type { RepositoryState } from "../repository-state.ts";
import { PageReader } from "../restore/page-reader.ts";
import { ABSENT } from "../store/block-store.ts";
import { readDigests, readFooter } from "../store/pack-reader.ts";
import type { SealedPack } from "../store/pack-writer.ts";
import type { HealedPack, HealOptions, HealReport } from "../types.ts";
import { affectedBy } from "./affected.ts";
import { isInUse } from "./collect.ts";
import { type Condemned, recordRemoval, removeCondemned, replacePacks } from "./condemn.ts";
import { FrameBuilder, type KeptBlock } from "./frame-builder.ts";
import { badPacks } from "./known-damage.ts";
import { type DonorPage, findLostBlocks, type LostBlock } from "./lost-blocks.ts";

/** Blocks regained at a time: bounds memory. */
const BLOCKS_AT_ONCE = 2048;
const RANK_MAX = 255;
/** Of a block that no file left says where it was. */
const UNKNOWN_PACK = "";

type Tally = Map<string, { neededBlockCount: number; regainedBlockCount: number }>;

export async function heal(state: RepositoryState, options: HealOptions): Promise<HealReport> {
  const startedMs = performance.now();
  const check = () => {
    throwIfAborted(options.signal);
    state.checkOpen();
  };
  const bad = await badPacks(state);
  const tally: Tally = new Map();
  for (const name of bad) {
    tallyOf(tally, name);
    const packIndex = state.data.packs.indexOf(name);
    if (packIndex !== null) state.data.distrust(packIndex); // Known to a writer from the start, not to a reader.
  }
  const { blocks, isIncomplete } = await findLostBlocks(state, check);
  for (const { id } of blocks) tallyOf(tally, packNameOf(state, id)).neededBlockCount += 1;
  const written = await regain(state, blocks, tally, options, check);
  const whole = isIncomplete ? [] : wholeAgain(state, tally);
  if (options.isPlan !== true && written.length + whole.length > 0) await putInPlace(state, written, whole);
  const gone = new Set(options.isPlan === true ? [] : whole);
  const left = await affectedBy(state, new Set([...tally.keys()].filter((name) => !gone.has(name))), check);
  const packs = [...tally]
    .map(([file, counts]): HealedPack => ({ file, ...counts, affected: left.get(file) ?? [] }))
    .sort((a, b) => (a.file < b.file ? -1 : 1));
  const sumOf = (of: (pack: HealedPack) => number) => packs.reduce((sum, pack) => sum + of(pack), 0);
  const regainedBlockCount = sumOf((pack) => pack.regainedBlockCount);
  return {
    isPlan: options.isPlan === true,
    packs,
    regainedBlockCount,
    lostBlockCount: sumOf((pack) => pack.neededBlockCount) - regainedBlockCount,
    writtenBytes: written.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    isIncomplete,
    seconds: (performance.now() - startedMs) / 1000,
  };
}

function tallyOf(tally: Tally, name: string) {
  const known = tally.get(name) ?? { neededBlockCount: 0, regainedBlockCount: 0 };
  tally.set(name, known);
  return known;
}

function packNameOf({ data }: RepositoryState, id: number): string {
  const row = data.segments.rowOf(id);
  return row < 0
    ? (data.packs.expectedPackOf(id) ?? UNKNOWN_PACK)
    : data.packs.nameOf(data.segments.packOf(row));
}

/** Packs of which nothing is wanted any more. Manifest nodes are not made again; but when every manifest can be read, those of a pack
 *  that cannot be opened are nobody's. Which blocks lie in such a pack nobody can say, for a rewritten pack has the ids of those it
 *  replaced: none goes before all that is missing is there again. */
function wholeAgain({ data, nodes }: RepositoryState, tally: Tally): string[] {
  const packs = [...tally].map(([name, { neededBlockCount, regainedBlockCount }]) => ({
    name,
    isOpen: data.packs.indexOf(name) !== null,
    isRegained: neededBlockCount === regainedBlockCount,
  }));
  const isNothingMissing = packs.every(({ isOpen, isRegained }) => isOpen || isRegained);
  return packs
    .filter(({ name }) => name !== UNKNOWN_PACK && nodes.packs.indexOf(name) === null)
    .filter(({ isOpen, isRegained }) => isRegained && (isOpen || isNothingMissing))
    .map(({ name }) => name);
}

// Regaining ---------------------------------------------------------------------------------------------------

async function regain(
  state: RepositoryState,
  blocks: readonly LostBlock[],
  tally: Tally,
  options: HealOptions,
  check: () => void,
): Promise<readonly SealedPack[]> {
  const { data } = state;
  const rank = Math.min(
    RANK_MAX,
    1 + Math.max(0, ...data.packs.present.map(([, { traits }]) => traits.rank)),
  );
  const builder = options.isPlan === true ? null : new FrameBuilder(state, data, { level: 0, rank });
  const sources = new Sources(state);
  const pace = state.foreground.pace(check);
  const totalBytes = blocks.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);
  let doneBytes = 0;
  try {
    for (let first = 0; first < blocks.length; first += BLOCKS_AT_ONCE) {
      check();
      await pace.turn();
      const some = blocks.slice(first, first + BLOCKS_AT_ONCE);
      const names = new Map(some.map(({ id }) => [id, packNameOf(state, id)]));
      for (const block of await sources.regained(some)) {
        tallyOf(tally, names.get(block.id) ?? UNKNOWN_PACK).regainedBlockCount += 1;
        await builder?.add(block);
      }
      doneBytes += some.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);
      options.onProgress?.({ doneBytes, totalBytes });
    }
    return (await builder?.finish()) ?? [];
  } catch (error) {
    await builder?.discard();
    throw error;
  }
}

/** Looks for lost blocks where they may still be. What it gives is proved. */
class Sources {
  readonly #state: RepositoryState;
  /** Digests of the packs looked at last, null where they cannot be read. */
  readonly #digests = new Map<number, Uint8Array | null>();
  /** The segment decoded last, by its first id, null where it cannot be. Neighbouring blocks share one. */
  #segment: { readonly firstId: number; readonly raw: Uint8Array | null } | null = null;

  constructor(state: RepositoryState) {
    this.#state = state;
  }

  /** Those of the blocks that can be had, in the same order. */
  async regained(blocks: readonly LostBlock[]): Promise<KeptBlock[]> {
    const found = new Map<number, Uint8Array>();
    const digests = new Map<number, Uint8Array>();
    for (const { id } of blocks) {
      const digest = await this.#digestOf(id);
      if (digest !== null) digests.set(id, digest);
      const bytes = digest === null ? null : await this.#block(id, digest);
      if (bytes !== null) found.set(id, bytes);
    }
    await this.#fromPages(
      blocks.filter(({ id }) => !found.has(id)),
      found,
    );
    for (const { id } of blocks) {
      const digest = digests.get(id);
      if (found.has(id) || digest === undefined) continue;
      const otherId = await this.#state.data.findLoading(digest, 0, -1);
      const bytes = otherId === ABSENT ? null : await this.#block(otherId, digest);
      if (bytes !== null) found.set(id, bytes);
    }
    return blocks.flatMap(({ id }) => {
      const bytes = found.get(id);
      return bytes === undefined ? [] : [this.#kept(id, bytes)];
    });
  }

  #kept(id: number, bytes: Uint8Array): KeptBlock {
    const { segments, identity } = this.#state.data;
    const row = segments.rowOf(id);
    // Of a pack that is gone nobody knows whose it was. As one image's own, it is found by no other: that costs space, once.
    const isPrivate = row < 0 || segments.isPrivate(row);
    return { id, bytes, digest: digestOf(hashPage(bytes), identity.keys), isPrivate };
  }

  /** From the pack that has or had it; null when that cannot be told. */
  async #digestOf(id: number): Promise<Uint8Array | null> {
    const { segments } = this.#state.data;
    const row = segments.rowOf(id);
    if (row < 0) return null;
    const packIndex = segments.packOf(row);
    let digests = this.#digests.get(packIndex);
    if (digests === undefined) {
      digests = await this.#readDigests(packIndex);
      this.#digests.clear(); // Ids come in order: a pack's follow each other.
      this.#digests.set(packIndex, digests);
    }
    const at = segments.digestPosition(row, id) * DIGEST_BYTES;
    return digests?.slice(at, at + DIGEST_BYTES) ?? null;
  }

  async #readDigests(packIndex: number): Promise<Uint8Array | null> {
    const { storage, data } = this.#state;
    const pack = data.packs.packs[packIndex];
    if (pack === undefined) return null;
    return orNullIfBad(async () =>
      readDigests(storage, pack.name, await readFooter(storage, pack, data.identity)),
    );
  }

  /** The stored block, if it is what the digest says. */
  async #block(id: number, digest: Uint8Array): Promise<Uint8Array | null> {
    const { data, info } = this.#state;
    const place = data.segments.place(data.segments.rowOf(id));
    if (this.#segment?.firstId !== place.firstId) {
      this.#segment = { firstId: place.firstId, raw: await orNullIfBad(() => data.readSegment(place)) };
    }
    const at = (id - place.firstId) * info.blockSize;
    const bytes = this.#segment.raw?.slice(at, at + info.blockSize) ?? null;
    const isRight = bytes !== null && sameHash(digestOf(hashPage(bytes), data.identity.keys), digest);
    return isRight ? bytes : null;
  }

  async #fromPages(blocks: readonly LostBlock[], found: Map<number, Uint8Array>): Promise<void> {
    const byPage = new Map<DonorPage, LostBlock[]>();
    for (const block of blocks) {
      if (block.donor === null) continue;
      const others = byPage.get(block.donor.page);
      if (others === undefined) byPage.set(block.donor.page, [block]);
      else others.push(block);
    }
    for (const [page, wanted] of byPage) {
      const bytes = await orNullIfBad(() => this.#page(page));
      if (bytes === null) continue;
      for (const { id, donor, lengthBytes } of wanted) {
        const at = donor?.at ?? 0;
        if (at + lengthBytes <= bytes.length) found.set(id, bytes.slice(at, at + lengthBytes));
      }
    }
  }

  async #page({ snapshot, imageIndex, pageIndex }: DonorPage): Promise<Uint8Array | null> {
    const image = snapshot.record.images[imageIndex];
    if (image === undefined) return null;
    const tree = this.#state.treeOf(snapshot, imageIndex);
    const reader = new PageReader(this.#state, snapshot, image, tree);
    try {
      let page: Uint8Array | null = null;
      await reader.readPages([pageIndex], async (_, bytes) => {
        page = bytes.slice();
      });
      return page;
    } finally {
      reader.close();
    }
  }
}

/** What cannot be read is no source; anything else that fails is told. */
async function orNullIfBad<Value>(read: () => Promise<Value | null>): Promise<Value | null> {
  try {
    return await read();
  } catch (error) {
    const codes = ["pack-corrupt", "pack-missing", "page-corrupt", "repository-corrupt", "storage-failed"];
    if (error instanceof CodedError && codes.includes(error.code)) return null;
    throw error;
  }
}

// Putting in place --------------------------------------------------------------------------------------------

async function putInPlace(
  state: RepositoryState,
  written: readonly SealedPack[],
  whole: readonly string[],
): Promise<void> {
  const { data } = state;
  const sizes = new Map<string, number | null>();
  for (const name of whole) sizes.set(name, await state.storage.size(name));
  // No await from here to the replacement: what is seen is what is.
  const mayGo = state.damagedSnapshots.size === 0 ? whole : []; // Else nobody knows what else is needed of them.
  const replaced: Condemned[] = [];
  for (const name of mayGo) {
    const packIndex = data.packs.indexOf(name);
    const sizeBytes = sizes.get(name) ?? 0;
    const pack = packIndex === null ? null : { store: data, packIndex, name, sizeBytes };
    if (pack !== null && !isInUse(state, pack)) replaced.push(pack);
    // Never opened, or gone: nobody can be using it.
    if (pack === null) {
      state.removedPacks.add(name);
      if (sizes.get(name) !== null) state.filesToRemove.set(name, { sizeBytes, isFree: () => true });
    }
  }
  replacePacks(state, data, written, replaced);
  await recordRemoval(state, { store: data, packs: written });
  await removeCondemned(state, () => true);
}
