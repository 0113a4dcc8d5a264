// What the neighbour above was told that is lacked here and below, and what it must be told now.
import type { DemandRange } from "./demand.ts";

export class Asking {
  /** Depths as the neighbour knows them. */
  readonly #told: Uint16Array;
  /** Came on the present connection: to be asked for with `again`. */
  readonly #came: Uint8Array;
  /** Between these, something may be new. */
  #from = Number.POSITIVE_INFINITY;
  #to = -1;

  constructor(pageCount: number) {
    this.#told = new Uint16Array(pageCount);
    this.#came = new Uint8Array(pageCount);
  }

  /** What is wanted of this page may have changed. */
  changed(page: number): void {
    this.#from = Math.min(this.#from, page);
    this.#to = Math.max(this.#to, page);
  }

  allChanged(): void {
    this.#from = 0;
    this.#to = this.#told.length - 1;
  }

  /** The neighbour is another one, or none: it knows nothing. */
  beginAnew(): void {
    this.#told.fill(0);
    this.#came.fill(0);
    this.allChanged();
  }

  /** Sent, the neighbour holds the wish for fulfilled. */
  came(page: number): void {
    this.#told[page] = 0;
    this.#came[page] = 1;
  }

  get hasNews(): boolean {
    return this.#to >= 0;
  }

  /** The news, which count as told from now on. `depthOf`: how deep the deepest node stands that lacks the page. */
  takeNews(depthOf: (page: number) => number): DemandRange[] {
    const ranges: { first: number; count: number; depth: number; again: boolean }[] = [];
    for (let page = this.#from; page <= this.#to; page += 1) {
      const depth = depthOf(page);
      if (depth === this.#told[page]) continue;
      this.#told[page] = depth;
      const again = this.#came[page] === 1;
      this.#came[page] = 0;
      const last = ranges.at(-1);
      if (last?.depth === depth && last.again === again && last.first + last.count === page) last.count += 1;
      else ranges.push({ first: page, count: 1, depth, again });
    }
    this.#from = Number.POSITIVE_INFINITY;
    this.#to = -1;
    return ranges;
  }
}
