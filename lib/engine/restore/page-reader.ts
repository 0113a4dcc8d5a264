// PageReader gives pages of one image, each verified against its content hash before anyone sees it.
//
// Pages are assembled in windows: all segments a window needs are read in the order they lie in packs, at most 16
// at a time, each decoded once, and its blocks copied to every page that wants them.
import { CodedError } from "#lib/model/errors.ts";
import { LEAF_PAGES } from "#lib/page/content-root.ts";
import { hashPage, PAGE_BYTES, pageLength, sameHash } from "#lib/page/page.ts";
import { throwIfAborted } from "../archive/image-archiver.ts";
import type { PageEntry } from "../format/node-format.ts";
import type { StoredSnapshot } from "../format/snapshot-format.ts";
import type { RepositoryState } from "../repository-state.ts";
import type { SegmentPlace } from "../store/segment-table.ts";
import type { ImageReader, ImageRecord, PageRecord, SnapshotRecord, WorkOptions } from "../types.ts";
import { hashOfEntry, type ImageTree } from "./image-tree.ts";
import { unreadableImage } from "./node-cache.ts";

/** 64 MiB of pages under assembly: wide enough to use most of each segment at once. */
const WINDOW_PAGES = 256;
const READS_MAX = 16;
const LEAVES_KEPT = 64;

/** A page under assembly. */
interface GrowingPage {
  readonly record: PageRecord;
  readonly bytes: Uint8Array;
  missingCopies: number;
}

/** `count` blocks from block `from` of a segment to byte `at` of a page. */
interface Copy {
  readonly page: GrowingPage;
  readonly at: number;
  readonly from: number;
  readonly count: number;
}

interface SegmentNeed {
  readonly place: SegmentPlace;
  readonly copies: Copy[];
}

type OnPage = (record: PageRecord, bytes: Uint8Array) => Promise<void>;

export class PageReader implements ImageReader {
  readonly snapshot: SnapshotRecord;
  readonly image: ImageRecord;
  readonly pageCount: number;
  readonly #state: RepositoryState;
  readonly #stored: StoredSnapshot;
  readonly #release: () => void;
  readonly #tree: ImageTree;
  readonly #leaves = new Map<number, Promise<PageEntry[]>>();
  readonly #freeBuffers: Uint8Array[] = [];

  constructor(state: RepositoryState, stored: StoredSnapshot, image: ImageRecord, tree: ImageTree) {
    this.#state = state;
    this.snapshot = stored.record;
    this.#stored = stored;
    this.#release = state.holds.take(stored);
    this.image = image;
    this.#tree = tree;
    this.pageCount = tree.pageCount;
  }

  async pageRecords(firstPage: number, count: number): Promise<PageRecord[]> {
    this.#state.checkOpen();
    const records: PageRecord[] = [];
    const end = Math.min(this.pageCount, firstPage + count);
    for (let index = Math.max(0, firstPage); index < end; index++) {
      records.push(this.#recordOf(index, await this.#entry(index)));
    }
    return records;
  }

  close(): void {
    this.#release();
  }

  async readPages(pageIndices: readonly number[], onPage: OnPage, options: WorkOptions = {}): Promise<void> {
    // Closing in mid-read must not let go of what is being read.
    const release = this.#state.holds.take(this.#stored);
    try {
      await this.#readPages(pageIndices, onPage, options);
    } finally {
      release();
    }
  }

  async #readPages(pageIndices: readonly number[], onPage: OnPage, options: WorkOptions): Promise<void> {
    const ordered = await this.#inPackOrder(pageIndices);
    const totalBytes = ordered.reduce((sum, index) => sum + pageLength(this.image.sizeBytes, index), 0);
    let doneBytes = 0;
    const counted: OnPage = async (record, bytes) => {
      await onPage(record, bytes);
      doneBytes += record.lengthBytes;
      options.onProgress?.({ doneBytes, totalBytes });
    };
    for (let first = 0; first < ordered.length; first += WINDOW_PAGES) {
      throwIfAborted(options.signal);
      this.#state.checkOpen();
      await this.#readWindow(ordered.slice(first, first + WINDOW_PAGES), counted, options.signal);
    }
  }

  /** Each page once, those whose first blocks are neighbours in the packs together. */
  async #inPackOrder(pageIndices: readonly number[]): Promise<number[]> {
    const indices = Float64Array.from(new Set(pageIndices)).sort();
    const last = indices.at(-1);
    if (last !== undefined && !((indices[0] ?? -1) >= 0 && last < this.pageCount)) {
      throw new CodedError("input-invalid", `${this.#what} has pages 0 to ${this.pageCount - 1}.`);
    }
    if (indices.length <= WINDOW_PAGES) return [...indices];
    const firstIds = new Float64Array(this.pageCount);
    for (const index of indices) firstIds[index] = firstIdOf(await this.#entry(index));
    return [...indices].sort((a, b) => (firstIds[a] as number) - (firstIds[b] as number) || a - b);
  }

  async #readWindow(
    indices: readonly number[],
    onPage: OnPage,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    // By first id, not by row: an archive beside us may add rows between two of ours.
    const needs = new Map<number, SegmentNeed>();
    const complete: GrowingPage[] = [];
    for (const index of indices) {
      const page = this.#begin(index, await this.#entry(index), needs);
      if (page.missingCopies === 0) complete.push(page);
    }
    for (const page of complete) await this.#deliver(page, onPage);
    const ordered = [...needs.values()].sort(byPlace);
    let next = 0;
    let failed = false;
    const readSome = async () => {
      while (next < ordered.length && !failed) {
        throwIfAborted(signal);
        const need = ordered[next++] as SegmentNeed;
        await this.#fill(need, onPage);
      }
    };
    const readers = Array.from({ length: Math.min(READS_MAX, ordered.length) }, () =>
      readSome().catch((error: unknown) => {
        failed = true;
        throw error;
      }),
    );
    // All readers must have stopped before an error is told: the caller may close what onPage writes to.
    const results = await Promise.allSettled(readers);
    const rejected = results.find((result) => result.status === "rejected");
    if (rejected !== undefined) throw unreadableImage(this.#what, rejected.reason);
  }

