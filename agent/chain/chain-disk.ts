// The partitions of this PC as the chain sees them: one row of pages. Every page is checked against the snapshot's own list of
// hashes before it is written, and again when it is read for a neighbour.

import { chainTag, type PageSpace } from "#lib/chain/page-space.ts";
import { CodedError } from "#lib/model/errors.ts";
import { contentRootOf } from "#lib/page/content-root.ts";
import {
  fillByteOf,
  hashOfFill,
  hashPage,
  PAGE_BYTES,
  PAGE_HASH_BYTES,
  pageCountOf,
  sameHash,
} from "#lib/page/page.ts";
import { PAGES_PER_REQUEST, type RestoreImage } from "#lib/protocol/control.ts";
import { encodeFill, encodePage, pageOf, parseFrame } from "#lib/protocol/frames.ts";
import { asUnreachable } from "../gateway-client.ts";
import { retrying } from "../retrying.ts";
import type { ImageRestore } from "../tasks/restore-image.ts";
import { imageRoute, OUTAGE_MS_MAX, type TaskContext } from "../tasks/task-context.ts";
import { PageIndex } from "./page-index.ts";
import type { ChainPage, Elsewhere, PageScan, PageStore } from "./page-store.ts";

/** Hashes per request: 2 MiB. */
const HASHES_PER_REQUEST = 65_536;

export class ChainDisk implements PageStore {
  readonly #chainId: string;
  readonly #space: PageSpace<RestoreImage>;
  readonly #hashes: Uint8Array;
  readonly #restores: readonly ImageRestore[];
  readonly #index: PageIndex;

  constructor(
    chainId: string,
    space: PageSpace<RestoreImage>,
    hashes: Uint8Array,
    restores: readonly ImageRestore[],
  ) {
    this.#chainId = chainId;
    this.#space = space;
    this.#hashes = hashes;
    this.#restores = restores;
    this.#index = new PageIndex(hashes, (page) => this.#isZeros(page));
  }

  get pageCount(): number {
    return this.#space.pageCount;
  }

  get firstPages(): readonly number[] {
    return this.#space.firstPages;
  }

