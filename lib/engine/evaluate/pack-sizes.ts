// PackSizes adds up what segments become on disk: headers, payloads, directories, digests, and as many packs as a
// writer would make. The layout is that of format/pack-format.ts, without the bytes.
import {
  DIGEST_BYTES,
  DIRECTORY_ENTRY_BYTES,
  FOOTER_HEAD_BYTES,
  HEADER_BYTES,
  SEGMENT_HEADER_BYTES,
  TRAILER_BYTES,
} from "../format/pack-format.ts";
import { isPackFull } from "../store/pack-writer.ts";

export class PackSizes {
  /** What sealing adds to each payload. */
  readonly #sealBytes: number;
  payloadBytes = 0;
  overheadBytes = 0;
  packCount = 0;
  /** Of the open pack, without its footer. */
  #openBytes = 0;
  #openBlockCount = 0;

  constructor(sealBytes: number) {
    this.#sealBytes = sealBytes;
  }

  add(encodedBytes: number, blockCount: number): void {
    const payloadBytes = encodedBytes + this.#sealBytes;
    if (this.#openBytes === 0) this.#begin();
    this.#openBytes += SEGMENT_HEADER_BYTES + payloadBytes;
    this.#openBlockCount += blockCount;
    this.payloadBytes += payloadBytes;
    this.overheadBytes += SEGMENT_HEADER_BYTES + DIRECTORY_ENTRY_BYTES + blockCount * DIGEST_BYTES;
    if (isPackFull(this.#openBytes, this.#openBlockCount)) this.seal();
  }

  #begin(): void {
    this.#openBytes = HEADER_BYTES;
    this.overheadBytes += HEADER_BYTES + FOOTER_HEAD_BYTES + TRAILER_BYTES;
    this.packCount += 1;
  }

  seal(): void {
    this.#openBytes = 0;
    this.#openBlockCount = 0;
  }

  get bytes(): number {
    return this.payloadBytes + this.overheadBytes;
  }
}
