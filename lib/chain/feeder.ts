// One edge downwards: what the neighbour lacks, and what it is sent next. Pages that have just come from upstream go from
// memory; when none wait, pages that it lacks and this node has on its disk are read. What does not fit into the window is
// left: the neighbour goes on lacking it, and gets it from the disk later.
import { Demand } from "./demand.ts";

export interface ChainLimits {
  /** Bytes of pages kept in memory for a neighbour that does not take them yet. */
  readonly forwardBytesMax: number;
  /** Bytes handed to a connection that the network has not taken yet. */
  readonly windowBytes: number;
  /** Pages being read from the own disk for neighbours at once. */
  readonly readsMax: number;
  /** Pages waiting for the own disk; beyond that they are forwarded, not written, and asked for again later. */
  readonly writesMax: number;
}

export type Next<Bytes> =
  | { readonly kind: "send"; readonly page: number; readonly bytes: Bytes }
  | { readonly kind: "read"; readonly page: number };

interface Waiting<Bytes> {
  readonly page: number;
  readonly bytes: Bytes;
  readonly size: number;
}

export class Feeder<Bytes> {
  readonly demand: Demand;
  readonly #limits: ChainLimits;
  readonly #fresh: Waiting<Bytes>[] = [];
  /** Pages that went to the neighbour, or wait to: another word about them is no new wish. */
  readonly #sent: Uint8Array;
  #freshBytes = 0;
  #windowBytes = 0;

  constructor(pageCount: number, canServe: (page: number) => boolean, limits: ChainLimits) {
    this.demand = new Demand(pageCount, canServe);
    this.#sent = new Uint8Array(pageCount);
    this.#limits = limits;
  }

  get isRoomy(): boolean {
    return this.#freshBytes <= this.#limits.forwardBytesMax / 2;
  }

  lacks(page: number, depth: number, again: boolean): void {
    if (again) this.#sent[page] = 0;
    if (this.#sent[page] === 0) this.demand.set(page, depth);
  }

  /** A page has come by. False when the neighbour wants it and there is no room to keep it for him. */
  offer(page: number, bytes: Bytes, size: number): boolean {
    if (this.demand.depthOf(page) === 0) return true;
    if (this.#freshBytes + size > this.#limits.forwardBytesMax && this.#fresh.length > 0) return false;
    this.#take(page);
    this.#fresh.push({ page, bytes, size });
    this.#freshBytes += size;
    return true;
  }

  /** What to do now for this neighbour; null when there is nothing, or no room on the line. */
  next(readsRunning: number): Next<Bytes> | null {
    if (this.#windowBytes >= this.#limits.windowBytes) return null;
    const fresh = this.#fresh.shift();
    if (fresh !== undefined) {
      this.#freshBytes -= fresh.size;
      this.#windowBytes += fresh.size;
      return { kind: "send", page: fresh.page, bytes: fresh.bytes };
    }
    if (readsRunning >= this.#limits.readsMax) return null;
    const page = this.demand.next();
    if (page === null) return null;
    this.#take(page);
    return { kind: "read", page };
  }

  /** A page that was read for this neighbour goes out. */
  sent(size: number): void {
    this.#windowBytes += size;
  }

  #take(page: number): void {
    this.demand.set(page, 0);
    this.#sent[page] = 1;
  }

  /** The network took that much. */
  taken(size: number): void {
    this.#windowBytes = Math.max(0, this.#windowBytes - size);
  }
}
