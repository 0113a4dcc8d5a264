// Compressor tells how large a segment becomes under each compression, by encoding it as an archive would, in threads.
//
// Whole pages of full images come again from snapshot to snapshot and from block size to block size: their sizes are
// remembered by content.
import type { Compression } from "#lib/model/compression.ts";
import type { Workers } from "../threads/workers.ts";
import { FingerprintMap } from "./fingerprint-map.ts";

/** Segments under compression at a time. */
const IN_FLIGHT_MAX = 16;

/** Raw bytes of a segment, in memory that threads can share. */
export interface RawSegment {
  readonly buffer: SharedArrayBuffer;
  readonly rawBytes: number;
}

export class Compressor {
  readonly compressions: readonly Compression[];
  readonly #workers: Workers;
  readonly #known = new Map<string, FingerprintMap>();
  readonly #underWay = new Map<string, Promise<number[]>>();
  #inFlight = 0;
  #waiting: (() => void)[] = [];

  constructor(workers: Workers, compressions: readonly Compression[]) {
    this.#workers = workers;
    this.compressions = compressions;
  }

  /** Resolves when another segment may be handed in. */
  async room(): Promise<void> {
    while (this.#inFlight >= IN_FLIGHT_MAX) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Payload bytes under each compression. `raw` belongs to us from here on: it is overwritten. */
  async sizesOf(raw: RawSegment): Promise<number[]> {
    this.#inFlight += 1;
    try {
      const sizes: number[] = [];
      const last = this.compressions.length - 1;
      for (const [index, compression] of this.compressions.entries()) {
        // Threads leave the payload in the memory of what they encoded: those that follow need the bytes as they were.
        sizes.push(await this.#payloadBytes(index < last ? copyOf(raw) : raw, compression));
      }
      return sizes;
    } finally {
      this.#inFlight -= 1;
      for (const resume of this.#waiting.splice(0)) resume();
    }
  }

  /** As sizesOf, for content with a hash; `kind` keeps contents apart that are hashed in different ways. `raw` is
   *  called for the bytes when the sizes are not known. */
  sizesOfContent(kind: number, hash: Uint8Array, raw: () => RawSegment): Promise<number[]> {
    const known = this.compressions.map((_, index) => this.#map(kind, index).get(hash));
    if (known.every((size) => size >= 0)) return Promise.resolve(known);
    const key = `${kind}:${Buffer.from(hash).toString("latin1")}`;
    const underWay = this.#underWay.get(key);
    if (underWay !== undefined) return underWay;
    const measuring = this.#measure(kind, hash, raw()).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, measuring);
    return measuring;
  }

  async #measure(kind: number, hash: Uint8Array, raw: RawSegment): Promise<number[]> {
    const sizes = await this.sizesOf(raw);
    for (const [index, size] of sizes.entries()) this.#map(kind, index).set(hash, size);
    return sizes;
  }

  #map(kind: number, index: number): FingerprintMap {
    const key = `${kind}:${index}`;
    const map = this.#known.get(key) ?? new FingerprintMap();
    this.#known.set(key, map);
    return map;
  }

  async #payloadBytes({ buffer, rawBytes }: RawSegment, compression: Compression): Promise<number> {
    if (compression.codec === "none") return rawBytes;
    return (await this.#workers.encode(buffer, rawBytes, compression, null)).payload.length;
  }
}

function copyOf({ buffer, rawBytes }: RawSegment): RawSegment {
  return { buffer: buffer.slice(0, rawBytes), rawBytes };
}
