// SegmentStream numbers new blocks (or manifest nodes) and collects them into segments as store/segment-builder.ts does,
// but hands the segments on to be measured instead of written.

import type { RawSegment } from "./compressor.ts";

export interface MeasuredSegment {
  readonly raw: RawSegment;
  readonly count: number;
}

export interface StreamLayout {
  readonly rawBytesMax: number;
  /** Ids reserved for each segment, and the most it holds. */
  readonly segmentIds: number;
}

export class SegmentStream {
  readonly #layout: StreamLayout;
  readonly #measure: (segment: MeasuredSegment) => void;
  #nextId = 0;
  #growing: { firstId: number; bytes: Uint8Array<SharedArrayBuffer>; used: number; count: number } | null =
    null;
  rawBytes = 0;

  constructor(layout: StreamLayout, measure: (segment: MeasuredSegment) => void) {
    this.#layout = layout;
    this.#measure = measure;
  }

  get nextId(): number {
    return this.#nextId;
  }

  /** `ends` closes the segment after this block. Returns the block's id. */
  add(block: Uint8Array, ends: boolean): number {
    const { rawBytesMax, segmentIds } = this.#layout;
    if (this.#growing !== null && this.#growing.used + block.length > this.#growing.bytes.length)
      this.flush();
    this.#growing ??= this.#begin(Math.max(block.length, rawBytesMax));
    const segment = this.#growing;
    segment.bytes.set(block, segment.used);
    segment.used += block.length;
    segment.count += 1;
    this.rawBytes += block.length;
    const id = segment.firstId + segment.count - 1;
    if (ends || segment.count === segmentIds) this.flush();
    return id;
  }

  #begin(capacity: number): {
    firstId: number;
    bytes: Uint8Array<SharedArrayBuffer>;
    used: number;
    count: number;
  } {
    return {
      firstId: this.#reserve(),
      bytes: new Uint8Array(new SharedArrayBuffer(capacity)),
      used: 0,
      count: 0,
    };
  }

  #reserve(): number {
    const firstId = this.#nextId;
    this.#nextId += this.#layout.segmentIds;
    return firstId;
  }

  /** Numbers a segment whose bytes somebody else measures. */
  skip(rawBytes: number): number {
    this.flush();
    this.rawBytes += rawBytes;
    return this.#reserve();
  }

  flush(): void {
    const segment = this.#growing;
    this.#growing = null;
    if (segment !== null)
      this.#measure({
        raw: { buffer: segment.bytes.buffer, rawBytes: segment.used },
        count: segment.count,
      });
  }
}
