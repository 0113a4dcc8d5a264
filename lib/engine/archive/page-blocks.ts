// Cuts a changed page into runs of blocks: what is stored already, what is one repeated byte, and what is new. Where
// stored blocks are looked for is the technique: anywhere (repository), at the same offset of a base (diff), or
// nowhere (full). A block that is found nowhere, but differs by little from the one that was at its place before, becomes
// that block and a patch.
import type { Technique } from "#lib/model/snapshot.ts";
import { hashOfFill, PAGE_BYTES } from "#lib/page/page.ts";
import { digestOf } from "../encryption/repository-keys.ts";
import type { PageEntry, RunsPage } from "../format/node-format.ts";
import { PATCH_BYTES_MAX, PatchWriter, readPatch } from "../format/patch-format.ts";
import { ABSENT, type BlockStore, NEEDS_COLUMN } from "../store/block-store.ts";
import type { SegmentBuilder } from "../store/segment-builder.ts";
import type { ScanViews } from "../threads/scan.ts";
import { BaseBlocks } from "./base-blocks.ts";

/** A block is patched when that takes at most this share of its size (ADR 0019). */
const PATCH_SHARE = 1 / 16;

export class PageBlocks {
  readonly #store: BlockStore;
  readonly #builder: SegmentBuilder;
  readonly #blockSize: number;
  /** The block before this one, across pages: its successor is the first guess. */
  #previousId = -2;
  readonly #bases: BaseBlocks;
  /** Whether blocks that change by little are patched. */
  readonly #patches: boolean;
  /** What new patches hold. */
  patchBytes = 0;

  constructor(
    store: BlockStore,
    builder: SegmentBuilder,
    { blockSize, patches }: { readonly blockSize: number; readonly patches: boolean },
  ) {
    this.#store = store;
    this.#builder = builder;
    this.#blockSize = blockSize;
    this.#bases = new BaseBlocks(store, blockSize);
    this.#patches = patches;
  }

