import { CodedError } from "#lib/model/errors.ts";
import type { Technique } from "#lib/model/snapshot.ts";
import { hashOfFill, PAGE_BYTES, PAGE_HASH_BYTES, pageLength, sameHash } from "#lib/page/page.ts";
import { hexOf } from "../format/bytes.ts";
import type { PageEntry } from "../format/node-format.ts";
import { SEGMENT_RAW_BYTES } from "../format/pack-format.ts";
import { PATCHED_SNAPSHOT_FORMAT } from "../format/snapshot-format.ts";
import { FORMAT_VERSION } from "../format/text-file.ts";
import { hashOfEntry } from "../restore/image-tree.ts";
import type { SegmentBuilder } from "../store/segment-builder.ts";
import { BATCH_PAGES, PAGE_AS_EXPECTED, PAGE_FILL } from "../threads/scan.ts";
import type { ScanBuffer, SourceRead } from "../threads/workers.ts";
import type { ByteSource, ImageRecord, ImageRequest, ImageWriter, WorkOptions } from "../types.ts";
import { type HintedSource, wholeSource } from "./hints.ts";
import type { FinishedImage, ImageContext, ImageTechnique, ParentImage } from "./image-context.ts";
import { ManifestBuilder, TAKEN_OVER } from "./manifest-builder.ts";
import { PageBlocks } from "./page-blocks.ts";
import type { SiblingSearch } from "./sibling.ts";

const UNKNOWN = 0;
const WANTED = 1;
const ARRIVING = 2;
const SETTLED = 3;

export class ImageArchiver implements ImageWriter {
  readonly request: ImageRequest;
  readonly pageCount: number;
  finished: FinishedImage | null = null;
  readonly #context: ImageContext;
  readonly #technique: Technique;
  readonly parent: ParentImage | null;
  #hinted: HintedSource | null = null;
  /** The parent, or the sibling once one is found. */
  #reference: ParentImage | null;
  readonly #siblings: SiblingSearch | null;
  readonly #manifest: ManifestBuilder;
  readonly #builder: SegmentBuilder;
  readonly #blocks: PageBlocks;
  readonly #states: Uint8Array;
  /** Hashes offered, so that a page sent twice, or another page in its place, is noticed. */
  readonly #offered: Uint8Array;
  #fillBytes = 0;
  #unchangedBytes = 0;
  /** Pages are taken in one after the other. */
  #chain: Promise<void> = Promise.resolve();
  #failure: { readonly reason: unknown } | null = null;

