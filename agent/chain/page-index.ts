// Which pages of a target have a given content: to find what a disk holds already, only elsewhere. A table of page numbers,
// open addressing, 8 bytes a page; hashes themselves are looked up in the target's list.
import { PAGE_HASH_BYTES, sameHash } from "#lib/page/page.ts";

/** A content that half the disk consists of is found at a few of its places, and that is enough. */
const MATCHES_MAX = 4;

export class PageIndex {
  readonly #hashes: Uint8Array;
  /** Page number + 1; 0 is free. */
  readonly #slots: Uint32Array;
  readonly #view: DataView;

  /** `hashes`: 32 bytes per page. `isLeftOut`: pages nobody needs to look for. */
  constructor(hashes: Uint8Array, isLeftOut: (page: number) => boolean) {
    this.#hashes = hashes;
    this.#view = new DataView(hashes.buffer, hashes.byteOffset, hashes.byteLength);
    const pageCount = hashes.length / PAGE_HASH_BYTES;
    this.#slots = new Uint32Array(2 ** Math.ceil(Math.log2(2 * pageCount + 1)));
    for (let page = 0; page < pageCount; page += 1) {
      if (isLeftOut(page)) continue;
      let slot = this.#slotOf(this.#view.getUint32(page * PAGE_HASH_BYTES));
      for (let probes = 0; this.#slots[slot] !== 0; probes += 1) {
        // Its content is there often enough already.
        if (probes === 4 * MATCHES_MAX) break;
        slot = this.#slotOf(slot + 1);
      }
      if (this.#slots[slot] === 0) this.#slots[slot] = page + 1;
    }
  }

  /** Pages that shall have this content, at most a few. */
  pagesWith(hash: Uint8Array): number[] {
    const found: number[] = [];
    const key = new DataView(hash.buffer, hash.byteOffset, PAGE_HASH_BYTES).getUint32(0);
    let slot = this.#slotOf(key);
    while (found.length < MATCHES_MAX) {
      const page = (this.#slots[slot] ?? 0) - 1;
      if (page < 0) break;
      const at = page * PAGE_HASH_BYTES;
      if (sameHash(hash, this.#hashes.subarray(at, at + PAGE_HASH_BYTES))) found.push(page);
      slot = this.#slotOf(slot + 1);
    }
    return found;
  }

  #slotOf(key: number): number {
    return key & (this.#slots.length - 1);
  }
}
