// The target of a restore, page by page: comparing pages with their content hashes, writing those that differ, flushing
// beside the writing. Where the target can be lent to threads, they read, compare, write and check it by themselves and no
// page comes to the caller's thread; other targets are read and written from here.
import { CodedError } from "#lib/model/errors.ts";
import { differingRuns, PAGE_BYTES, PAGE_HASH_BYTES, sameHash } from "#lib/page/page.ts";
import type { RepositoryState } from "../repository-state.ts";
import { targetUnreadable } from "../target-errors.ts";
import { PAGE_AS_EXPECTED, PAGE_FILL } from "../threads/scan.ts";
import type { ScanBuffer } from "../threads/workers.ts";
import type { ThreadTarget } from "../threads/write-pages.ts";
import type { ByteTarget, PageRecord } from "../types.ts";
import type { PageReader } from "./page-reader.ts";

/** Written bytes after which flushing begins beside the writing. */
const FLUSH_EVERY_BYTES = 128 * 1024 * 1024;

const ZERO_PAGE = new Uint8Array(PAGE_BYTES);

export class TargetPages {
  readonly #state: RepositoryState;
  readonly #reader: PageReader;
  readonly #target: ByteTarget;
  /** Null where only the caller's thread may use the target. */
  readonly #lent: ThreadTarget | null;
  /** So many more bytes are as they should be. */
  readonly #onDone: (pageBytes: number) => void;
  #writtenBytes = 0;
  #flushedBytes = 0;
  /** The flushes begun beside the writing. */
  #flushing: Promise<void> = Promise.resolve();
  /** Pages written from here, to be read back. */
  readonly #touched = new Set<number>();
  /** Differing pages that were found to be all zeros: they need not be read again to see where they differ. */
  readonly #blankPages: Uint8Array;
  /** Memory for present pages, used again: as many as are written at a time. */
  readonly #freePages: Uint8Array[] = [];
  /** The target is all zeros: nothing was written yet. */
  #isBlank: boolean;

  constructor(
    state: RepositoryState,
    reader: PageReader,
    target: ByteTarget,
    onDone: (pageBytes: number) => void,
  ) {
    this.#state = state;
    this.#reader = reader;
    this.#target = target;
    this.#isBlank = target.isBlank === true;
    this.#lent = state.workers.threadCount > 0 ? (target.forThreads?.() ?? null) : null;
    this.#onDone = onDone;
    this.#blankPages = new Uint8Array(reader.pageCount);
  }

  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  /** Pages to be read back, in order: those written here. Threads have read back what they wrote. */
  touched(): number[] {
    return [...this.#touched].sort((a, b) => a - b);
  }

  touch(pageIndex: number): void {
    this.#touched.add(pageIndex);
  }

  /** Records of those pages that differ on the target; at most a batch. */
  async differing(firstPage: number, count: number): Promise<PageRecord[]> {
    const records = await this.#reader.pageRecords(firstPage, count);
    if (this.#isBlank) return this.#differingFromZeros(records);
    const buffer = await this.#state.buffers.take();
    try {
      await this.#scan(buffer, firstPage * PAGE_BYTES, records);
      return records.filter((record, slot) => this.#isOther(buffer, slot, record));
    } finally {
      this.#state.buffers.giveBack(buffer);
    }
  }

  #differingFromZeros(records: readonly PageRecord[]): PageRecord[] {
    const differing = records.filter((record) => record.fillByte !== 0);
    for (const record of differing) this.#blankPages[record.index] = 1;
    return differing;
  }

  async #scan(buffer: ScanBuffer, offsetBytes: number, records: readonly PageRecord[]): Promise<void> {
    for (const [slot, record] of records.entries()) {
      buffer.views.expected.set(record.contentHash, slot * PAGE_HASH_BYTES);
    }
    const byteCount = records.reduce((sum, record) => sum + record.lengthBytes, 0);
    const { blockSize } = this.#state.info;
    const task = { byteCount, blockSize, expectedCount: records.length, wantsBlocks: false, digestKey: null };
    const lent = this.#lent;
    if (lent === null) {
      await this.#target.read(offsetBytes, buffer.views.pages.subarray(0, byteCount));
      await this.#state.workers.scan(buffer, task, null);
      return;
    }
    try {
      await this.#state.workers.scan(buffer, task, { ...lent, offsetBytes });
    } catch (error) {
      throw isOfSource(error) ? targetUnreadable(lent.path, offsetBytes, error) : error;
    }
  }

  #isOther(buffer: ScanBuffer, slot: number, record: PageRecord): boolean {
    const status = buffer.views.statuses[slot];
    if (status !== PAGE_FILL) return status !== PAGE_AS_EXPECTED;
    if (sameHash(buffer.views.hashOf(slot), record.contentHash)) return false;
    if (buffer.views.fillBytes[slot] === 0) this.#blankPages[record.index] = 1;
    return true;
  }

