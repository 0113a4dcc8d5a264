// Bytes of blocks that new ones may differ from by little. An archive that changes a few bytes in many places is patched
// (format/patch-format.ts) instead of stored block by block, and for that the old block must be read.
//
// Reading costs the decoding of a segment, which is worth it where patches come of it: where they do not, as in an upgrade,
// only now and then one is decoded. Comparing with a segment that is there already costs next to nothing.
import { CodedError } from "#lib/model/errors.ts";
import { freeMemory } from "../free-memory.ts";
import type { BlockStore } from "../store/block-store.ts";
import type { SegmentPlace } from "../store/segment-table.ts";

/** Decoded segments kept: pages take their blocks from few segments, one after the other. */
const SEGMENTS_KEPT = 4;
const SEGMENTS_BEFORE_JUDGING = 64;
/** With fewer patches for each segment decoded, one is decoded only for every so many blocks that want it. */
const WORTHWHILE_PATCHES = 8;
const BLOCKS_FOR_ANOTHER = 512;

export class BaseBlocks {
  readonly #store: BlockStore;
  readonly #blockSize: number;
  /** By first id; insertion order is age. */
  readonly #segments = new Map<number, Uint8Array>();
  #decoded = 0;
  #patched = 0;
  /** Blocks that were not tried since the last segment was decoded. */
  #declined = 0;

  constructor(store: BlockStore, blockSize: number) {
    this.#store = store;
    this.#blockSize = blockSize;
  }

  /** The block (−1 − byte for one of a repeated byte), or null when it cannot be had or trying is not worth it. */
  async bytesOf(id: number): Promise<Uint8Array | null> {
    if (this.#isKept(id) || this.#isWorthDecoding()) return this.read(id);
    return null;
  }

  #isKept(id: number): boolean {
    return id < 0 || (!this.#store.isDistrusted(id) && this.#segments.has(this.#store.placeOf(id).firstId));
  }

  #isWorthDecoding(): boolean {
    const isFutile =
      this.#decoded >= SEGMENTS_BEFORE_JUDGING && this.#patched < this.#decoded * WORTHWHILE_PATCHES;
    if (isFutile && this.#declined < BLOCKS_FOR_ANOTHER) {
      this.#declined += 1;
      return false;
    }
    this.#declined = 0;
    return true;
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
      const segment = this.#segments.get(place.firstId) ?? (await this.#decode(place));
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

  async #decode(place: SegmentPlace): Promise<Uint8Array> {
    this.#decoded += 1;
    return this.#store.readSegment(place);
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