  get batches(): { first: number; count: number }[] {
    return this.#space.images.flatMap(({ sizeBytes }, position) => {
      const pages = pageCountOf(sizeBytes);
      return Array.from({ length: Math.ceil(pages / PAGES_PER_REQUEST) }, (_, index) => ({
        first: this.#space.pageAt(position, index * PAGES_PER_REQUEST),
        count: Math.min(PAGES_PER_REQUEST, pages - index * PAGES_PER_REQUEST),
      }));
    });
  }

  lengthOf(page: number): number {
    return this.#space.placeOf(page).lengthBytes;
  }

  /** Which of these pages are already what they shall be. All of one image. Pages that shall be one repeated byte need
   *  nobody: those that are not are made so. */
  async scan(first: number, count: number, canWrite: boolean): Promise<PageScan> {
    const { position, pageIndex } = this.#space.placeOf(first);
    const restore = this.#restoreAt(position);
    const present = await restore.hashesOf({ firstPage: pageIndex, count });
    const isThere: boolean[] = [];
    const elsewhere: Elsewhere[] = [];
    for (let index = 0; index < count; index += 1) {
      const page = first + index;
      const there = present.subarray(index * PAGE_HASH_BYTES, (index + 1) * PAGE_HASH_BYTES);
      let isRight = sameHash(there, this.#hashOf(page));
      // The first page of an image waits for the others.
      if (!isRight && canWrite && pageIndex + index > 0 && this.#isZeros(page)) {
        await restore.writePage(pageIndex + index, new Uint8Array(this.lengthOf(page)));
        isRight = true;
      }
      isThere.push(isRight);
      if (isRight) continue;
      for (const other of this.#index.pagesWith(there)) elsewhere.push({ page: other, from: page });
      for (const other of this.#index.pagesWith(this.#hashOf(page)))
        if (other !== page) elsewhere.push({ page, from: other });
    }
    return { isThere, elsewhere };
  }

  /** A page from above, checked; null when it is not the page it claims to be. */
  async open(bytes: Buffer): Promise<{ page: number; content: ChainPage } | null> {
    const frame = parseFrame(bytes);
    const position = this.#space.images.findIndex((_, index) =>
      sameHash(chainTag(this.#chainId, index), frame.imageTag),
    );
    const image = this.#space.images[position];
    if (image === undefined || frame.pageIndex >= pageCountOf(image.sizeBytes)) throw notOurs();
    const page = this.#space.pageAt(position, frame.pageIndex);
    if (frame.lengthBytes !== this.lengthOf(page)) throw notOurs();
    const content = await pageOf(frame);
    return sameHash(hashPage(content), this.#hashOf(page))
      ? { page, content: { frame: bytes, bytes: content } }
      : null;
  }

  async write(page: number, content: ChainPage): Promise<void> {
    const { position, pageIndex } = this.#space.placeOf(page);
    await this.#restoreAt(position).writePage(pageIndex, content.bytes);
  }

  /** For a neighbour; null when the disk does not hold it (any more). */
  read(page: number): Promise<ChainPage | null> {
    return this.copyOf(page, page);
  }

  async copyOf(page: number, from: number): Promise<ChainPage | null> {
    const { position, pageIndex, lengthBytes } = this.#space.placeOf(page);
    if (this.lengthOf(from) !== lengthBytes) return null;
    const bytes = Buffer.allocUnsafe(lengthBytes);
    const place = this.#space.placeOf(from);
    await this.#restoreAt(place.position).readAt(place.pageIndex * PAGE_BYTES, bytes);
    const contentHash = this.#hashOf(page);
    if (!sameHash(hashPage(bytes), contentHash)) return null;
    const header = { imageTag: chainTag(this.#chainId, position), pageIndex, lengthBytes, contentHash };
    const fill = fillByteOf(bytes);
    const frame = fill === null ? await encodePage(header, bytes) : encodeFill(header, fill);
    return { frame, bytes };
  }

  #isZeros(page: number): boolean {
    return sameHash(this.#hashOf(page), hashOfFill(0, this.lengthOf(page)));
  }

  #hashOf(page: number): Uint8Array {
    return this.#hashes.subarray(page * PAGE_HASH_BYTES, (page + 1) * PAGE_HASH_BYTES);
  }

  #restoreAt(position: number): ImageRestore {
    const restore = this.#restores[position];
    if (restore === undefined) throw new Error(`The chain has no image at ${position}.`);
    return restore;
  }
}

/** The hashes of all pages of the space, checked against the roots that the task names. */
export async function fetchHashes(context: TaskContext, space: PageSpace<RestoreImage>): Promise<Uint8Array> {
  const all = new Uint8Array(space.pageCount * PAGE_HASH_BYTES);
  for (const [position, { image, partition, sizeBytes, contentRoot }] of space.images.entries()) {
    const start = space.pageAt(position, 0) * PAGE_HASH_BYTES;
    const hashes = all.subarray(start, start + pageCountOf(sizeBytes) * PAGE_HASH_BYTES);
    for (let first = 0; first < pageCountOf(sizeBytes); first += HASHES_PER_REQUEST) {
      const into = hashes.subarray(first * PAGE_HASH_BYTES, (first + HASHES_PER_REQUEST) * PAGE_HASH_BYTES);
      await retrying(() => fetchInto(context, image, first, into), context.signal, OUTAGE_MS_MAX);
    }
    if (Buffer.from(contentRootOf(hashes, sizeBytes)).toString("hex") === contentRoot) continue;
    throw new CodedError(
      "protocol-violation",
      `The server's list of pages of ${partition} is not that of the snapshot.`,
      {
        hint: "Nothing was written. Repeat it; if it happens again, verify the repository.",
        retry: "later",
      },
    );
  }
  return all;
}

async function fetchInto(
  context: TaskContext,
  image: number,
  first: number,
  into: Uint8Array,
): Promise<void> {
  const { client, leaseId, signal } = context;
  const route = `${imageRoute(context, image, "hashes")}?first=${first}`;
  const response = await client.open(route, new Uint8Array(0), { leaseId, signal });
  let at = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      if (at + chunk.length > into.length) throw notOurs();
      into.set(chunk, at);
      at += chunk.length;
    }
  } catch (cause) {
    throw asUnreachable(cause, client.address, signal);
  }
  if (at < into.length)
    throw asUnreachable(new Error("the list of hashes broke off"), client.address, signal);
}

function notOurs(): CodedError {
  return new CodedError("protocol-violation", "A neighbour sent a page that is no part of this clone.", {
    hint: "Nothing of it was written.",
  });
}
