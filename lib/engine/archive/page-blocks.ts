// Cuts a changed page into runs of blocks: what is stored already, what is one repeated byte, and what is new.

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

  #add(views: ScanViews, block: number, page: Uint8Array, at: number): number {
    const bytes = page.subarray(at, at + this.#blockSize);
    return this.#builder.add(bytes, views.digests, block * 32, bytes.length < this.#blockSize);
  }
}

function addToRuns(runs: number[], start: number): void {
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
