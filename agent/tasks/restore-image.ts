// One image onto one stretch of a disk: hash what is there, ask the gateway for what differs, check each page that comes, and
// write only the 4 KiB runs that differ.
//
// Page 0 goes last, its first 4 KiB last of all, and if anything else differs those are blanked first: a half-written file
// system or boot disk then has no beginning, and nothing takes it for a whole one. After flushing, everything is read back and its contentRoot
// compared with the snapshot's: that, and not our belief in what we wrote, is success.
import { CodedError } from "#lib/model/errors.ts";
import { contentRootOf } from "#lib/page/content-root.ts";
import {
  type ByteRun,
  differingRuns,
  hashPage,
  PAGE_BYTES,
  PAGE_HASH_BYTES,
  pageCountOf,
  pageLength,
  sameHash,
} from "#lib/page/page.ts";
import { type ImageResult, PAGES_PER_REQUEST, type RestoreImage } from "#lib/protocol/control.ts";
import { type Frame, framesOf, imageTag, pageOf } from "#lib/protocol/frames.ts";
import type { ExtentTarget } from "../device/extents.ts";
import { asUnreachable } from "../gateway-client.ts";
import { forEachParallel } from "../parallel.ts";
import { retrying } from "../retrying.ts";
import { imageRoute, OUTAGE_MS_MAX, type TaskContext } from "./task-context.ts";

const BATCHES_IN_FLIGHT = 3;
const BLANK_BYTES = 4096;

interface Batch {
  readonly firstPage: number;
  readonly count: number;
}

export class ImageRestore {
  readonly #context: TaskContext;
  readonly #image: RestoreImage;
  readonly #target: ExtentTarget;
  readonly #tag: Uint8Array;
  #blanking: Promise<void> | null = null;
  /** What the blanking took away. */
  #blanked: Uint8Array | null = null;
  #differingBytes = 0;
  #writtenBytes = 0;

  constructor(context: TaskContext, snapshotId: string, image: RestoreImage, target: ExtentTarget) {
    this.#context = context;
    this.#image = image;
    this.#target = target;
    this.#tag = imageTag(snapshotId, image.diskSerial, image.partition);
  }