  /** Writes what differs of these pages, in the image's order. */
  async writeAll(pages: readonly number[], signal: AbortSignal | undefined): Promise<void> {
    this.#isBlank = false;
    if (this.#lent === null) {
      await this.#reader.readPages(pages, (record, bytes) => this.#writePage(record, bytes), { signal });
      return;
    }
    const sink = {
      target: this.#lent,
      isBlank: (page: number) => this.#blankPages[page] === 1,
      onWritten: (pageBytes: number, writtenBytes: number) => {
        this.#noteWritten(writtenBytes);
        this.#onDone(pageBytes);
      },
    };
    await this.#reader.writePages(pages, sink, { signal });
  }

  async #writePage(record: PageRecord, bytes: Uint8Array): Promise<void> {
    if (this.#blankPages[record.index] === 1) {
      await this.#writeDiffering(record.index, bytes, ZERO_PAGE.subarray(0, bytes.length));
    } else {
      const memory = this.#freePages.pop() ?? new Uint8Array(PAGE_BYTES);
      const present = memory.subarray(0, bytes.length);
      await this.#target.read(record.index * PAGE_BYTES, present);
      await this.#writeDiffering(record.index, bytes, present);
      this.#freePages.push(memory);
    }
    this.touch(record.index);
    this.#onDone(bytes.length);
  }

  async #writeDiffering(pageIndex: number, wanted: Uint8Array, present: Uint8Array): Promise<void> {
    for (const { offset, length } of differingRuns(wanted, present)) {
      await this.write(pageIndex * PAGE_BYTES + offset, wanted.subarray(offset, offset + length));
    }
  }

  async zero(firstPage: number, count: number): Promise<void> {
    this.#isBlank = false;
    const at = firstPage * PAGE_BYTES;
    const length = Math.min(count * PAGE_BYTES, this.#reader.image.sizeBytes - at);
    await this.#target.zero(at, length);
    for (let page = firstPage; page < firstPage + count; page++) this.touch(page);
    this.#noteWritten(length);
    this.#onDone(length);
  }

  async write(offsetBytes: number, bytes: Uint8Array): Promise<void> {
    this.#isBlank = false;
    await this.#target.write(offsetBytes, bytes);
    this.#noteWritten(bytes.length);
  }

  #noteWritten(bytes: number): void {
    this.#writtenBytes += bytes;
    if (this.#writtenBytes - this.#flushedBytes >= FLUSH_EVERY_BYTES) this.#beginFlush();
  }

  /** Keeps the disk busy while pages are assembled. One after the other, and a failure fails all that follow: the system
   *  tells of a failed write only once. */
  #beginFlush(): void {
    this.#flushedBytes = this.#writtenBytes;
    this.#flushing = this.#flushing.then(() => this.#target.flush());
    this.#flushing.catch(() => undefined); // Awaited by flush, which reports it.
  }

  async flush(): Promise<void> {
    await this.#flushing;
    await this.#target.flush();
  }

  /** Waits until nothing is under way, whatever became of it. */
  async settle(): Promise<void> {
    await this.#flushing.catch(() => undefined);
  }
}

/** Threads read sources, and a target that is compared is read like one. */
function isOfSource(error: unknown): boolean {
  return (
    error instanceof CodedError &&
    (error.code === "source-read-failed" || error.code === "source-changed-size")
  );
}
