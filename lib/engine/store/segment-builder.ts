// SegmentBuilder collects the new blocks of one stream into segments and hands full ones on.
//
// A block shorter than the block size ends its segment, so that block k of a segment always begins at k times the
// block size. Adding is synchronous: a block has its id, and can be found, when `add` returns.
import { assert } from "#lib/model/assert.ts";
import type { Compression } from "#lib/model/compression.ts";
import {
  DIGEST_BYTES,
  DIRECTORY_ENTRY_BYTES,
  SEGMENT_HEADER_BYTES,
  SEGMENT_RAW_BYTES_MAX,
} from "../format/pack-format.ts";
import type { NumberedSegment } from "./pack-writer.ts";

/** Shared memory, so that a worker thread can encode it in place. */
export type SegmentBuffer = SharedArrayBuffer;

export interface SegmentBuilderOptions {
  readonly segmentIds: number;
  readonly rawBytesMax: number;
  readonly isPrivate: boolean;
  readonly compression: Compression;
  /** Memory for a segment of so many raw bytes, or more; given back by whoever has written it. */
  readonly takeBuffer: (bytes: number) => SegmentBuffer;
  /** Reserves ids; `digests` will be filled while the segment grows. */
  readonly begin: (digests: Uint8Array) => number;
  readonly added: (digests: Uint8Array, at: number, id: number) => void;
  readonly submit: (owner: SegmentBuilder, segment: NumberedSegment, buffer: SegmentBuffer) => Promise<void>;
  readonly closed: (owner: SegmentBuilder) => void;
}

interface GrowingSegment {
  readonly firstId: number;
  readonly buffer: SegmentBuffer;
  readonly bytes: Uint8Array;
  readonly digests: Uint8Array;
  count: number;
  rawBytes: number;
}

export class SegmentBuilder {
  readonly #options: SegmentBuilderOptions;
  #growing: GrowingSegment | null = null;
  #submitted: Promise<void> = Promise.resolve();
  #lostBecause: { readonly reason: unknown } | null = null;
  /** Raw bytes added, and bytes that made in the store, overhead included. */
  rawBytes = 0;
  storedBytes = 0;

  constructor(options: SegmentBuilderOptions) {
    this.#options = options;
  }

  get compression(): Compression {
    return this.#options.compression;
  }

  /** `ends` closes the segment after this block. Returns the block's id. */
  add(block: Uint8Array, digests: Uint8Array, digestAt: number, ends: boolean): number {
    if (this.#lostBecause !== null) throw this.#lostBecause.reason;
    const segment = this.#withRoomFor(block.length);
    const id = segment.firstId + segment.count;
    const at = segment.count * DIGEST_BYTES;
    segment.bytes.set(block, segment.rawBytes);
    segment.digests.set(digests.subarray(digestAt, digestAt + DIGEST_BYTES), at);
    segment.count += 1;
    segment.rawBytes += block.length;
    this.rawBytes += block.length;
    this.#options.added(segment.digests, at, id);
    if (ends || segment.count === this.#options.segmentIds) this.flush();
    return id;
  }

  #withRoomFor(bytes: number): GrowingSegment {
    if (this.#growing !== null && this.#growing.rawBytes + bytes > this.#growing.bytes.length) this.flush();
    this.#growing ??= this.#begin(Math.max(bytes, this.#options.rawBytesMax));
    return this.#growing;
  }

  #begin(capacity: number): GrowingSegment {
    assert(capacity <= SEGMENT_RAW_BYTES_MAX, `a segment of ${capacity} bytes`);
    const digests = new Uint8Array(this.#options.segmentIds * DIGEST_BYTES);
    const buffer = this.#options.takeBuffer(capacity);
    const firstId = this.#options.begin(digests);
    return { firstId, buffer, bytes: new Uint8Array(buffer, 0, capacity), digests, count: 0, rawBytes: 0 };
  }

  /** Hands the growing segment on, however short it is. */
  flush(): void {
    const segment = this.#growing;
    if (segment === null) return;
    this.#growing = null;
    const { firstId, count, rawBytes, buffer } = segment;
    const digests = segment.digests.subarray(0, count * DIGEST_BYTES);
    const { isPrivate } = this.#options;
    this.#submitted = this.#options.submit(this, { firstId, count, rawBytes, digests, isPrivate }, buffer);
  }

  /** Ends the stream; resolves when its last segment has been written (or lost: the store's epoch tells). */
  async close(): Promise<void> {
    this.flush();
    // A block added from now on would never be flushed, yet others could refer to it.
    this.#lostBecause ??= { reason: new Error("Bug: a block for a stream that has ended") };
    this.#options.closed(this);
    await this.#submitted;
  }

  /** The open pack was lost, and with it blocks of this stream: whoever adds more is told why. */
  abandon(reason: unknown): void {
    this.#growing = null;
    this.#lostBecause = { reason };
  }

  countStored(payloadBytes: number, count: number): void {
    this.storedBytes += SEGMENT_HEADER_BYTES + payloadBytes + DIRECTORY_ENTRY_BYTES + count * DIGEST_BYTES;
  }
}
