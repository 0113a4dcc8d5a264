// Restoring by comparison: read the target page by page, write only what differs, check what was written.
//
// Interrupted at any point, a restore is simply repeated: it is a comparison. The target's first bytes, which make it
// bootable or mountable, are blanked before anything else is written and written last, so that a half
// restored partition is never taken for a whole one.
import { CodedError } from "#lib/model/errors.ts";
import { differingRuns, PAGE_BYTES, PAGE_HASH_BYTES, pageLength, sameHash } from "#lib/page/page.ts";
import { throwIfAborted } from "../archive/image-archiver.ts";
import type { RepositoryState } from "../repository-state.ts";
import { BATCH_PAGES, PAGE_AS_EXPECTED, PAGE_FILL } from "../threads/scan.ts";
import type { ScanBuffer } from "../threads/workers.ts";
import type { ByteTarget, ImageReader, PageRecord, RestoreReport, WorkOptions } from "../types.ts";

/** Boot sector and first superblock of every file system we know lie in here. */
const BOOT_BYTES = 4096;
/** Written bytes after which flushing begins beside the writing. */
const FLUSH_EVERY_BYTES = 128 * 1024 * 1024;
/** Reads of the target in flight. */
const AT_ONCE = 4;

const ZERO_PAGE = new Uint8Array(PAGE_BYTES);

/** What has to change on the target. */
interface Difference {
  /** Pages to write, but not page 0. */
  readonly pages: number[];
  /** Pages that must become zeros, but not page 0. */
  readonly zeroPages: number[];
  readonly firstPage: boolean;
  readonly differingBytes: number;
}

export class Restore {
  readonly #state: RepositoryState;
  readonly #reader: ImageReader;
  readonly #target: ByteTarget;
  readonly #options: WorkOptions;
  #writtenBytes = 0;
  #flushedBytes = 0;
  /** The flushes begun beside the writing. */
  #flushing: Promise<void> = Promise.resolve();
  /** Pages written to, to be read back. */
  readonly #touched: number[] = [];
  /** Differing pages that were found to be all zeros: they need not be read again to see where they differ. */
  readonly #blankPages: Uint8Array;
  /** Memory for present pages, used again: as many as are written at a time. */
  readonly #freePages: Uint8Array[] = [];
  /** The target was all zeros when this restore began. */
  readonly #isBlank: boolean;

  constructor(state: RepositoryState, reader: ImageReader, target: ByteTarget, options: WorkOptions) {
    this.#state = state;
    this.#reader = reader;
    this.#target = target;
    this.#options = options;
    this.#blankPages = new Uint8Array(reader.pageCount);
    this.#isBlank = target.isBlank === true;
  }

  async run(): Promise<RestoreReport> {
    const { sizeBytes } = this.#reader.image;
    const startedMs = performance.now();
    this.#checkSize(sizeBytes);
    const difference = await this.#compare();
    if (difference.differingBytes > 0) await this.#applyAndSettle(difference);
    // Equal bytes may be those an interrupted restore wrote and never flushed.
    else await this.#flush();
    return {
      readBytes: sizeBytes,
      differingBytes: difference.differingBytes,
      writtenBytes: this.#writtenBytes,
      seconds: (performance.now() - startedMs) / 1000,
    };
  }

  #checkSize(sizeBytes: number): void {
    if (this.#target.sizeBytes >= sizeBytes) return;
    throw new CodedError(
      "target-too-small",
      `The target has ${this.#target.sizeBytes} bytes; ${this.#what} needs ${sizeBytes}.`,
      { hint: "Choose a larger target, or enlarge the partition.", facts: { neededBytes: sizeBytes } },
    );
  }

  // Compare ---------------------------------------------------------------------------------------------------

  async #compare(): Promise<Difference> {
    const found = { pages: [] as number[], zeroPages: [] as number[], firstPage: false, differingBytes: 0 };
    const batches: Promise<PageRecord[]>[] = [];
    const { pageCount } = this.#reader;
    const note = async (batch: Promise<PageRecord[]> | undefined) => {
      for (const record of (await batch) ?? []) noteDifference(found, record);
    };
    for (let first = 0; first < pageCount; first += BATCH_PAGES) {
      throwIfAborted(this.#options.signal);
      if (batches.length >= AT_ONCE) await note(batches.shift());
      const batch = this.#compareBatch(first);
      batch.catch(() => undefined); // Awaited in its turn, which reports it.
      batches.push(batch);
    }
    for (const batch of batches) await note(batch);
    return found;
  }

