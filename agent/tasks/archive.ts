// Archive: for each partition, hash its pages, offer the hashes, send the pages the gateway wants, and compare contentRoots
// at the end. An unchanged disk costs its hashing and a few kilobytes of network.
//
// The disk may be in use and change under us. A page whose bytes no longer match the hash offered is kept in memory and
// offered anew, so that what is sent is exactly what was offered, however busy the disk.

import { z } from "zod";
import { CodedError } from "#lib/model/errors.ts";
import { contentRootOf } from "#lib/page/content-root.ts";
import { hashPage, PAGE_BYTES, PAGE_HASH_BYTES, pageCountOf, pageLength, sameHash } from "#lib/page/page.ts";
import {
  type ArchiveImage,
  FinishImageResponse,
  type ImageResult,
  OfferResponse,
  PAGES_PER_REQUEST,
  type TaskMessage,
} from "#lib/protocol/control.ts";
import { encodePage, imageTag } from "#lib/protocol/frames.ts";
import { type Disk, extentsOfPartition, inspectDisk } from "../device/disk.ts";
import { ExtentTarget } from "../device/extents.ts";
import { openDevice } from "../device/open-device.ts";
import { forEachParallel, madeAhead } from "../parallel.ts";
import { retrying } from "../retrying.ts";
import { imageRoute, OUTAGE_MS_MAX, type TaskContext } from "./task-context.ts";

// Each batch in flight holds at most 16 MiB of pages.
const BATCHES_IN_FLIGHT = 3;
const FRAMES_AHEAD = 4;
// The second round sends from memory, so a third can only follow a lost answer.
const OFFER_ROUNDS_MAX = 5;

type ArchiveTask = Extract<TaskMessage, { kind: "archive" }>;

export async function archive(context: TaskContext, task: ArchiveTask): Promise<ImageResult[]> {
  const disks = await Promise.all(context.diskPaths.map(inspectDisk));
  context.progress.step = "comparing";
  context.progress.totalBytes = task.images.reduce((sum, image) => sum + image.sizeBytes, 0);
  const results: ImageResult[] = [];
  try {
    for (const image of task.images) {
      results.push(await archiveImage(context, task.snapshotId, image, diskOf(disks, image)));
    }
  } finally {
    await context.pool.forget();
  }
  context.progress.step = "committing";
  return results;
}

async function archiveImage(
  context: TaskContext,
  snapshotId: string,
  image: ArchiveImage,
  disk: Disk,
): Promise<ImageResult> {
  const extents = extentsOfPartition(disk, image.partition);
  if (extents === null) throw changedSize(disk, image, null);
  const device = await openDevice(disk.path, "read");
  try {
    const source = new ExtentTarget(device, extents);
    if (source.sizeBytes !== image.sizeBytes) throw changedSize(disk, image, source.sizeBytes);
    const upload = new ImageUpload(
      context,
      image,
      source,
      imageTag(snapshotId, image.diskSerial, image.partition),
    );
    await upload.run();
    return await upload.finish();
  } finally {
    await device.close();
  }
}

class ImageUpload {
  readonly #context: TaskContext;
  readonly #image: ArchiveImage;
  readonly #source: ExtentTarget;
  readonly #tag: Uint8Array;
  /** As last offered: what the archived image consists of. */
  readonly #hashes: Uint8Array;
  #sentBytes = 0;

  constructor(context: TaskContext, image: ArchiveImage, source: ExtentTarget, tag: Uint8Array) {
    this.#context = context;
    this.#image = image;
    this.#source = source;
    this.#tag = tag;
    this.#hashes = new Uint8Array(pageCountOf(image.sizeBytes) * PAGE_HASH_BYTES);
  }

