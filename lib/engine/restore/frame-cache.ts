// FrameCache keeps the decoded frames that later groups of the same read need, so that each is decoded once.
//
// The caller knows beforehand how many groups need each frame. A frame is kept from the group that decodes it until the
// last one has copied from it, as long as there is room; then the one that was unused longest makes room. Kept or not, the
// bytes are the same: nobody ever waits for room, and a frame nobody expected (its pack was rewritten meanwhile) is merely
// decoded again.
import { SEGMENT_RAW_BYTES_MAX } from "../format/pack-format.ts";

/** Room for 24 of the largest frames, or 48 as archives write them. */
export const CACHE_BYTES_MAX = 96 * 1024 * 1024;
/** Memory is taken in powers of two from here on, so that what one frame leaves fits the next. */
const SLOT_BYTES_MIN = 256 * 1024;

/** Memory of one decoded frame. */
export interface FrameSlot {
  readonly frame: number;
  readonly memory: SharedArrayBuffer;
  /** Settles when the frame lies there, or cannot. */
  readonly whenDecoded: Promise<void>;
  isDecoded: boolean;
}

/** What a group does about a frame it needs: copy from a slot, or decode it, for itself or into a slot for others, too. */
export interface FrameClaim {
  readonly decodes: boolean;
  readonly slot: FrameSlot | null;
}

interface HeldSlot extends FrameSlot {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  /** Groups that have claimed it and are not done with it. */
  holders: number;
}

export class FrameCache {
  /** By frame, how many groups have yet to claim it. */
  readonly #uses: Map<number, number>;
  readonly #bytesMax: number;
  /** The one claimed longest ago first. */
  readonly #slots = new Map<number, HeldSlot>();
  readonly #free: SharedArrayBuffer[] = [];
  /** All memory, in use or free. */
  #bytes = 0;

  constructor(uses: Map<number, number>, bytesMax = CACHE_BYTES_MAX) {
    this.#uses = uses;
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Once for each frame a group needs. Whoever is told to decode into a slot must say `decoded` or `failed`; everyone who got a
   *  slot must `release` it. */
  claim(frame: number, rawBytes: number): FrameClaim {
    const usesLeft = (this.#uses.get(frame) ?? 1) - 1;
    if (usesLeft > 0) this.#uses.set(frame, usesLeft);
    else this.#uses.delete(frame);
    const known = this.#slots.get(frame);
    const slot = known ?? (usesLeft > 0 ? this.#newSlot(frame, rawBytes) : null);
    if (slot === null) return { decodes: true, slot };
    slot.holders += 1;
    this.#slots.delete(frame);
    this.#slots.set(frame, slot);
    return { decodes: known === undefined, slot };
  }

  decoded(slot: FrameSlot): void {
    const held = this.#slots.get(slot.frame);
    if (held !== slot) return;
    held.isDecoded = true;
    held.resolve();
  }

  /** Those who wait for it fail as the one who was to decode it. */
  failed(slot: FrameSlot, error: unknown): void {
    const held = this.#slots.get(slot.frame);
    if (held !== slot || held.isDecoded) return;
    held.reject(error);
    this.#slots.delete(slot.frame);
    this.#bytes -= slot.memory.byteLength; // Not used again: a thread may still be writing there.
  }

  release(slot: FrameSlot): void {
    const held = this.#slots.get(slot.frame);
    if (held !== slot) return;
    held.holders -= 1;
    if (held.holders === 0 && !this.#uses.has(slot.frame)) this.#drop(held);
  }

  #newSlot(frame: number, rawBytes: number): HeldSlot | null {
    const memory = this.#memoryOf(slotBytes(rawBytes));
    if (memory === null) return null;
    const { promise: whenDecoded, resolve, reject } = Promise.withResolvers<void>();
    whenDecoded.catch(() => undefined); // Perhaps nobody waits; who decodes throws it in any case.
    return { frame, memory, whenDecoded, isDecoded: false, resolve, reject, holders: 0 };
  }

  /** Null when all room is taken by frames in use. */
  #memoryOf(bytes: number): SharedArrayBuffer | null {
    for (;;) {
      const at = this.#free.findIndex((memory) => memory.byteLength === bytes);
      const [fitting] = at < 0 ? [] : this.#free.splice(at, 1);
      if (fitting !== undefined) return fitting;
      if (this.#bytes + bytes <= this.#bytesMax) {
        this.#bytes += bytes;
        return new SharedArrayBuffer(bytes);
      }
      const other = this.#free.pop();
      if (other !== undefined) this.#bytes -= other.byteLength;
      else if (!this.#dropOldest()) return null;
    }
  }

  #dropOldest(): boolean {
    for (const slot of this.#slots.values()) {
      if (slot.holders > 0) continue;
      this.#drop(slot);
      return true;
    }
    return false;
  }

  #drop(slot: HeldSlot): void {
    this.#slots.delete(slot.frame);
    this.#free.push(slot.memory);
  }
}

function slotBytes(rawBytes: number): number {
  let bytes = SLOT_BYTES_MIN;
  while (bytes < Math.min(rawBytes, SEGMENT_RAW_BYTES_MAX)) bytes *= 2;
  return bytes;
}
