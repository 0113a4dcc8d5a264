// Cuts a changed page into runs of blocks: what is stored already, what is one repeated byte, and what is new. Where
// stored blocks are looked for is the technique: anywhere (repository), at the same offset of a base (diff), or
// nowhere (full).
import { hashOfFill } from "#lib/page/page.ts";
import { ABSENT, type BlockStore, NEEDS_COLUMN } from "../store/block-store.ts";
import type { SegmentBuilder } from "../store/segment-builder.ts";
import type { ScanViews } from "../threads/scan.ts";

export class PageBlocks {
  readonly #store: BlockStore;
  readonly #builder: SegmentBuilder;
  readonly #blockSize: number;
  /** The block before this one, across pages: its successor is the first guess. */
  #previousId = -2;

  constructor(store: BlockStore, builder: SegmentBuilder, blockSize: number) {
    this.#store = store;
    this.#builder = builder;
    this.#blockSize = blockSize;
  }

  /** Runs of page `slot` of a scanned batch, new blocks added to the store on the way. */
  async runsOf(views: ScanViews, slot: number, page: Uint8Array): Promise<number[]> {
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
      this.#previousId = id === ABSENT ? this.#add(views, block, page, at) : id;
      addToRuns(runs, this.#previousId);
    }
    return runs;
  }

  /** Only the block at the same offset of the base's page is looked at; `baseRuns` is empty where the base has none. */
  async runsAgainst(
    views: ScanViews,
    slot: number,
    page: Uint8Array,
    baseRuns: readonly number[],
  ): Promise<number[]> {
    const runs: number[] = [];
    const baseIds = idsOfRuns(baseRuns);
    const firstBlock = slot * views.blocksPerPage;
    for (let index = 0; index * this.#blockSize < page.length; index++) {
      const block = firstBlock + index;
      const fill = views.blockFills[block] as number;
      const baseId = baseIds[index] ?? -1;
      if (fill >= 0) addToRuns(runs, -1 - fill);
      else if (baseId >= 0 && (await this.#store.isBlock(baseId, views.digests, block * 32)))
        addToRuns(runs, baseId);
      else addToRuns(runs, this.#add(views, block, page, index * this.#blockSize));
    }
    return runs;
  }

  /** The whole page as new blocks, those of one repeated byte, too: a page is then one segment and one run. */
  wholePage(views: ScanViews, slot: number, page: Uint8Array): number[] {
    const runs: number[] = [];
    let block = slot * views.blocksPerPage;
    for (let at = 0; at < page.length; at += this.#blockSize, block++) {
      const fill = views.blockFills[block] as number;
      // Scanning has no digest of what is mostly not stored.
      if (fill >= 0)
        views.digests.set(hashOfFill(fill, Math.min(this.#blockSize, page.length - at)), block * 32);
      addToRuns(runs, this.#add(views, block, page, at));
    }
    return runs;
  }

  #add(views: ScanViews, block: number, page: Uint8Array, at: number): number {
    const bytes = page.subarray(at, at + this.#blockSize);
    return this.#builder.add(bytes, views.digests, block * 32, bytes.length < this.#blockSize);
  }
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
