// Which pages a neighbour below lacks, each with the depth at which the deepest node that lacks it stands (1: the neighbour
// itself). The next page to send is one of the deepest class that can be served, in the disk's order: the deepest needs
// travel longest, so they go first, and within a class disks read and write forwards.

/** A stretch of pages at one depth; depth 0 takes the wish back. */
export interface DemandRange {
  readonly first: number;
  readonly count: number;
  readonly depth: number;
  /** These were sent before, on this very connection, and are wanted once more. Without it a wish for a page that is under
   *  way only says that its depth has changed. */
  readonly again: boolean;
}

export const DEPTH_MAX = 0xffff;
const CLASSES = 16;

export class Demand {
  readonly #depths: Uint16Array;
  readonly #canServe: (page: number) => boolean;
  /** Pages wanted that can be served now, by class of depth. */
  readonly #servable = new Int32Array(CLASSES);
  readonly #cursors = new Int32Array(CLASSES);
  #wanted = 0;

  /** `canServe` may change its mind about a page only by a call of `servableChanged`. */
  constructor(pageCount: number, canServe: (page: number) => boolean) {
    this.#depths = new Uint16Array(pageCount);
    this.#canServe = canServe;
  }

  /** Pages wanted in all. */
  get wanted(): number {
    return this.#wanted;
  }

  /** Pages wanted that can be served now. */
  get servable(): number {
    return this.#servable.reduce((sum, count) => sum + count, 0);
  }

  depthOf(page: number): number {
    return this.#depths[page] ?? 0;
  }

  set(page: number, depth: number): void {
    const before = this.depthOf(page);
    if (before === depth) return;
    this.#wanted += Number(depth > 0) - Number(before > 0);
    if (this.#canServe(page)) {
      this.#count(before, -1);
      this.#count(depth, 1);
    }
    this.#depths[page] = depth;
  }

  /** Call it after the change. */
  servableChanged(page: number, servable: boolean): void {
    this.#count(this.depthOf(page), servable ? 1 : -1);
  }

  /** The page to send next; null when none of those wanted can be served. */
  next(): number | null {
    for (let level = CLASSES - 1; level >= 0; level -= 1) {
      if ((this.#servable[level] ?? 0) > 0) return this.#findFrom(this.#cursors[level] ?? 0, level);
    }
    return null;
  }

  #findFrom(start: number, level: number): number {
    const { length } = this.#depths;
    for (let step = 0; step < length; step += 1) {
      const page = (start + step) % length;
      if (classOf(this.depthOf(page)) !== level || !this.#canServe(page)) continue;
      this.#cursors[level] = page;
      return page;
    }
    throw new Error("Counted a page that can be served, but found none.");
  }

  #count(depth: number, change: number): void {
    const level = classOf(depth);
    if (level >= 0) this.#servable[level] = (this.#servable[level] ?? 0) + change;
  }
}

/** 1 → 0, 2 and 3 → 1, 4 to 7 → 2, …; -1 for depth 0. */
function classOf(depth: number): number {
  return 31 - Math.clz32(depth);
}
