// ChunkReader gives an image in order, 4 MiB at a time, beside the image before it and the base. Only pages that
// somebody may need are read: a group that is equal in the image before (and the base) costs its hashes.
import { hash } from "node:crypto";
import { hashOfFill, PAGE_BYTES, sameHash } from "#lib/page/page.ts";
import type { ImageReader, PageRecord } from "../types.ts";
import type { LanePage } from "./lane.ts";

/** As large as the largest block. */
const CHUNK_PAGES = 16;
export const CHUNK_BYTES = CHUNK_PAGES * PAGE_BYTES;

export interface ComparedImages {
  readonly image: ImageReader;
  readonly previous: ImageReader | null;
  /** Null when no diff is evaluated, or there is none. */
  readonly base: ImageReader | null;
}

export class Chunk {
  readonly records: readonly PageRecord[];
  readonly #first: number;
  readonly #bytes: Uint8Array;
  readonly #baseBytes: Uint8Array;
  readonly #isRead: readonly boolean[];
  readonly #baseEnd: number;

  constructor(
    first: number,
    records: readonly PageRecord[],
    memory: { readonly bytes: Uint8Array; readonly baseBytes: Uint8Array; readonly baseEnd: number },
    isRead: readonly boolean[],
  ) {
    this.#first = first;
    this.records = records;
    this.#bytes = memory.bytes;
    this.#baseBytes = memory.baseBytes;
    this.#baseEnd = memory.baseEnd;
    this.#isRead = isRead;
  }

  get lengthBytes(): number {
    return lengthOf(this.records);
  }

  /** The chunk as pages of `pageBytes`, 256 KiB or a multiple. */
  *pages(pageBytes: number): Generator<LanePage> {
    const perPage = pageBytes / PAGE_BYTES;
    for (let at = 0; at < this.records.length; at += perPage) {
      const records = this.records.slice(at, at + perPage);
      const start = at * PAGE_BYTES;
      const lengthBytes = lengthOf(records);
      const fillByte = commonFill(records);
      const isRead = this.#isRead[at] === true;
      yield {
        index: (this.#first + at) / perPage,
        lengthBytes,
        fillByte,
        hash: fillByte === null ? hashOf(records) : hashOfFill(fillByte, lengthBytes),
        bytes: isRead ? this.#bytes.subarray(start, start + lengthBytes) : null,
        baseBytes: isRead
          ? this.#baseBytes.subarray(start, Math.max(start, Math.min(start + pageBytes, this.#baseEnd)))
          : null,
      };
    }
  }
}

export class ChunkReader {
  readonly #images: ComparedImages;
  /** Pages are read in groups of as many as the largest page of a lane has. */
  readonly #groupPages: number;
  readonly #bytes = new Uint8Array(CHUNK_BYTES);
  readonly #baseBytes = new Uint8Array(CHUNK_BYTES);

  constructor(images: ComparedImages, groupBytes: number) {
    this.#images = images;
    this.#groupPages = groupBytes / PAGE_BYTES;
  }

  /** Each chunk is valid until the next is asked for. */
  async *chunks(): AsyncGenerator<Chunk> {
    const { image, base } = this.#images;
    for (let first = 0; first < image.pageCount; first += CHUNK_PAGES) {
      const records = await image.pageRecords(first, CHUNK_PAGES);
      const isRead = await this.#neededPages(first, records);
      await read(image, first, records, isRead, this.#bytes);
      const baseRecords = await recordsOf(base, first);
      await read(base, first, baseRecords, isRead, this.#baseBytes);
      const memory = { bytes: this.#bytes, baseBytes: this.#baseBytes, baseEnd: lengthOf(baseRecords) };
      yield new Chunk(first, records, memory, isRead);
    }
  }

  async #neededPages(first: number, records: readonly PageRecord[]): Promise<boolean[]> {
    const { previous, base } = this.#images;
    const others = [await recordsOf(previous, first)];
    if (base !== null && base !== previous) others.push(await recordsOf(base, first));
    const needed: boolean[] = [];
    for (let at = 0; at < CHUNK_PAGES; at += this.#groupPages) {
      const group = records.slice(at, at + this.#groupPages);
      const isNeeded =
        commonFill(group) === null &&
        others.some((other) => !areSame(group, other.slice(at, at + this.#groupPages)));
      for (let page = 0; page < this.#groupPages; page++) needed.push(isNeeded);
    }
    return needed;
  }
}

async function recordsOf(image: ImageReader | null, first: number): Promise<PageRecord[]> {
  return image === null || first >= image.pageCount ? [] : image.pageRecords(first, CHUNK_PAGES);
}

async function read(
  image: ImageReader | null,
  first: number,
  records: readonly PageRecord[],
  wanted: readonly boolean[],
  into: Uint8Array,
): Promise<void> {
  const needed = records.filter((record) => wanted[record.index - first] === true);
  await image?.readPages(
    needed.map((record) => record.index),
    async (record, bytes) => into.set(bytes, (record.index - first) * PAGE_BYTES),
  );
}

function areSame(a: readonly PageRecord[], b: readonly PageRecord[]): boolean {
  return (
    a.length === b.length &&
    a.every((record, index) => sameHash(record.contentHash, (b[index] as PageRecord).contentHash))
  );
}

function lengthOf(records: readonly PageRecord[]): number {
  return records.reduce((sum, record) => sum + record.lengthBytes, 0);
}

function commonFill(records: readonly PageRecord[]): number | null {
  const fill = records[0]?.fillByte ?? null;
  return records.every((record) => record.fillByte === fill) ? fill : null;
}

/** Of one page its content hash; of several a hash over theirs. */
function hashOf(records: readonly PageRecord[]): Uint8Array {
  const [only] = records;
  if (only !== undefined && records.length === 1) return only.contentHash;
  return hash("sha256", Buffer.concat(records.map((record) => record.contentHash)), "buffer");
}