  async #compareBatch(firstPage: number): Promise<PageRecord[]> {
    const differing = this.#isBlank
      ? this.#differingFromZeros(await this.#reader.pageRecords(firstPage, BATCH_PAGES))
      : await this.#differing(firstPage, BATCH_PAGES);
    this.#report(Math.min(this.#reader.image.sizeBytes, (firstPage + BATCH_PAGES) * PAGE_BYTES));
    return differing;
  }

  #differingFromZeros(records: readonly PageRecord[]): PageRecord[] {
    const differing = records.filter((record) => record.fillByte !== 0);
    for (const record of differing) this.#blankPages[record.index] = 1;
    return differing;
  }

  /** Records of those pages that differ on the target; at most a batch. */
  async #differing(firstPage: number, count: number): Promise<PageRecord[]> {
    const records = await this.#reader.pageRecords(firstPage, count);
    const buffer = await this.#state.buffers.take();
    try {
      const byteCount = records.reduce((sum, record) => sum + record.lengthBytes, 0);
      await this.#target.read(firstPage * PAGE_BYTES, buffer.views.pages.subarray(0, byteCount));
      await this.#scan(buffer, records, byteCount);
      return records.filter((record, slot) => this.#isOther(buffer, slot, record));
    } finally {
      this.#state.buffers.giveBack(buffer);
    }
  }

  #isOther(buffer: ScanBuffer, slot: number, record: PageRecord): boolean {
    const status = buffer.views.statuses[slot];
    if (status !== PAGE_FILL) return status !== PAGE_AS_EXPECTED;
    if (sameHash(buffer.views.hashOf(slot), record.contentHash)) return false;
    if (buffer.views.fillBytes[slot] === 0) this.#blankPages[record.index] = 1;
    return true;
  }

  async #scan(buffer: ScanBuffer, records: readonly PageRecord[], byteCount: number): Promise<void> {
    for (const [slot, record] of records.entries()) {
      buffer.views.expected.set(record.contentHash, slot * PAGE_HASH_BYTES);
    }
    const { blockSize } = this.#state.info;
    const task = { byteCount, blockSize, expectedCount: records.length, wantsBlocks: false };
    await this.#state.workers.scan(buffer, task, null);
  }

  #comparedBytes = 0;
  #report(comparedBytes: number): void {
    this.#comparedBytes = Math.max(this.#comparedBytes, comparedBytes);
    this.#options.onProgress?.({ doneBytes: this.#comparedBytes, totalBytes: this.#reader.image.sizeBytes });
  }

  // Apply -----------------------------------------------------------------------------------------------------

  async #applyAndSettle(difference: Difference): Promise<void> {
    try {
      await this.#apply(difference);
    } finally {
      await this.#flushing.catch(() => undefined); // After a failure the caller closes the target.
    }
  }

  async #apply(difference: Difference): Promise<void> {
    const others = difference.pages.length + difference.zeroPages.length > 0;
    const boot = await this.#readTarget(0);
    if (others) {
      await this.#blankBoot(boot);
      await this.#zeroPages(difference.zeroPages);
      await this.#reader.readPages(difference.pages, (record, bytes) => this.#writePage(record, bytes), {
        signal: this.#options.signal,
      });
      await this.#flush();
    }
    // Also when page 0 had been right: its beginning was blanked above.
    await this.#reader.readPages([0], (_record, bytes) => this.#writeDiffering(0, bytes, boot));
    this.#touched.push(0);
    await this.#flush();
    await this.#readBack();
  }

  /** From here until page 0 is written, nothing starts from or mounts this target. `boot` follows suit. */
  async #blankBoot(boot: Uint8Array): Promise<void> {
    const blank = new Uint8Array(Math.min(BOOT_BYTES, boot.length));
    if (sameHash(boot.subarray(0, blank.length), blank)) return;
    await this.#write(0, blank);
    boot.set(blank);
    await this.#flush();
  }

  async #zeroPages(pages: readonly number[]): Promise<void> {
    for (let index = 0; index < pages.length; ) {
      throwIfAborted(this.#options.signal);
      const first = pages[index] as number;
      let count = 1;
      while (pages[index + count] === first + count) count += 1;
      index += count;
      const at = first * PAGE_BYTES;
      const length = Math.min(count * PAGE_BYTES, this.#reader.image.sizeBytes - at);
      await this.#target.zero(at, length);
      this.#writtenBytes += length;
    }
    for (const page of pages) this.#touched.push(page);
  }

  async #writePage(record: PageRecord, bytes: Uint8Array): Promise<void> {
    if (this.#blankPages[record.index] === 1) {
      await this.#writeDiffering(record.index, bytes, ZERO_PAGE.subarray(0, bytes.length));
    } else {
      const memory = this.#freePages.pop() ?? new Uint8Array(PAGE_BYTES);
      await this.#writeDiffering(record.index, bytes, await this.#readTarget(record.index, memory));
      this.#freePages.push(memory);
    }
    this.#touched.push(record.index);
  }

  async #writeDiffering(pageIndex: number, wanted: Uint8Array, present: Uint8Array): Promise<void> {
    for (const run of differingRuns(wanted, present)) {
      await this.#write(
        pageIndex * PAGE_BYTES + run.offset,
        wanted.subarray(run.offset, run.offset + run.length),
      );
    }
  }

  async #write(at: number, bytes: Uint8Array): Promise<void> {
    await this.#target.write(at, bytes);
    this.#writtenBytes += bytes.length;
    if (this.#writtenBytes - this.#flushedBytes >= FLUSH_EVERY_BYTES) this.#beginFlush();
  }

  /** Keeps the disk busy while pages are assembled. One after the other, and a failure fails all that follow: the system
   *  tells of a failed write only once. */
  #beginFlush(): void {
    this.#flushedBytes = this.#writtenBytes;
    this.#flushing = this.#flushing.then(() => this.#target.flush());
    this.#flushing.catch(() => undefined); // Awaited by #flush, which reports it.
  }

  async #flush(): Promise<void> {
    await this.#flushing;
    await this.#target.flush();
  }

  async #readTarget(pageIndex: number, memory: Uint8Array = new Uint8Array(PAGE_BYTES)): Promise<Uint8Array> {
    const bytes = memory.subarray(0, pageLength(this.#reader.image.sizeBytes, pageIndex));
    await this.#target.read(pageIndex * PAGE_BYTES, bytes);
    return bytes;
  }

  // Check -----------------------------------------------------------------------------------------------------

  /** Reads what was written once more, in stretches, several at a time. */
  async #readBack(): Promise<void> {
    const stretches = stretchesOf(this.#touched.sort((a, b) => a - b));
    let next = 0;
    const readSome = async () => {
      for (let each = stretches[next++]; each !== undefined; each = stretches[next++]) {
        throwIfAborted(this.#options.signal);
        const [wrong] = await this.#differing(each.first, each.count);
        if (wrong !== undefined) throw this.#notAsWritten(wrong.index);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, readSome));
  }

  #notAsWritten(page: number): CodedError {
    return new CodedError(
      "target-write-failed",
      `The target does not hold what was written to it at byte ${page * PAGE_BYTES}.`,
      {
        hint: "Its disk is failing or something else writes to it. Do not use it; restore onto another disk.",
      },
    );
  }

  get #what(): string {
    return `partition ${JSON.stringify(this.#reader.image.partition)} of snapshot ${this.#reader.snapshot.id}`;
  }
}

/** Neighbouring pages as stretches a scan buffer can hold. `pages` are in order, without repetition. */
function stretchesOf(pages: readonly number[]): { readonly first: number; readonly count: number }[] {
  const stretches: { first: number; count: number }[] = [];
  for (const page of pages) {
    const last = stretches.at(-1);
    if (last !== undefined && last.first + last.count === page && last.count < BATCH_PAGES) last.count += 1;
    else stretches.push({ first: page, count: 1 });
  }
  return stretches;
}

function noteDifference(
  found: { pages: number[]; zeroPages: number[]; firstPage: boolean; differingBytes: number },
  record: PageRecord,
): void {
  found.differingBytes += record.lengthBytes;
  if (record.index === 0) found.firstPage = true;
  else if (record.fillByte === 0) found.zeroPages.push(record.index);
  else found.pages.push(record.index);
}
