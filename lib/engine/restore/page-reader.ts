// PageReader gives pages of one image, each verified against its content hash before anyone sees it.
//
// Pages are assembled in groups (page-group.ts), in as many threads as there are. What a thread gives back is whole,
// checked pages. What several groups need is decoded once for all of them (frame-cache.ts).
import { CodedError } from "#lib/model/errors.ts";
import { LEAF_PAGES } from "#lib/page/content-root.ts";
import { pageLength } from "#lib/page/page.ts";
import { throwIfAborted } from "../archive/image-archiver.ts";
import type { PageEntry } from "../format/node-format.ts";
import type { StoredSnapshot } from "../format/snapshot-format.ts";
import type { RepositoryState } from "../repository-state.ts";
import type { SegmentPlace } from "../store/segment-table.ts";
import type { PageWrites, ThreadTarget } from "../threads/write-pages.ts";
import type { ImageReader, ImageRecord, PageRecord, SnapshotRecord, WorkOptions } from "../types.ts";
import { FrameCache } from "./frame-cache.ts";
import { hashOfEntry, type ImageTree } from "./image-tree.ts";
import { inLanes } from "./in-lanes.ts";
import { unreadableImage } from "./node-cache.ts";
import {
  type AssembledGroup,
  frameOf,
  GROUP_PAGES,
  type GroupMemory,
  newGroupMemory,
  PageGroup,
} from "./page-group.ts";

/** Pages handed out at a time, in each group. */
const PAGES_AT_ONCE = 4;
const LEAVES_KEPT = 64;

