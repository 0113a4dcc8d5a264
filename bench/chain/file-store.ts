// The disk of an emulated PC: a preallocated file, in pages of any size. Pages travel as the product's frames.
import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import type { ChainPage, PageScan, PageStore } from "#agent/chain/page-store.ts";
import { chainTag } from "#lib/chain/page-space.ts";
import { encodePage, pageOf, parseFrame } from "#lib/protocol/frames.ts";
import { CHAIN } from "./wish.ts";

const HASH_BYTES = 32;
const BATCH_PAGES = 64;
const TAG = chainTag(CHAIN.chainId, 0);

export function sha256(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}

export function frameOf(page: number, bytes: Uint8Array): Promise<Buffer> {
  return encodePage(
    { imageTag: TAG, pageIndex: page, lengthBytes: bytes.length, contentHash: sha256(bytes) },
    bytes,
  );
}

export class FileStore implements PageStore {
  readonly pageCount: number;
  readonly firstPages = [0];
  readonly #pageBytes: number;
  readonly #file: FileHandle;
  readonly #hashes: Buffer;

  /** Of a slow disk: bytes a millisecond, and when it has done what it was given. */
  readonly #rate: number | null;
  #freeAt = 0;

  constructor(file: FileHandle, hashes: Buffer, pageBytes: number, rate: number | null) {
    this.#rate = rate;
    this.#file = file;
    this.#hashes = hashes;
    this.#pageBytes = pageBytes;
    this.pageCount = hashes.length / HASH_BYTES;
  }

  get batches(): { first: number; count: number }[] {
    return Array.from({ length: Math.ceil(this.pageCount / BATCH_PAGES) }, (_, index) => ({
      first: index * BATCH_PAGES,
      count: Math.min(BATCH_PAGES, this.pageCount - index * BATCH_PAGES),
    }));
  }

  lengthOf(): number {
    return this.#pageBytes;
  }

  async scan(first: number, count: number): Promise<PageScan> {
    const bytes = Buffer.allocUnsafe(count * this.#pageBytes);
    await this.#file.read(bytes, 0, bytes.length, first * this.#pageBytes);
    const isThere = Array.from({ length: count }, (_, index) =>
      this.#isRight(first + index, bytes.subarray(index * this.#pageBytes, (index + 1) * this.#pageBytes)),
    );
    return { isThere, elsewhere: [] };
  }

  /** Every page of an emulated image is another. */
  async copyOf(): Promise<null> {
    return null;
  }

  async open(frame: Buffer): Promise<{ page: number; content: ChainPage } | null> {
    const parsed = parseFrame(frame);
    const bytes = await pageOf(parsed);
    if (!this.#isRight(parsed.pageIndex, bytes)) return null;
    return { page: parsed.pageIndex, content: { frame, bytes } };
  }

  async write(page: number, { bytes }: ChainPage): Promise<void> {
    if (this.#rate !== null) {
      this.#freeAt = Math.max(performance.now(), this.#freeAt) + bytes.length / this.#rate;
      await delay(this.#freeAt - performance.now());
    }
    await this.#file.write(bytes, 0, bytes.length, page * this.#pageBytes);
  }

  async read(page: number): Promise<ChainPage | null> {
    const bytes = Buffer.allocUnsafe(this.#pageBytes);
    await this.#file.read(bytes, 0, bytes.length, page * this.#pageBytes);
    return this.#isRight(page, bytes) ? { frame: await frameOf(page, bytes), bytes } : null;
  }

  #isRight(page: number, bytes: Uint8Array): boolean {
    return sha256(bytes).equals(this.#hashes.subarray(page * HASH_BYTES, (page + 1) * HASH_BYTES));
  }
}
