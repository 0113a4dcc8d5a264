// SeenPages remembers which page contents have been verified, so that what snapshots share is read once.
//
// 64 bits of the page's hash and its first block id, in open addressing; when it has grown to its bound it forgets all
// and pages are merely read again.
import type { RunsPage } from "../format/node-format.ts";

const SLOTS_MIN = 1 << 12;
/** 64 MiB. */
const SLOTS_MAX = 1 << 23;

export class SeenPages {
  #slots = new BigUint64Array(SLOTS_MIN);
  #count = 0;

  /** True the first time a page with these blocks is seen. */
  isNew(page: RunsPage): boolean {
    const key = keyOf(page);
    const slot = this.#slotOf(key);
    if (this.#slots[slot] === key) return false;
    this.#slots[slot] = key;
    this.#count += 1;
    if (2 * this.#count > this.#slots.length) this.#grow();
    return true;
  }

  #slotOf(key: bigint): number {
    let slot = Number(key & BigInt(this.#slots.length - 1));
    while (this.#slots[slot] !== 0n && this.#slots[slot] !== key)
      slot = (slot + 1) & (this.#slots.length - 1);
    return slot;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new BigUint64Array(Math.min(SLOTS_MAX, 2 * old.length));
    if (old.length >= SLOTS_MAX) {
      this.#count = 0;
      return;
    }
    for (const key of old) if (key !== 0n) this.#slots[this.#slotOf(key)] = key;
  }
}

/** Two manifests may give equal content by different blocks: the runs, and whatever is patched over them, are part of what
 *  has been checked. */
function keyOf(page: RunsPage): bigint {
  let mix = 0xcbf29ce484222325n;
  for (const value of [...page.runs, ...(page.patch ?? [])])
    mix = BigInt.asUintN(64, (mix ^ BigInt.asUintN(64, BigInt(value))) * 0x100000001b3n);
  const hash = new DataView(page.hash.buffer, page.hash.byteOffset).getBigUint64(0, true);
  return hash ^ mix || 1n;
}
