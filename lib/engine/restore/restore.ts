// Restoring by comparison: read the target page by page, write only what differs, check what was written.
//
// Interrupted at any point, a restore is simply repeated: it is a comparison. The target's first bytes, which make it
// bootable or mountable, are blanked before anything else is written and written last, so that a half
// restored partition is never taken for a whole one. What is written, and how, is target-pages.ts.
import { CodedError } from "#lib/model/errors.ts";
import { type ByteRun, differingRuns, PAGE_BYTES, pageLength, sameHash } from "#lib/page/page.ts";
import { throwIfAborted } from "../archive/image-archiver.ts";
import type { RepositoryState } from "../repository-state.ts";
import { targetNotKept } from "../target-errors.ts";
import { BATCH_PAGES } from "../threads/scan.ts";
import type { ByteTarget, PageRecord, RestoreReport, WorkOptions } from "../types.ts";
import { inLanes } from "./in-lanes.ts";
import type { PageReader } from "./page-reader.ts";
import { TargetPages } from "./target-pages.ts";

/** Boot sector and first superblock of every file system we know lie in here. */
const BOOT_BYTES = 4096;
/** Neighbouring zero pages from which on they are zeroed as a whole, which leaves a hole; fewer are compared like others. */
const ZEROED_PAGES_MIN = 4;
/** Holes made at a time, beside the writing of pages: making one takes a process. */
const HOLES_AT_ONCE = 2;
/** Reads of the target in flight, for each thread. */
const READS_PER_THREAD = 3;

interface Stretch {
  readonly first: number;
  readonly count: number;
}

/** What has to change on the target. Page 0 is in neither list. */
interface Difference {
  /** Pages to write. */
  readonly pages: readonly number[];
  /** Pages that must become zeros, many together. */
  readonly zeros: readonly Stretch[];
  /** Length of page 0 when it differs, else 0. */
  readonly firstPageBytes: number;
}

export class Restore {
  readonly #reader: PageReader;
  readonly #target: ByteTarget;
  readonly #options: WorkOptions;
  readonly #readsAtOnce: number;
  readonly #pages: TargetPages;
  /** Bytes of the target known to be right. */
  #doneBytes = 0;

  constructor(state: RepositoryState, reader: PageReader, target: ByteTarget, options: WorkOptions) {
    this.#reader = reader;
    this.#target = target;
    this.#options = options;
    this.#readsAtOnce = Math.max(4, READS_PER_THREAD * state.workers.threadCount);
    this.#pages = new TargetPages(state, reader, target, (pageBytes) => this.#report(pageBytes));
  }

  async run(): Promise<RestoreReport> {
    const { sizeBytes } = this.#reader.image;
    const startedMs = performance.now();
    this.#checkSize(sizeBytes);
    const differing = await this.#compare();
    // Equal bytes may be those an interrupted restore wrote and never flushed: flushed in any case.
    if (differing.length > 0) await this.#applyAndSettle(planOf(differing));
    else await this.#pages.flush();
    return {
      readBytes: sizeBytes,
      differingBytes: differing.reduce((sum, record) => sum + record.lengthBytes, 0),
      writtenBytes: this.#pages.writtenBytes,
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

  /** Records of all pages that differ, in order. */
  async #compare(): Promise<PageRecord[]> {
    const differing: PageRecord[] = [];
    await inLanes(batchesOf(this.#reader.pageCount), this.#readsAtOnce, async ({ first, count }) => {
      throwIfAborted(this.#options.signal);
      const others = await this.#pages.differing(first, count);
      differing.push(...others);
      const otherBytes = others.reduce((sum, record) => sum + record.lengthBytes, 0);
      const end = Math.min((first + count) * PAGE_BYTES, this.#reader.image.sizeBytes);
      this.#report(end - first * PAGE_BYTES - otherBytes);
    });
    return differing.sort((a, b) => a.index - b.index);
  }

  #report(pageBytes: number): void {
    this.#doneBytes += pageBytes;
    this.#options.onProgress?.({ doneBytes: this.#doneBytes, totalBytes: this.#reader.image.sizeBytes });
  }

  async #applyAndSettle(difference: Difference): Promise<void> {
    try {
      await this.#apply(difference);
    } finally {
      await this.#pages.settle(); // After a failure the caller closes the target.
    }
  }

  async #apply(difference: Difference): Promise<void> {
    const boot = await this.#readFirstPage();
    const wanted = await this.#firstPage();
    const { start, rest } = atBoot(differingRuns(wanted, boot));
    const others = difference.pages.length + difference.zeros.length + rest.length > 0;
    if (others) {
      const blanked = await this.#blankBoot(boot);
      await this.#writeOthers(difference);
      await this.#writeRuns(wanted, rest);
      await this.#pages.flush();
      await this.#writeRuns(wanted, blanked ? [bootOf(wanted)] : start);
    } else await this.#writeRuns(wanted, start);
    await this.#pages.flush();
    this.#pages.touch(0);
    await this.#readBack();
    this.#report(difference.firstPageBytes);
  }