  /** The image's bytes, from what is here and what differs, without writing any. For layouts, which are small. */
  async preview(): Promise<Uint8Array> {
    const bytes = new Uint8Array(this.#target.sizeBytes);
    await this.#target.read(0, bytes);
    for (const batch of batchesOf(0, pageCountOf(bytes.length))) {
      const hashes = await this.hashesOf(batch);
      await this.#differing(batch, hashes, async (pageIndex, page) => {
        bytes.set(page, pageIndex * PAGE_BYTES);
      });
    }
    return bytes;
  }

  async run(): Promise<ImageResult> {
    const pageCount = pageCountOf(this.#image.sizeBytes);
    this.#context.progress.step = "comparing";
    const batches = batchesOf(1, pageCount);
    await forEachParallel(batches.length, BATCHES_IN_FLIGHT, async (index) => {
      const batch = batches[index];
      if (batch !== undefined) await this.#batch(batch);
    });
    await this.#batch({ firstPage: 0, count: 1 });
    return this.#complete();
  }

  /** When all pages but the first are known to be right: `firstPage` is null when that one was right, too, before the others
   *  were written. */
  async finish(firstPage: Uint8Array | null): Promise<ImageResult> {
    if (firstPage !== null) await this.writePage(0, firstPage);
    else if (this.#blanked !== null) {
      await this.#target.flush();
      await this.#target.write(0, this.#blanked);
      this.#writtenBytes += this.#blanked.length;
    }
    return this.#complete();
  }

  readAt(offsetBytes: number, into: Uint8Array): Promise<void> {
    return this.#target.read(offsetBytes, into);
  }

  async #complete(): Promise<ImageResult> {
    const { progress, signal } = this.#context;
    const pageCount = pageCountOf(this.#image.sizeBytes);
    signal.throwIfAborted();
    progress.step = "flushing";
    await this.#target.flush();
    progress.step = "verifying";
    const contentRoot = await this.#readBack(pageCount);
    return {
      image: this.#image.image,
      contentRoot,
      readBytes: 2 * this.#image.sizeBytes,
      differingBytes: this.#differingBytes,
      writtenBytes: this.#writtenBytes,
    };
  }

  /** Repeated as a whole when the connection breaks: pages already written no longer differ. */
  async #batch(batch: Batch): Promise<void> {
    await retrying(
      async () => {
        const hashes = await this.hashesOf(batch);
        await this.#differing(batch, hashes, (pageIndex, page) => this.writePage(pageIndex, page));
      },
      this.#context.signal,
      OUTAGE_MS_MAX,
    );
    this.#advance(batch);
  }

  /** Of what is on the disk now. */
  async hashesOf({ firstPage, count }: Batch): Promise<Uint8Array> {
    this.#context.signal.throwIfAborted();
    const { device, extents } = this.#target;
    return await this.#context.pool.hashPages({ path: device.path, extents, firstPage, count });
  }

  /** Hands each page of the batch that differs, checked, to `take`; one after the other. */
  async #differing(
    batch: Batch,
    hashes: Uint8Array,
    take: (pageIndex: number, page: Uint8Array) => Promise<void>,
  ): Promise<void> {
    const { client, leaseId, signal } = this.#context;
    const route = `${imageRoute(this.#context, this.#image.image, "differ")}?first=${batch.firstPage}`;
    const response = await client.open(route, hashes, { leaseId, signal });
    try {
      for await (const frame of framesOf(response)) {
        this.#check(frame, batch);
        const page = await pageOf(frame);
        if (!sameHash(hashPage(page), frame.contentHash)) throw damagedOnTheWay(this.#image, frame);
        signal.throwIfAborted();
        await take(frame.pageIndex, page);
      }
    } catch (thrown) {
      throw asUnreachableUnlessOurs(thrown, this.#context);
    } finally {
      response.destroy();
    }
  }

  #check(frame: Frame, { firstPage, count }: Batch): void {
    const fits =
      sameHash(frame.imageTag, this.#tag) &&
      frame.pageIndex >= firstPage &&
      frame.pageIndex < firstPage + count &&
      frame.lengthBytes === pageLength(this.#image.sizeBytes, frame.pageIndex);
    if (fits) return;
    throw new CodedError(
      "protocol-violation",
      `The server sent a page that ${this.#image.partition} did not ask for.`,
      {
        hint: "Nothing of it was written. Report this: it is a fault of the server.",
      },
    );
  }

  /** What differs of a page whose hash was checked. Page 0 must come last. */
  async writePage(pageIndex: number, page: Uint8Array): Promise<void> {
    const { progress } = this.#context;
    const offset = pageIndex * PAGE_BYTES;
    const present = Buffer.allocUnsafe(page.length);
    await this.#target.read(offset, present);
    const runs = differingRuns(page, present);
    if (runs.length === 0) return;
    progress.step = "writing";
    if (pageIndex === 0) await this.#writeFirstPage(page, runs);
    else {
      await this.#blankStart();
      await this.#writeRuns(offset, page, runs);
    }
    this.#differingBytes += page.length;
  }

  /** The first 4 KiB make the image look whole: they follow everything else, and only once that is on the disk, since a
   *  disk that loses power keeps what it likes of what was not forced. */
  async #writeFirstPage(page: Uint8Array, runs: readonly ByteRun[]): Promise<void> {
    const rest = runs.flatMap(afterStart);
    if (rest.length > 0) {
      await this.#blankStart();
      await this.#writeRuns(0, page, rest);
    }
    const start = { offset: 0, length: Math.min(BLANK_BYTES, page.length) };
    if (runs[0]?.offset !== 0 && isZero(page.subarray(0, start.length))) return;
    await this.#target.flush();
    await this.#writeRuns(0, page, [start]);
  }

  async #writeRuns(pageOffset: number, page: Uint8Array, runs: readonly ByteRun[]): Promise<void> {
    for (const { offset, length } of runs) {
      const bytes = page.subarray(offset, offset + length);
      if (isZero(bytes)) await this.#target.zero(pageOffset + offset, length);
      else await this.#target.write(pageOffset + offset, bytes);
      this.#writtenBytes += length;
    }
  }

  #blankStart(): Promise<void> {
    this.#blanking ??= this.#blankStartOnce();
    return this.#blanking;
  }

  // Flushed before anything else is written: the disk may reorder what we do not force.
  async #blankStartOnce(): Promise<void> {
    const start = Buffer.alloc(Math.min(BLANK_BYTES, this.#image.sizeBytes));
    await this.#target.read(0, start);
    if (isZero(start)) return;
    this.#blanked = start;
    await this.#target.write(0, new Uint8Array(start.length));
    this.#writtenBytes += start.length;
    await this.#target.flush();
  }

  async #readBack(pageCount: number): Promise<string> {
    const hashes = new Uint8Array(pageCount * PAGE_HASH_BYTES);
    const batches = batchesOf(0, pageCount);
    await forEachParallel(batches.length, BATCHES_IN_FLIGHT, async (index) => {
      const batch = batches[index];
      if (batch === undefined) return;
      hashes.set(await this.hashesOf(batch), batch.firstPage * PAGE_HASH_BYTES);
      this.#advance(batch);
    });
    const contentRoot = Buffer.from(contentRootOf(hashes, this.#image.sizeBytes)).toString("hex");
    if (contentRoot === this.#image.contentRoot) return contentRoot;
    throw new CodedError(
      "page-corrupt",
      `${this.#image.partition} reads back differently from what was written.`,
      {
        hint: "The disk is likely failing: check it (smartctl -a) before repeating the restore.",
        retry: "later",
        facts: { partition: this.#image.partition, expected: this.#image.contentRoot, actual: contentRoot },
      },
    );
  }

  #advance({ firstPage, count }: Batch): void {
    const endBytes = Math.min((firstPage + count) * PAGE_BYTES, this.#image.sizeBytes);
    this.#context.progress.doneBytes += endBytes - firstPage * PAGE_BYTES;
  }
}

/** What of a run lies behind the first 4 KiB. */
function afterStart({ offset, length }: ByteRun): ByteRun[] {
  const from = Math.max(offset, BLANK_BYTES);
  return from < offset + length ? [{ offset: from, length: offset + length - from }] : [];
}

function batchesOf(firstPage: number, endPage: number): Batch[] {
  const batches: Batch[] = [];
  for (let first = firstPage; first < endPage; first += PAGES_PER_REQUEST) {
    batches.push({ firstPage: first, count: Math.min(PAGES_PER_REQUEST, endPage - first) });
  }
  return batches;
}

function isZero(bytes: Uint8Array): boolean {
  return (
    bytes[0] === 0 &&
    (bytes.length === 1 || Buffer.compare(bytes.subarray(1), bytes.subarray(0, bytes.length - 1)) === 0)
  );
}

/** A stream that breaks off is the network's failure; a frame that is wrong, or a disk that fails, keeps its own name. */
function asUnreachableUnlessOurs(thrown: unknown, { client, signal }: TaskContext): unknown {
  const cutOff =
    thrown instanceof CodedError &&
    thrown.code === "protocol-violation" &&
    /ends within/.test(thrown.message);
  return asUnreachable(cutOff ? new Error("the stream of pages broke off") : thrown, client.address, signal);
}

function damagedOnTheWay(image: RestoreImage, frame: Frame): CodedError {
  return new CodedError(
    "page-hash-mismatch",
    `Page ${frame.pageIndex} of ${image.partition} arrived damaged.`,
    {
      hint: "It was not written. Repeat the restore; if it happens again, check this PC's memory and network.",
      retry: "later",
    },
  );
}