  /** The record of page `slot` of a scanned batch, new blocks added to the store on the way. `before` is the page at this
   *  place in the image it is compared with. */
  async entryOf(
    technique: Technique,
    views: ScanViews,
    slot: number,
    page: Uint8Array,
    before: PageEntry | null,
  ): Promise<RunsPage> {
    const hash = new Uint8Array(views.hashOf(slot));
    if (technique === "full") return { fillByte: null, hash, runs: this.#wholePage(views, slot, page) };
    const writer = new PatchWriter();
    const isDiff = technique === "diff";
    const runs = isDiff
      ? await this.#runsAgainst(views, slot, page, before, writer)
      : await this.#runsOf(views, slot, page, this.#patches ? idsOf(before) : [], writer);
    const patch = writer.finish();
    if (patch === null) return { fillByte: null, hash, runs };
    if (!isDiff) this.patchBytes += patch.length;
    return { fillByte: null, hash, runs, patch };
  }

  async #runsOf(
    views: ScanViews,
    slot: number,
    page: Uint8Array,
    before: readonly number[],
    patch: PatchWriter,
  ): Promise<number[]> {
    const runs: number[] = [];
    let block = slot * views.blocksPerPage;
    for (let at = 0; at < page.length; at += this.#blockSize, block++) {
      const fill = views.blockFills[block] as number;
      if (fill >= 0) {
        addToRuns(runs, -1 - fill);
        continue;
      }
      const found = this.#store.find(views.digests, block * 32, this.#previousId + 1);
      // Awaiting only here keeps the common case free of a turn of the event loop per block.
      const id =
        found === NEEDS_COLUMN ? await this.#store.findLoading(views.digests, block * 32, -1) : found;
      const baseId = id === ABSENT ? before[at / this.#blockSize] : undefined;
      const isPatched = baseId !== undefined && (await this.#patch(patch, baseId, page, at));
      if (isPatched && baseId < 0) addToRuns(runs, baseId);
      else {
        this.#previousId = isPatched ? baseId : id === ABSENT ? this.#add(views, block, page, at) : id;
        addToRuns(runs, this.#previousId);
      }
    }
    return runs;
  }

  /** True when the block is now that base and a patch. */
  async #patch(patch: PatchWriter, baseId: number, page: Uint8Array, at: number): Promise<boolean> {
    const block = page.subarray(at, at + this.#blockSize);
    if (block.length < this.#blockSize) return false;
    const base = await this.#bases.bytesOf(baseId);
    if (base === null || !patch.add(at, base, block, this.#blockSize * PATCH_SHARE)) return false;
    this.#bases.notePatched();
    return true;
  }

  /** Only the block at the same offset of the base's page is looked at; `baseRuns` is empty where the base has none. */
  async #runsAgainst(
    views: ScanViews,
    slot: number,
    page: Uint8Array,
    before: PageEntry | null,
    patch: PatchWriter,
  ): Promise<number[]> {
    const runs: number[] = [];
    const baseIds = idsOf(before);
    const patchBefore = before !== null && before.fillByte === null ? before.patch : undefined;
    const firstBlock = slot * views.blocksPerPage;
    for (let index = 0; index * this.#blockSize < page.length; index++) {
      const block = firstBlock + index;
      const fill = views.blockFills[block] as number;
      const baseId = baseIds[index] ?? -1;
      if (fill >= 0) addToRuns(runs, -1 - fill);
      else if (baseId >= 0 && (await this.#store.isBlock(baseId, views.digests, block * 32)))
        addToRuns(runs, baseId);
      else if (await this.#isPatchedAlike(patch, patchBefore, baseIds[index], page, index * this.#blockSize))
        addToRuns(runs, baseIds[index] as number);
      else addToRuns(runs, this.#add(views, block, page, index * this.#blockSize));
    }
    return runs;
  }

  /** True when the page before, patched, has the same bytes here; its patch is then this page's, too. */
  async #isPatchedAlike(
    patch: PatchWriter,
    patchBefore: Uint8Array | undefined,
    baseId: number | undefined,
    page: Uint8Array,
    at: number,
  ): Promise<boolean> {
    if (patchBefore === undefined || baseId === undefined) return false;
    const block = page.subarray(at, at + this.#blockSize);
    const base = block.length === this.#blockSize ? await this.#bases.read(baseId) : null;
    if (base === null) return false;
    const whole = new Uint8Array(PAGE_BYTES);
    whole.set(base, at);
    readPatch(patchBefore, PAGE_BYTES, whole);
    const isAlike = Buffer.compare(whole.subarray(at, at + this.#blockSize), block) === 0;
    return isAlike && patch.add(at, base, block, PATCH_BYTES_MAX);
  }

  /** The whole page as new blocks, those of one repeated byte, too: a page is then one segment and one run. */
  #wholePage(views: ScanViews, slot: number, page: Uint8Array): number[] {
    const runs: number[] = [];
    let block = slot * views.blocksPerPage;
    for (let at = 0; at < page.length; at += this.#blockSize, block++) {
      const fill = views.blockFills[block] as number;
      // Scanning has no digest of what is mostly not stored.
      if (fill >= 0)
        views.digests.set(this.#digestOfFill(fill, Math.min(this.#blockSize, page.length - at)), block * 32);
      addToRuns(runs, this.#add(views, block, page, at));
    }
    return runs;
  }

  #digestOfFill(fill: number, length: number): Uint8Array {
    return digestOf(hashOfFill(fill, length), this.#store.identity.keys);
  }

  #add(views: ScanViews, block: number, page: Uint8Array, at: number): number {
    const bytes = page.subarray(at, at + this.#blockSize);
    return this.#builder.add(bytes, views.digests, block * 32, bytes.length < this.#blockSize);
  }
}

/** What a new block at each place may be patched against. Of a patched page its blocks, so that no patch lies on another. */
function idsOf(before: PageEntry | null): readonly number[] {
  return before === null || before.fillByte !== null ? [] : idsOfRuns(before.runs);
}

/** The id of each block of a page; negative for fill. */
export function idsOfRuns(runs: readonly number[]): number[] {
  const ids: number[] = [];
  for (let at = 0; at < runs.length; at += 2) {
    const start = runs[at] as number;
    const count = runs[at + 1] as number;
    for (let index = 0; index < count; index++) ids.push(start < 0 ? start : start + index);
  }
  return ids;
}

/** One more block: an id, or −1 − byte for fill. */
export function addToRuns(runs: number[], start: number): void {
  const last = runs.length - 2;
  const lastStart = runs[last];
  const lastCount = runs[last + 1];
  if (lastStart !== undefined && lastCount !== undefined) {
    const continues = start < 0 ? lastStart === start : lastStart >= 0 && lastStart + lastCount === start;
    if (continues) {
      runs[last + 1] = lastCount + 1;
      return;
    }
  }
  runs.push(start, 1);
}