  async run(): Promise<void> {
    const pageCount = pageCountOf(this.#image.sizeBytes);
    const batchCount = Math.ceil(pageCount / PAGES_PER_REQUEST);
    await forEachParallel(batchCount, BATCHES_IN_FLIGHT, (batch) => {
      const firstPage = batch * PAGES_PER_REQUEST;
      return this.#batch(firstPage, Math.min(PAGES_PER_REQUEST, pageCount - firstPage));
    });
  }

  /** The gateway's root must be ours: both computed it from what they have. */
  async finish(): Promise<ImageResult> {
    const { image } = this.#image;
    const route = imageRoute(this.#context, image, "finish");
    const { contentRoot } = await this.#talk(() =>
      this.#context.client.call(route, {}, FinishImageResponse, this.#options()),
    );
    const ours = Buffer.from(contentRootOf(this.#hashes, this.#image.sizeBytes)).toString("hex");
    if (contentRoot !== ours) {
      throw new CodedError(
        "page-corrupt",
        `The archived ${this.#image.partition} is not what was read from the disk.`,
        {
          hint: "Nothing was committed; take the snapshot again.",
          retry: "later",
          facts: { contentRoot, expected: ours },
        },
      );
    }
    const { sizeBytes } = this.#image;
    return { image, contentRoot, readBytes: sizeBytes, differingBytes: this.#sentBytes, writtenBytes: 0 };
  }

  async #batch(firstPage: number, count: number): Promise<void> {
    this.#context.signal.throwIfAborted();
    const { path } = this.#source.device;
    const hashes = this.#hashes.subarray(firstPage * PAGE_HASH_BYTES, (firstPage + count) * PAGE_HASH_BYTES);
    hashes.set(await this.#context.pool.hashPages({ path, extents: this.#source.extents, firstPage, count }));
    const changed = new Map<number, Uint8Array>();
    let wanted = await this.#offer(firstPage, hashes);
    for (let round = 1; wanted.length > 0; round++) {
      if (round > OFFER_ROUNDS_MAX) throw offeredInVain(this.#image, firstPage);
      this.#context.progress.step = "transferring";
      await this.#send(wanted, firstPage, hashes, changed);
      wanted = await this.#offer(firstPage, hashes);
    }
    const endBytes = Math.min((firstPage + count) * PAGE_BYTES, this.#image.sizeBytes);
    this.#context.progress.doneBytes += endBytes - firstPage * PAGE_BYTES;
  }

  async #offer(firstPage: number, hashes: Uint8Array): Promise<number[]> {
    const route = `${imageRoute(this.#context, this.#image.image, "offer")}?first=${firstPage}`;
    const { wanted } = await this.#talk(() =>
      this.#context.client.send(route, hashes, OfferResponse, this.#options()),
    );
    const count = hashes.length / PAGE_HASH_BYTES;
    if (wanted.some((index) => index < firstPage || index >= firstPage + count)) {
      throw new CodedError("protocol-violation", "The server asks for pages that were not offered.");
    }
    return wanted;
  }

  /** A broken connection needs no retry here: the next offer asks again for exactly what did not arrive. */
  async #send(
    wanted: readonly number[],
    firstPage: number,
    hashes: Uint8Array,
    changed: Map<number, Uint8Array>,
  ): Promise<void> {
    const frames = madeAhead(wanted, FRAMES_AHEAD, (index) => this.#frame(index, firstPage, hashes, changed));
    const route = imageRoute(this.#context, this.#image.image, "pages");
    await this.#context.client
      .send(route, present(frames), z.object({}), this.#options())
      .catch((thrown: unknown) => {
        if (thrown instanceof CodedError && thrown.code === "server-unreachable") return;
        throw thrown;
      });
  }

  /** Null when the page changed since it was offered: its new hash then goes into the next offer, its bytes are kept. */
  async #frame(
    pageIndex: number,
    firstPage: number,
    hashes: Uint8Array,
    changed: Map<number, Uint8Array>,
  ): Promise<Buffer | null> {
    const at = (pageIndex - firstPage) * PAGE_HASH_BYTES;
    const offered = hashes.subarray(at, at + PAGE_HASH_BYTES);
    const page = changed.get(pageIndex) ?? (await this.#readPage(pageIndex));
    const contentHash = hashPage(page);
    if (!sameHash(contentHash, offered)) {
      changed.set(pageIndex, page);
      hashes.set(contentHash, at);
      return null;
    }
    this.#sentBytes += page.length;
    return encodePage({ imageTag: this.#tag, pageIndex, lengthBytes: page.length, contentHash }, page);
  }

  async #readPage(pageIndex: number): Promise<Uint8Array> {
    const page = Buffer.allocUnsafe(pageLength(this.#image.sizeBytes, pageIndex));
    await this.#source.read(pageIndex * PAGE_BYTES, page);
    return page;
  }

  #talk<Answer>(work: () => Promise<Answer>): Promise<Answer> {
    return retrying(work, this.#context.signal, OUTAGE_MS_MAX);
  }

  #options() {
    return { leaseId: this.#context.leaseId, signal: this.#context.signal };
  }
}

async function* present(frames: AsyncIterable<Buffer | null>): AsyncGenerator<Buffer> {
  for await (const frame of frames) if (frame !== null) yield frame;
}

function diskOf(disks: readonly Disk[], image: ArchiveImage): Disk {
  const disk = disks.find((candidate) => candidate.info.serial === image.diskSerial);
  if (disk !== undefined) return disk;
  throw new CodedError("source-missing", `This PC no longer has the disk ${image.diskSerial}.`, {
    hint: "Connect it again, or restart the agent so that it tells the server its present disks.",
  });
}

function changedSize(disk: Disk, image: ArchiveImage, presentBytes: number | null): CodedError {
  const now =
    presentBytes === null ? "is no longer there" : `has ${presentBytes} bytes, not ${image.sizeBytes}`;
  return new CodedError("source-changed-size", `${image.partition} of ${disk.path} ${now}.`, {
    hint: "The disk was partitioned anew meanwhile; take the snapshot again.",
    retry: "later",
  });
}

function offeredInVain(image: ArchiveImage, firstPage: number): CodedError {
  return new CodedError(
    "server-unreachable",
    `Pages from ${firstPage} of ${image.partition} did not reach the server in ${OFFER_ROUNDS_MAX} rounds.`,
    { hint: "Check the network between this PC and the server.", retry: "later" },
  );
}