  constructor(
    context: ImageContext,
    request: ImageRequest,
    { technique, compression, patches }: ImageTechnique,
    parent: ParentImage | null,
    siblings: SiblingSearch | null,
  ) {
    this.#context = context;
    this.request = request;
    this.#technique = technique;
    this.parent = parent;
    this.#reference = parent;
    this.#siblings = siblings;
    this.#manifest = new ManifestBuilder(context.nodes, request.sizeBytes, parent);
    this.pageCount = this.#manifest.pageCount;
    this.#builder = context.data.openBuilder({
      // A full image is made of whole pages, each a segment.
      rawBytesMax: technique === "full" ? PAGE_BYTES : SEGMENT_RAW_BYTES,
      isPrivate: technique !== "repository",
      compression,
    });
    const { blockSize } = context;
    this.#blocks = new PageBlocks(context.data, this.#builder, { blockSize, patches });
    this.#states = new Uint8Array(this.pageCount);
    this.#offered = new Uint8Array(this.pageCount * PAGE_HASH_BYTES);
  }

  // From an agent ---------------------------------------------------------------------------------------------

  offer(firstPage: number, hashes: Uint8Array): number[] {
    this.#context.check();
    this.#checkOffer(firstPage, hashes);
    const wanted: number[] = [];
    for (let at = 0, page = firstPage; at < hashes.length; at += PAGE_HASH_BYTES, page++) {
      if (!this.#settleOffered(page, hashes.subarray(at, at + PAGE_HASH_BYTES))) wanted.push(page);
    }
    void this.#inTurn(() => this.#manifest.writeReadyLeaves()).catch(() => undefined); // Kept for put and finish.
    return wanted;
  }

  #checkOffer(firstPage: number, hashes: Uint8Array): void {
    const count = hashes.length / PAGE_HASH_BYTES;
    const fits = Number.isInteger(firstPage) && firstPage >= 0 && firstPage + count <= this.pageCount;
    if (fits && Number.isInteger(count)) return;
    throw violation(
      `${this.#what} has ${this.pageCount} pages; hashes of ${count} were offered from page ${firstPage}`,
    );
  }

  /** True when the page need not be sent. */
  #settleOffered(page: number, hash: Uint8Array): boolean {
    const state = this.#states[page] as number;
    if (state === SETTLED || state === ARRIVING) {
      if (sameHash(hash, this.#offeredHash(page))) return true;
      throw violation(`Page ${page} of ${this.#what} was offered with two different contents`);
    }
    this.#offered.set(hash, page * PAGE_HASH_BYTES);
    this.#states[page] = WANTED;
    const length = pageLength(this.request.sizeBytes, page);
    if (isPageOf(this.parent, page, hash)) this.#settleTakenOver(page, hash, length);
    else if (sameHash(hash, hashOfFill(0, length))) this.#settleFill(page, 0, hash, length);
    else if (!this.#settleRecent(page, hash)) return false;
    return true;
  }

  #settleRecent(page: number, hash: Uint8Array): boolean {
    const known = this.#technique === "repository" ? this.#context.recent.get(hash) : null;
    if (known === null) return false;
    this.#settle(page, known, hash);
    return true;
  }

  async put(pageIndex: number, page: Uint8Array): Promise<void> {
    return this.#context.foreground.during(() => this.#put(pageIndex, page));
  }

  async #put(pageIndex: number, page: Uint8Array): Promise<void> {
    this.#context.check();
    this.#throwIfFailed();
    const state = this.#states[pageIndex] ?? UNKNOWN;
    if (state === SETTLED || state === ARRIVING) return this.#chain;
    this.#checkPut(pageIndex, page, state);
    this.#states[pageIndex] = ARRIVING;
    const buffer = await this.#context.buffers.take();
    try {
      await this.#scanPut(buffer, pageIndex, page);
      await this.#inTurn(() => this.#takeIn(buffer, pageIndex, page.length));
    } catch (error) {
      this.#states[pageIndex] = WANTED;
      throw error;
    } finally {
      this.#context.buffers.giveBack(buffer);
    }
  }

  #checkPut(pageIndex: number, page: Uint8Array, state: number): void {
    if (state !== WANTED)
      throw violation(`Page ${pageIndex} of ${this.#what} was sent without being offered`);
    const length = pageLength(this.request.sizeBytes, pageIndex);
    if (page.length === length) return;
    throw violation(`Page ${pageIndex} of ${this.#what} has ${page.length} bytes instead of ${length}`);
  }

  async #scanPut(buffer: ScanBuffer, pageIndex: number, page: Uint8Array): Promise<void> {
    buffer.views.pages.set(page);
    const { blockSize, workers, data } = this.#context;
    const { digestKey } = data;
    await workers.scan(
      buffer,
      { byteCount: page.length, blockSize, expectedCount: 0, wantsBlocks: true, digestKey },
      null,
    );
    const found = buffer.views.hashOf(0);
    const offered = this.#offeredHash(pageIndex);
    if (sameHash(found, offered)) return;
    throw new CodedError(
      "page-hash-mismatch",
      `Page ${pageIndex} of ${this.#what} hashes to ${hexOf(found)} but was offered as ${hexOf(offered)}.`,
      {
        hint: "Send the page again; if it happens again, the sender's memory or disk is unreliable.",
        retry: "later",
      },
    );
  }

  // From a local source ---------------------------------------------------------------------------------------

  /** `read` makes threads read the source by themselves. */
  async takeSource(
    source: ByteSource,
    descriptor: number | null,
    options: WorkOptions,
    hinted: HintedSource | null = null,
  ): Promise<void> {
    this.#hinted = hinted;
    let doneBytes = 0;
    const report = (byteCount: number) => {
      doneBytes += byteCount;
      options.onProgress?.({ doneBytes, totalBytes: source.sizeBytes });
    };
    const depth = Math.max(2, 8 * this.#context.workers.threadCount);
    const inFlight: { buffer: ScanBuffer; scanned: Promise<void>; at: number; byteCount: number }[] = [];
    const takeOldest = async () => {
      const batch = inFlight.shift();
      if (batch === undefined) return;
      try {
        await batch.scanned;
        await this.#takeInBatch(batch.buffer, batch.at, batch.byteCount);
        report(batch.byteCount);
      } finally {
        this.#context.buffers.giveBack(batch.buffer);
      }
    };
    try {
      for (const { at, byteCount, isRead } of hinted?.stretches() ?? wholeSource(source.sizeBytes)) {
        throwIfAborted(options.signal);
        this.#context.check();
        if (!isRead) {
          await this.#inTurn(() => this.#takeOver(at / PAGE_BYTES, Math.ceil(byteCount / PAGE_BYTES)));
          report(byteCount);
          continue;
        }
        if (inFlight.length >= depth) await takeOldest();
        const buffer = await this.#bufferFor(inFlight.length, takeOldest);
        const scanned = this.#scanBatch(buffer, source, descriptor, at, byteCount);
        scanned.catch(() => undefined); // Awaited in its turn by takeOldest, which reports it.
        inFlight.push({ buffer, scanned, at, byteCount });
      }
      while (inFlight.length > 0) await takeOldest();
    } finally {
      // After a failure threads may still be writing into buffers: none goes back before they are done.
      for (const batch of inFlight) {
        await batch.scanned.catch(() => undefined);
        this.#context.buffers.giveBack(batch.buffer);
      }
    }
  }

  /** Pages that are not read, for hints spare them: as if they had been read and found to be the parent's. */
  async #takeOver(firstPage: number, count: number): Promise<void> {
    const pages = await this.parent?.tree.pages(firstPage, count);
    for (const [index, page] of (pages ?? []).entries()) {
      const length = pageLength(this.request.sizeBytes, firstPage + index);
      const hash = hashOfEntry(page, length);
      if (page.fillByte !== null) this.#settleFill(firstPage + index, page.fillByte, hash, length);
      else this.#settleTakenOver(firstPage + index, hash, length);
    }
    await this.#manifest.writeReadyLeaves();
  }

  async #bufferFor(heldCount: number, takeOldest: () => Promise<void>): Promise<ScanBuffer> {
    for (let held = heldCount; held > 0; held--) {
      const now = this.#context.buffers.takeNow();
      if (now !== null) return now;
      await takeOldest();
    }
    return this.#context.buffers.take();
  }

  async #scanBatch(
    buffer: ScanBuffer,
    source: ByteSource,
    descriptor: number | null,
    at: number,
    byteCount: number,
  ): Promise<void> {
    const firstPage = at / PAGE_BYTES;
    const expected = this.#reference?.hashes.subarray(
      firstPage * PAGE_HASH_BYTES,
      (firstPage + BATCH_PAGES) * PAGE_HASH_BYTES,
    );
    if (expected !== undefined) buffer.views.expected.set(expected);
    const expectedCount = (expected?.length ?? 0) / PAGE_HASH_BYTES;
    let read: SourceRead | null = null;
    if (descriptor !== null) read = { descriptor, path: source.path ?? "the source", offsetBytes: at };
    else await source.read(at, buffer.views.pages.subarray(0, byteCount));
    const { blockSize, workers, data } = this.#context;
    const { digestKey } = data;
    await workers.scan(buffer, { byteCount, blockSize, expectedCount, wantsBlocks: true, digestKey }, read);
  }

  async #takeInBatch(buffer: ScanBuffer, at: number, byteCount: number): Promise<void> {
    await this.#inTurn(() => this.#takeIn(buffer, at / PAGE_BYTES, byteCount));
  }

  // Taking in -------------------------------------------------------------------------------------------------

  async #takeIn(buffer: ScanBuffer, firstPage: number, byteCount: number): Promise<void> {
    const pageCount = Math.ceil(byteCount / PAGE_BYTES);
    for (let slot = 0; slot < pageCount; slot++) {
      this.#context.check();
      await this.#takeInPage(buffer, slot, firstPage + slot, byteCount);
    }
    await this.#manifest.writeReadyLeaves();
  }

  async #takeInPage(buffer: ScanBuffer, slot: number, pageIndex: number, byteCount: number): Promise<void> {
    const { views } = buffer;
    const page = views.page(slot, byteCount);
    const hash = new Uint8Array(views.hashOf(slot));
    const status = views.statuses[slot];
    this.#hinted?.compare(pageIndex, hash);
    if (status === PAGE_FILL) this.#settleFill(pageIndex, views.fillBytes[slot] as number, hash, page.length);
    else if (status === PAGE_AS_EXPECTED) this.#settleTakenOver(pageIndex, hash, page.length);
    else if (await this.#isSiblingsPage(pageIndex, hash)) this.#settleTakenOver(pageIndex, hash, page.length);
    else {
      await this.#context.data.room();
      const before = await this.#pageBefore(pageIndex);
      const entry = await this.#blocks.entryOf(this.#technique, views, slot, page, before);
      if (this.#technique === "repository") this.#context.recent.put(entry);
      this.#settle(pageIndex, entry, hash);
    }
  }

  async #pageBefore(pageIndex: number): Promise<PageEntry | null> {
    if (this.#reference !== null) return this.#reference.tree.page(pageIndex);
    return (await this.#siblings?.pageBefore(pageIndex)) ?? null;
  }

  /** Also of a page scanned before the sibling was found. It is in our hands: taking it over gives nobody anything. */
  async #isSiblingsPage(pageIndex: number, hash: Uint8Array): Promise<boolean> {
    if (this.parent !== null || this.#siblings === null) return false;
    if (this.#reference === null) {
      this.#reference = await this.#siblings.note(pageIndex, hash);
      if (this.#reference !== null) this.#manifest.compareWith(this.#reference);
    }
    return isPageOf(this.#reference, pageIndex, hash);
  }

  #settleFill(page: number, fillByte: number, hash: Uint8Array, length: number): void {
    this.#fillBytes += length;
    this.#settle(page, { fillByte }, hash);
  }

  #settleTakenOver(page: number, hash: Uint8Array, length: number): void {
    // A sibling's page is none of the PC's own past.
    if (this.parent !== null) this.#unchangedBytes += length;
    this.#settle(page, TAKEN_OVER, hash);
  }

  #settle(page: number, entry: Parameters<ManifestBuilder["settle"]>[1], hash: Uint8Array): void {
    this.#manifest.settle(page, entry, hash);
    this.#states[page] = SETTLED;
  }

  #offeredHash(page: number): Uint8Array {
    return this.#offered.subarray(page * PAGE_HASH_BYTES, (page + 1) * PAGE_HASH_BYTES);
  }

  /** Runs after everything before it; a failure fails all that follows, for the manifest would have a hole. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#chain.then(() => {
      this.#throwIfFailed();
      return work();
    });
    this.#chain = turn.catch((reason: unknown) => {
      this.#failure ??= { reason };
    });
    return turn;
  }

  #throwIfFailed(): void {
    if (this.#failure !== null) throw this.#failure.reason;
  }

  // The end ---------------------------------------------------------------------------------------------------

  async finish(): Promise<ImageRecord> {
    if (this.finished !== null) return this.finished.record;
    await this.#chain;
    this.#context.check();
    this.#throwIfFailed();
    this.#checkComplete();
    await this.#builder.close();
    const { root, contentRoot } = await this.#manifest.finish();
    this.#context.check();
    const { partition, sizeBytes, details } = this.request;
    const record: ImageRecord = {
      partition,
      sizeBytes,
      technique: this.#technique,
      ...(this.#technique === "diff" && this.parent !== null ? { baseId: this.parent.snapshotId } : {}),
      contentRoot: hexOf(contentRoot),
      newBytes: this.#builder.rawBytes + this.#blocks.patchBytes,
      storedBytes: this.#builder.storedBytes + this.#manifest.storedBytes,
      fillBytes: this.#fillBytes,
      unchangedBytes: this.#unchangedBytes,
      details: { ...details, ...this.#hinted?.details() },
    };
    // Pages taken over bring their patches along.
    const ownFormat = this.#blocks.patchBytes > 0 ? PATCHED_SNAPSHOT_FORMAT : FORMAT_VERSION;
    this.finished = { record, root, format: Math.max(ownFormat, this.#reference?.format ?? FORMAT_VERSION) };
    return record;
  }

  #checkComplete(): void {
    if (this.#manifest.settledCount === this.pageCount) return;
    const missing = this.#states.findIndex((state) => state !== SETTLED);
    throw violation(`${this.#what} is not complete: page ${missing} of ${this.pageCount} is missing`);
  }

  /** Lets go of the streams of an image that will never be finished. */
  async abandon(): Promise<void> {
    await this.#chain;
    if (this.finished !== null) return;
    await this.#builder.close();
    await this.#manifest.abandon();
  }

  get #what(): string {
    return `partition ${JSON.stringify(this.request.partition)}`;
  }
}

function isPageOf(image: ParentImage | null, page: number, hash: Uint8Array): boolean {
  const at = page * PAGE_HASH_BYTES;
  const known = image?.hashes.subarray(at, at + PAGE_HASH_BYTES);
  return known !== undefined && known.length > 0 && sameHash(known, hash);
}

export function violation(message: string): CodedError {
  return new CodedError("protocol-violation", `${message}.`, {
    hint: "The sender and this program disagree; update the older of the two and archive again.",
  });
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) {
    throw new CodedError("job-cancelled", "The work was cancelled.", { hint: "Start it again when wanted." });
  }
}
