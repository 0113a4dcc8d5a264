// PackWriter collects encoded segments and seals them into one immutable pack named by its SHA-256.
//
// A pack becomes visible in one step: its bytes grow under tmp/ and the storage renames them when they are
// flushed. A crash leaves a stray file in tmp/ (swept at the next open) and never half a pack.
import { createHash } from "node:crypto";
import { hexOf } from "../format/bytes.ts";
import {
  encodeFooter,
  encodePackHeader,
  encodeSegmentHeader,
  type PackIdentity,
  packFileName,
  type SegmentEntry,
} from "../format/pack-format.ts";
import type { EncodedSegment } from "../format/segment-codec.ts";
import type { FileWriter, Storage } from "../storage/storage.ts";

export interface SealedPack {
  readonly name: string;
  readonly sizeBytes: number;
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
  readonly #hash = createHash("sha256");
  readonly #segments: SegmentEntry[] = [];
  readonly #digests: Uint8Array[] = [];
  sizeBytes = 0;

  private constructor(file: FileWriter, identity: PackIdentity) {
    this.#file = file;
    this.#identity = identity;
  }

  static async create(storage: Storage, identity: PackIdentity): Promise<PackWriter> {
    const writer = new PackWriter(await storage.createFile(), identity);
    await writer.#write(encodePackHeader(identity));
    return writer;
  }

  async append(segment: NumberedSegment, encoded: EncodedSegment): Promise<void> {
    const { firstId, count, rawBytes } = segment;
    const header = { firstId, count, rawBytes, codec: encoded.codec, encodedBytes: encoded.payload.length };
    const offset = this.sizeBytes;
    await this.#write(encodeSegmentHeader(this.#identity.kind, header, encoded.payload));
    await this.#write(encoded.payload);
    this.#segments.push({
      ...header,
      offset,
      payloadHash: encoded.payloadHash,
      isPrivate: segment.isPrivate,
    });
    this.#digests.push(segment.digests);
  }

  async seal(): Promise<SealedPack> {
    const digests = Buffer.concat(this.#digests);
    await this.#write(encodeFooter(this.#segments, digests, this.sizeBytes, this.#identity.repositoryId));
    const name = packFileName(this.#identity.kind, hexOf(this.#hash.digest()));
    await this.#file.seal(name);
    return { name, sizeBytes: this.sizeBytes, segments: this.#segments, digests };
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
