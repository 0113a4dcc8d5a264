// Scanning: everything that is computed from the bytes of a batch of pages, in one pass, before any decision.
//
// Pure functions over views of memory that may be shared, run by worker threads or by the caller. For each page:
// is it one repeated byte, does it have the hash it is expected to have, and if neither, what are its blocks?
import { hash } from "node:crypto";
import { fillByteOf, hashOfFill, hashPage, PAGE_BYTES, PAGE_HASH_BYTES } from "#lib/page/page.ts";
import { keyedDigestText } from "../encryption/repository-keys.ts";

/** 2 MiB: a task long enough that handing it to a thread costs nothing, short enough to keep all threads busy. */
export const BATCH_PAGES = 8;

export const PAGE_FILL = 0;
export const PAGE_AS_EXPECTED = 1;
export const PAGE_OTHER = 2;

/** The memory of one batch: pages, and for each page what scanning found. Reused from batch to batch. */
export interface ScanMemory {
  readonly pages: SharedArrayBuffer;
  /** In: expected hashes. Out: statuses, fill bytes, hashes, and of PAGE_OTHER pages block fills and digests. */
  readonly results: SharedArrayBuffer;
}

export interface ScanTask {
  readonly byteCount: number;
  readonly blockSize: number;
  /** Pages from the batch's start that have an expected hash. */
  readonly expectedCount: number;
  /** Block digests are wanted of pages that are not as expected. */
  readonly wantsBlocks: boolean;
  /** Of an encrypted repository. */
  readonly digestKey: Uint8Array | null;
}

export class ScanViews {
  readonly pages: Uint8Array;
  readonly expected: Uint8Array;
  readonly statuses: Uint8Array;
  readonly fillBytes: Uint8Array;
  readonly hashes: Uint8Array;
  /** −1 or the fill byte, per block. */
  readonly blockFills: Int16Array;
  readonly digests: Buffer;
  readonly blocksPerPage: number;

  constructor(memory: ScanMemory, blockSize: number) {
    const hashBytes = BATCH_PAGES * PAGE_HASH_BYTES;
    const blockCount = BATCH_PAGES * (PAGE_BYTES / blockSize);
    this.blocksPerPage = PAGE_BYTES / blockSize;
    this.pages = new Uint8Array(memory.pages);
    this.expected = new Uint8Array(memory.results, 0, hashBytes);
    this.hashes = new Uint8Array(memory.results, hashBytes, hashBytes);
    this.statuses = new Uint8Array(memory.results, 2 * hashBytes, BATCH_PAGES);
    this.fillBytes = new Uint8Array(memory.results, 2 * hashBytes + BATCH_PAGES, BATCH_PAGES);
    const blocksAt = 2 * hashBytes + 2 * BATCH_PAGES;
    this.blockFills = new Int16Array(memory.results, blocksAt, blockCount);
    this.digests = Buffer.from(memory.results, blocksAt + 2 * blockCount, blockCount * PAGE_HASH_BYTES);
  }

  page(index: number, byteCount: number): Uint8Array {
    return this.pages.subarray(index * PAGE_BYTES, Math.min((index + 1) * PAGE_BYTES, byteCount));
  }

  hashOf(index: number): Uint8Array {
    return this.hashes.subarray(index * PAGE_HASH_BYTES, (index + 1) * PAGE_HASH_BYTES);
  }
}

export function allocateScanMemory(blockSize: number): ScanMemory {
  const blockCount = BATCH_PAGES * (PAGE_BYTES / blockSize);
  const perPage = 2 * PAGE_HASH_BYTES + 2;
  return {
    pages: new SharedArrayBuffer(BATCH_PAGES * PAGE_BYTES),
    results: new SharedArrayBuffer(BATCH_PAGES * perPage + blockCount * (2 + PAGE_HASH_BYTES)),
  };
}

/** Gives `byteCount` bytes that begin `at` bytes into the batch; good until the next call. */
export type PageRead = (at: number, byteCount: number) => Uint8Array;

/** Scans the pages that lie in the batch's memory, or those `read` gives: of these only the ones that are neither fill nor as
 *  expected end up there. */
export function scanBatch(views: ScanViews, task: ScanTask, read: PageRead | null = null): void {
  const pageCount = Math.ceil(task.byteCount / PAGE_BYTES);
  for (let index = 0; index < pageCount; index++) {
    const place = views.page(index, task.byteCount);
    if (read === null) scanPage(views, task, index, place);
    else {
      const page = read(index * PAGE_BYTES, place.length);
      scanPage(views, task, index, page);
      if (views.statuses[index] === PAGE_OTHER) place.set(page);
    }
  }
}

function scanPage(views: ScanViews, task: ScanTask, index: number, page: Uint8Array): void {
  const fill = fillByteOf(page);
  if (fill !== null) {
    views.statuses[index] = PAGE_FILL;
    views.fillBytes[index] = fill;
    views.hashes.set(hashOfFill(fill, page.length), index * PAGE_HASH_BYTES);
    return;
  }
  const pageHash = hashPage(page);
  const at = index * PAGE_HASH_BYTES;
  views.hashes.set(pageHash, at);
  const expected =
    index < task.expectedCount &&
    Buffer.compare(pageHash, views.expected.subarray(at, at + PAGE_HASH_BYTES)) === 0;
  views.statuses[index] = expected ? PAGE_AS_EXPECTED : PAGE_OTHER;
  if (!expected && task.wantsBlocks) scanBlocks(views, page, index * views.blocksPerPage, task);
}

function scanBlocks(views: ScanViews, page: Uint8Array, firstBlock: number, task: ScanTask): void {
  const { blockSize, digestKey } = task;
  let block = firstBlock;
  for (let at = 0; at < page.length; at += blockSize, block++) {
    const bytes = page.subarray(at, at + blockSize);
    const fill = fillByteOf(bytes);
    views.blockFills[block] = fill ?? -1;
    if (fill !== null) continue;
    // A string of 32 characters is made faster than a buffer of 32 bytes: a sixth of the whole.
    const sha256 = hash("sha256", bytes, "binary");
    const digest = digestKey === null ? sha256 : keyedDigestText(sha256, digestKey);
    views.digests.write(digest, block * PAGE_HASH_BYTES, "binary");
  }
}