  #begin(index: number, entry: PageEntry, needs: Map<number, SegmentNeed>): GrowingPage {
    const record = this.#recordOf(index, entry);
    const bytes = (this.#freeBuffers.pop() ?? new Uint8Array(PAGE_BYTES)).subarray(0, record.lengthBytes);
    const page: GrowingPage = { record, bytes, missingCopies: 0 };
    if (entry.fillByte !== null) bytes.fill(entry.fillByte);
    else this.#planRuns(page, entry.runs, needs);
    return page;
  }

  #planRuns(page: GrowingPage, runs: readonly number[], needs: Map<number, SegmentNeed>): void {
    const { blockSize } = this.#state.info;
    let at = 0;
    for (let index = 0; index < runs.length; index += 2) {
      const start = runs[index] as number;
      const count = runs[index + 1] as number;
      if (start < 0) page.bytes.fill(-1 - start, at, at + count * blockSize);
      else this.#planCopies(page, at, start, count, needs);
      at += count * blockSize;
    }
    // Too few or too many blocks leave wrong bytes or none: the page's hash tells in #deliver.
  }

  #planCopies(
    page: GrowingPage,
    at: number,
    start: number,
    count: number,
    needs: Map<number, SegmentNeed>,
  ): void {
    const { blockSize } = this.#state.info;
    let done = 0;
    while (done < count) {
      const place = this.#placeOf(start + done);
      const from = start + done - place.firstId;
      const some = Math.min(count - done, place.count - from);
      const need = needs.get(place.firstId) ?? { place, copies: [] };
      needs.set(place.firstId, need);
      need.copies.push({ page, at: at + done * blockSize, from, count: some });
      page.missingCopies += 1;
      done += some;
    }
  }

  #placeOf(id: number): SegmentPlace {
    try {
      return this.#state.data.placeOf(id);
    } catch (error) {
      throw unreadableImage(this.#what, error);
    }
  }

  async #fill(need: SegmentNeed, onPage: OnPage): Promise<void> {
    const raw = await this.#state.data.readSegment(need.place);
    const { blockSize } = this.#state.info;
    const file = this.#state.data.packs.nameOf(need.place.packIndex);
    for (const { page, at, from, count } of need.copies) {
      const length = Math.min(count * blockSize, page.bytes.length - at);
      if (length > 0) page.bytes.set(raw.subarray(from * blockSize, from * blockSize + length), at);
      page.missingCopies -= 1;
      if (page.missingCopies === 0) await this.#deliver(page, onPage, file);
    }
  }

  async #deliver(page: GrowingPage, onPage: OnPage, file: string | null = null): Promise<void> {
    const { record, bytes } = page;
    if (!sameHash(hashPage(bytes), record.contentHash)) {
      throw new CodedError(
        "page-corrupt",
        `Page ${record.index} of ${this.#what} does not have its content hash.`,
        {
          hint: "Verify the repository; restore another snapshot meanwhile.",
          facts: { page: record.index, file },
        },
      );
    }
    await onPage(record, bytes);
    if (bytes.byteLength === PAGE_BYTES) this.#freeBuffers.push(bytes);
  }

  #recordOf(index: number, entry: PageEntry): PageRecord {
    const lengthBytes = pageLength(this.image.sizeBytes, index);
    return { index, lengthBytes, fillByte: entry.fillByte, contentHash: hashOfEntry(entry, lengthBytes) };
  }

  async #entry(index: number): Promise<PageEntry> {
    const entry = (await this.#leaf(Math.floor(index / LEAF_PAGES)))[index % LEAF_PAGES];
    if (entry !== undefined) return entry;
    throw new CodedError("input-invalid", `${this.#what} has no page ${index}.`);
  }

  #leaf(leafIndex: number): Promise<PageEntry[]> {
    const known = this.#leaves.get(leafIndex);
    if (known !== undefined) return known;
    const reading = this.#readLeaf(leafIndex);
    this.#leaves.set(leafIndex, reading);
    reading.catch(() => this.#leaves.delete(leafIndex)); // The caller gets the error; the next one tries again.
    for (const oldest of this.#leaves.keys()) {
      if (this.#leaves.size <= LEAVES_KEPT) break;
      this.#leaves.delete(oldest);
    }
    return reading;
  }

  async #readLeaf(leafIndex: number): Promise<PageEntry[]> {
    try {
      return await this.#tree.leaf(leafIndex);
    } catch (error) {
      throw unreadableImage(this.#what, error);
    }
  }

  get #what(): string {
    return `snapshot ${this.snapshot.id}, partition ${JSON.stringify(this.image.partition)}`;
  }
}

function firstIdOf(entry: PageEntry): number {
  if (entry.fillByte !== null) return -1;
  for (let at = 0; at < entry.runs.length; at += 2) {
    if ((entry.runs[at] as number) >= 0) return entry.runs[at] as number;
  }
  return -1;
}

function byPlace(a: SegmentNeed, b: SegmentNeed): number {
  return a.place.packIndex - b.place.packIndex || a.place.offset - b.place.offset;
}