  /** From here until page 0 is written, nothing starts from or mounts this target. */
  async #blankBoot(boot: Uint8Array): Promise<boolean> {
    const blank = new Uint8Array(Math.min(BOOT_BYTES, boot.length));
    if (sameHash(boot.subarray(0, blank.length), blank)) return false;
    await this.#pages.write(0, blank);
    await this.#pages.flush();
    return true;
  }

  /** Holes beside pages: they never overlap. Both have ended when either failed. */
  async #writeOthers({ pages, zeros }: Difference): Promise<void> {
    const { signal } = this.#options;
    const results = await Promise.allSettled([
      inLanes(zeros, HOLES_AT_ONCE, async ({ first, count }) => {
        throwIfAborted(signal);
        await this.#pages.zero(first, count);
      }),
      this.#pages.writeAll(pages, signal),
    ]);
    const rejected = results.find((result) => result.status === "rejected");
    if (rejected !== undefined) throw rejected.reason;
  }

  async #writeRuns(page: Uint8Array, runs: readonly ByteRun[]): Promise<void> {
    for (const { offset, length } of runs) {
      await this.#pages.write(offset, page.subarray(offset, offset + length));
    }
  }

  async #readFirstPage(): Promise<Uint8Array> {
    const bytes = new Uint8Array(pageLength(this.#reader.image.sizeBytes, 0));
    await this.#target.read(0, bytes);
    return bytes;
  }

  async #firstPage(): Promise<Uint8Array> {
    let page = new Uint8Array();
    await this.#reader.readPages([0], async (_record, bytes) => {
      page = bytes.slice();
    });
    return page;
  }

  /** Reads what the caller's thread wrote once more, several stretches at a time. */
  async #readBack(): Promise<void> {
    await inLanes(stretchesOf(this.#pages.touched(), BATCH_PAGES), this.#readsAtOnce, async (each) => {
      throwIfAborted(this.#options.signal);
      const [wrong] = await this.#pages.differing(each.first, each.count);
      if (wrong !== undefined) throw targetNotKept(wrong.index * PAGE_BYTES);
    });
  }

  get #what(): string {
    return `partition ${JSON.stringify(this.#reader.image.partition)} of snapshot ${this.#reader.snapshot.id}`;
  }
}

function* batchesOf(pageCount: number): Generator<Stretch> {
  for (let first = 0; first < pageCount; first += BATCH_PAGES) {
    yield { first, count: Math.min(BATCH_PAGES, pageCount - first) };
  }
}

/** Decides what becomes of each differing page: page 0 goes last, long stretches of zeros become holes. */
function planOf(differing: readonly PageRecord[]): Difference {
  const others = differing.filter((record) => record.index !== 0);
  const zeroPages = others.filter((record) => record.fillByte === 0).map((record) => record.index);
  const zeros = stretchesOf(zeroPages).filter((stretch) => stretch.count >= ZEROED_PAGES_MIN);
  const zeroed = new Set(
    zeros.flatMap(({ first, count }) => Array.from({ length: count }, (_, at) => first + at)),
  );
  const pages = others.map((record) => record.index).filter((page) => !zeroed.has(page));
  const first = differing[0];
  return { pages, zeros, firstPageBytes: first?.index === 0 ? first.lengthBytes : 0 };
}

/** The runs of page 0 in its first 4 KiB, and those behind. */
function atBoot(runs: readonly ByteRun[]): { readonly start: ByteRun[]; readonly rest: ByteRun[] } {
  const start: ByteRun[] = [];
  const rest: ByteRun[] = [];
  for (const { offset, length } of runs) {
    const end = offset + length;
    if (offset < BOOT_BYTES) start.push({ offset, length: Math.min(end, BOOT_BYTES) - offset });
    const from = Math.max(offset, BOOT_BYTES);
    if (end > from) rest.push({ offset: from, length: end - from });
  }
  return { start, rest };
}

function bootOf(page: Uint8Array): ByteRun {
  return { offset: 0, length: Math.min(BOOT_BYTES, page.length) };
}

/** Neighbouring pages as stretches of at most `countMax`. `pages` are in order, without repetition. */
function stretchesOf(pages: readonly number[], countMax = Number.POSITIVE_INFINITY): Stretch[] {
  const stretches: { first: number; count: number }[] = [];
  for (const page of pages) {
    const last = stretches.at(-1);
    if (last !== undefined && last.first + last.count === page && last.count < countMax) last.count += 1;
    else stretches.push({ first: page, count: 1 });
  }
  return stretches;
}
