// PackWriter collects encoded segments and seals them into one immutable pack named by its SHA-256.
//
// A pack becomes visible in one step: its bytes grow under tmp/ and the storage renames them when they are
// flushed. A crash leaves a stray file in tmp/ (swept at the next open) and never half a pack.
import { createHash } from "node:crypto";
import { assert } from "#lib/model/assert.ts";
import { hexOf } from "../format/bytes.ts";
import {
  encodeFooter,
  encodePackHeader,
  encodeSegmentHeader,
  type PackIdentity,
  type PackTraits,
  PLAIN_TRAITS,
  packFileName,
  REWRITTEN_PACK_VERSION,
  type SegmentEntry,
} from "../format/pack-format.ts";
import type { EncodedSegment } from "../format/segment-codec.ts";
import type { FileWriter, Storage } from "../storage/storage.ts";

/** Packs are 64 MiB: large enough that one seek per pack is noise when restoring over 1 Gbit/s, small enough that a
 *  pack can be rewritten without a second copy of the repository. */
export const PACK_BYTES_TARGET = 64 * 1024 * 1024;
/** Blocks that compress to nearly nothing fill no pack by their bytes, and whoever looks one of them up reads the digests of all in its
 *  pack: 8 MiB of these. */
const PACK_BLOCKS_MAX = 2 ** 18;

export function isPackFull(sizeBytes: number, blockCount: number): boolean {
  return sizeBytes >= PACK_BYTES_TARGET || blockCount >= PACK_BLOCKS_MAX;
}

export interface SealedPack {
  readonly name: string;
  readonly sizeBytes: number;
  readonly traits: PackTraits;
  readonly segments: readonly SegmentEntry[];
  readonly digests: Uint8Array;
}

/** A segment ready to be written. */
export interface NumberedSegment {
  readonly firstId: number;
  readonly count: number;
  readonly rawBytes: number;
  readonly digests: Uint8Array;
  readonly isPrivate: boolean;
}

export class PackWriter {
  readonly #file: FileWriter;
  readonly #identity: PackIdentity;
  /** Null for a pack as archives write it. */
  readonly #traits: PackTraits | null;
  readonly #hash = createHash("sha256");
  readonly #segments: SegmentEntry[] = [];
  readonly #digests: Uint8Array[] = [];
  #blockCount = 0;
  sizeBytes = 0;

  private constructor(file: FileWriter, identity: PackIdentity, traits: PackTraits | null) {
    this.#file = file;
    this.#identity = identity;
    this.#traits = traits;
  }

  static async create(
    storage: Storage,
    identity: PackIdentity,
    traits: PackTraits | null = null,
  ): Promise<PackWriter> {
    const writer = new PackWriter(await storage.createFile(), identity, traits);
    try {
      await writer.#write(encodePackHeader(identity, traits === null ? undefined : REWRITTEN_PACK_VERSION));
    } catch (error) {
      await writer.discard(); // Nobody else knows of the file yet.
      throw error;
    }
    return writer;
  }

  get isFull(): boolean {
    return isPackFull(this.sizeBytes, this.#blockCount);
  }

  async append(segment: NumberedSegment, encoded: EncodedSegment): Promise<void> {
    await this.appendFrame([segment], encoded);
  }

  /** Several ranges of ids in one frame; only a rewritten pack may have such. */
  async appendFrame(ranges: readonly NumberedSegment[], encoded: EncodedSegment): Promise<void> {
    const { codec, payload, payloadHash } = encoded;
    const offset = this.sizeBytes;
    const header = {
      firstId: ranges[0]?.firstId ?? 0,
      count: ranges.reduce((sum, range) => sum + range.count, 0),
      rawBytes: ranges.reduce((sum, range) => sum + range.rawBytes, 0),
      codec,
      encodedBytes: payload.length,
    };
    const isShared = ranges.length > 1;
    assert(this.#traits !== null || !isShared, "a pack as archives write it has no shared frames");
    await this.#write(encodeSegmentHeader(this.#identity, header, payload));
    await this.#write(payload);
    this.#blockCount += header.count;
    let rawStart = 0;
    for (const { firstId, count, rawBytes, isPrivate, digests } of ranges) {
      const place = { offset, codec, encodedBytes: payload.length, payloadHash, isShared, rawStart };
      this.#segments.push({ ...place, firstId, count, rawBytes, isPrivate });
      this.#digests.push(digests);
      rawStart += rawBytes;
    }
  }

  async seal(): Promise<SealedPack> {
    const digests = Buffer.concat(this.#digests);
    const { repositoryId } = this.#identity;
    await this.#write(encodeFooter(this.#segments, digests, this.sizeBytes, repositoryId, this.#traits));
    const name = packFileName(this.#identity.kind, hexOf(this.#hash.digest()));
    await this.#file.seal(name);
    const traits = this.#traits ?? PLAIN_TRAITS;
    return { name, sizeBytes: this.sizeBytes, traits, segments: this.#segments, digests };
  }

  async discard(): Promise<void> {
    await this.#file.discard();
  }

  async #write(bytes: Uint8Array): Promise<void> {
    this.#hash.update(bytes);
    await this.#file.append(bytes);
    this.sizeBytes += bytes.length;
  }
}
