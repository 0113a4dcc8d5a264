// Bytes of blocks that new ones may differ from by little. An archive that changes a few bytes in many places is patched
// (format/patch-format.ts) instead of stored block by block, and for that the old block must be read.
//
// Reading is worth it where patches come of it: where they do not, only now and then a block is tried.
import { CodedError } from "#lib/model/errors.ts";
import { freeMemory } from "../free-memory.ts";
import type { BlockStore } from "../store/block-store.ts";

/** Decoded segments kept: pages take their blocks from few segments, one after the other. */
const SEGMENTS_KEPT = 4;
const TRIES_BEFORE_JUDGING = 64;
/** Below one patch in eight tries, one block in 32 is tried, and the fewer the longer nothing comes of it: a segment may have to
 *  be decoded for each. */
const WORTHWHILE_SHARE = 1 / 8;
const TRY_EVERY = 32;

export class BaseBlocks {
  readonly #store: BlockStore;
  readonly #blockSize: number;
  /** By first id; insertion order is age. */
  readonly #segments = new Map<number, Uint8Array>();
  #wanted = 0;
  /** Of those wanted. */
  #lastTry = 0;
  #tried = 0;
  #patched = 0;

  constructor(store: BlockStore, blockSize: number) {
    this.#store = store;
    this.#blockSize = blockSize;
  }

  /** The block (−1 − byte for one of a repeated byte), or null when it cannot be had or trying is not worth it. */
  async bytesOf(id: number): Promise<Uint8Array | null> {
    this.#wanted += 1;
    const isFutile = this.#tried >= TRIES_BEFORE_JUDGING && this.#patched < this.#tried * WORTHWHILE_SHARE;
    const gap = Math.max(TRY_EVERY, Math.floor(this.#tried / (this.#patched + 1)));
    if (isFutile && this.#wanted - this.#lastTry < gap) return null;
    this.#lastTry = this.#wanted;
    this.#tried += 1;
    return this.read(id);
  }

  notePatched(): void {
    this.#patched += 1;
  }

  /** The same without judging whether it is worth it. */
  async read(id: number): Promise<Uint8Array | null> {
    if (id < 0) return new Uint8Array(this.#blockSize).fill(-1 - id);
    // Nothing new may depend on a pack known to be bad, or lost.
    if (this.#store.isDistrusted(id)) return null;
    try {
      const place = this.#store.placeOf(id);
      const segment = this.#segments.get(place.firstId) ?? (await this.#store.readSegment(place));
      this.#keep(place.firstId, segment);
      const at = (id - place.firstId) * this.#blockSize;
      // A copy: the segment's memory goes back when it is no longer kept.
      const block = segment.slice(at, at + this.#blockSize);
      return block.length === this.#blockSize ? block : null;
    } catch (error) {
      // The block is stored whole instead; verify and scrub name the pack.
      if (error instanceof CodedError) return null;
      throw error;
    }
  }

  #keep(firstId: number, segment: Uint8Array): void {
    this.#segments.delete(firstId);
    this.#segments.set(firstId, segment);
    for (const [oldest, bytes] of this.#segments) {
      if (this.#segments.size <= SEGMENTS_KEPT) break;
      this.#segments.delete(oldest);
      freeMemory(bytes);
    }
  }
}