/** Where threads write pages, and what is to be known of it. */
export interface PageSink {
  readonly target: ThreadTarget;
  /** The target is known to be all zeros where this page goes. */
  isBlank(pageIndex: number): boolean;
  /** Some pages are on the target, and read back equal. */
  onWritten(pageBytes: number, writtenBytes: number): void;
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
    const totalBytes = [...new Set(pageIndices)].reduce(
      (sum, index) => sum + pageLength(this.image.sizeBytes, index),
      0,
    );
    let doneBytes = 0;
    const counted: OnPage = async (record, bytes) => {
      await onPage(record, bytes);
      doneBytes += record.lengthBytes;
      options.onProgress?.({ doneBytes, totalBytes });
    };
    await this.#inGroups(pageIndices, options, async (group) => {
      await this.#assembled(group);
      await inLanes(group.records.entries(), PAGES_AT_ONCE, ([at, record]) =>
        counted(record, group.page(at)),
      );
    });
  }

  /** As readPages, in the same order, but the threads that assemble the pages write them, too. */
  async writePages(
    pageIndices: readonly number[],
    sink: PageSink,
    options: Pick<WorkOptions, "signal"> = {},
  ): Promise<void> {
    await this.#inGroups(pageIndices, options, async (group) => {
      const indices = group.records.map((record) => record.index);
      const areBlank = indices.map((index) => sink.isBlank(index));
      const { writtenBytes } = await this.#assembled(group, {
        ...sink.target,
        pageIndices: indices,
        areBlank,
      });
      sink.onWritten(
        group.records.reduce((sum, record) => sum + record.lengthBytes, 0),
        writtenBytes,
      );
    });
  }

  async #inGroups(
    pageIndices: readonly number[],
    options: WorkOptions,
    work: (group: PageGroup) => Promise<void>,
  ): Promise<void> {
    // Closing in mid-read must not let go of what is being read.
    const release = this.#state.holds.take(this.#stored);
    try {
      const ordered = this.#inOrder(pageIndices);
      const frames = new FrameCache(await this.#usesOf(ordered, options.signal));
      await this.#inLanesOfGroups(ordered, frames, options, work);
    } finally {
      release();
    }
  }

  async #inLanesOfGroups(
    ordered: readonly number[],
    frames: FrameCache,
    options: WorkOptions,
    work: (group: PageGroup) => Promise<void>,
  ): Promise<void> {
    // One group more than threads: while the pages of one are handed out, all threads have another to assemble.
    const laneCount = this.#state.workers.threadCount + 1;
    const free: GroupMemory[] = [];
    await inLanes(groupsOf(ordered), laneCount, async (indices) => {
      throwIfAborted(options.signal);
      this.#state.checkOpen();
      const memory = free.pop() ?? newGroupMemory(ordered.length);
      // From the first place looked up until the last byte is there: packs may be rewritten meanwhile.
      const release = this.#state.data.reads.begin();
      try {
        await work(await this.#groupOf(indices, memory, frames));
      } finally {
        release();
      }
      free.push(memory);
    });
  }

  /** Each page once, in the image's order. Every archive has stored its new blocks in that order, too: so a read goes through
   *  the segments of all of them side by side, and soon needs each segment again (ADR 0026). */
  #inOrder(pageIndices: readonly number[]): number[] {
    const indices = Float64Array.from(new Set(pageIndices)).sort();
    const last = indices.at(-1);
    if (last !== undefined && !((indices[0] ?? -1) >= 0 && last < this.pageCount)) {
      throw new CodedError("input-invalid", `${this.#what} has pages 0 to ${this.pageCount - 1}.`);
    }
    return [...indices];
  }

  /** The frames that more than one group needs, with the number of those. As packs lie now: it is only advice. */
  async #usesOf(ordered: readonly number[], signal: AbortSignal | undefined): Promise<Map<number, number>> {
    const uses = new Map<number, number>();
    if (ordered.length <= GROUP_PAGES) return uses;
    for (const indices of groupsOf(ordered)) {
      throwIfAborted(signal);
      const frames = new Set<number>();
      for (const index of indices) this.#addFrames(await this.#entry(index), frames);
      for (const frame of frames) uses.set(frame, (uses.get(frame) ?? 0) + 1);
    }
    for (const [frame, count] of uses) if (count === 1) uses.delete(frame);
    return uses;
  }

  /** Blocks that are lost are passed over: the group that needs them will say so. */
  #addFrames(entry: PageEntry, frames: Set<number>): void {
    if (entry.fillByte !== null) return;
    const { segments } = this.#state.data;
    for (let at = 0; at < entry.runs.length; at += 2) {
      const start = entry.runs[at] as number;
      const end = start + (entry.runs[at + 1] as number);
      if (start < 0) continue;
      for (let id = start; id < end; id = segments.endOfRow(id)) {
        const row = segments.rowOf(id);
        if (row >= 0) frames.add(frameOf(segments.place(row)));
      }
    }
  }

  async #groupOf(indices: readonly number[], memory: GroupMemory, frames: FrameCache): Promise<PageGroup> {
    const group = new PageGroup(this.#state, memory, frames);
    for (const index of indices) {
      const entry = await this.#entry(index);
      const record = this.#recordOf(index, entry);
      if (entry.fillByte !== null) group.addFill(record, entry.fillByte);
      else group.addRuns(record, entry.runs, (id) => this.#placeOf(id));
      if (entry.fillByte === null && entry.patch !== undefined) group.addPatch(entry.patch);
    }
    return group;
  }

  async #assembled(group: PageGroup, writes: PageWrites | null = null): Promise<AssembledGroup> {
    let assembled: AssembledGroup;
    try {
      assembled = await this.#state.foreground.during(() => group.assemble(writes));
    } catch (error) {
      throw isOfTarget(error) ? error : unreadableImage(this.#what, error);
    }
    if (assembled.wrongPage !== null) throw this.#wrongPage(group, assembled.wrongPage);
    return assembled;
  }

  #wrongPage(group: PageGroup, at: number): CodedError {
    const page = group.records[at]?.index ?? -1;
    return new CodedError("page-corrupt", `Page ${page} of ${this.#what} does not have its content hash.`, {
      hint: "Verify the repository; restore another snapshot meanwhile.",
      facts: { page, file: group.packOf(at) },
    });
  }

  #placeOf(id: number): SegmentPlace {
    try {
      return this.#state.data.placeOf(id);
    } catch (error) {
      throw unreadableImage(this.#what, error);
    }
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

function isOfTarget(error: unknown): boolean {
  return error instanceof CodedError && error.code === "target-write-failed";
}

function* groupsOf(ordered: readonly number[]): Generator<readonly number[]> {
  for (let first = 0; first < ordered.length; first += GROUP_PAGES) {
    yield ordered.slice(first, first + GROUP_PAGES);
  }
}
