// A volume made in code, as an image of pages: what restores read when they bring a PC its identity. Pages of nothing but zeros, which
// are most of them, are not kept.
import type { PageRecord } from "#lib/engine/repository.ts";
import { contentRootOf } from "#lib/page/content-root.ts";
import {
  fillByteOf,
  hashOfFill,
  hashPage,
  PAGE_BYTES,
  PAGE_HASH_BYTES,
  pageCountOf,
  pageLength,
} from "#lib/page/page.ts";
import type { LocalizedImage } from "./served-image.ts";

/** `volume` lies at the partition's beginning; what is behind it is zero. */
export function volumeImage(volume: Buffer, partitionBytes: number): LocalizedImage {
  const pageCount = pageCountOf(partitionBytes);
  const kept = new Map<number, Buffer>();
  const hashes = new Uint8Array(pageCount * PAGE_HASH_BYTES);
  for (let index = 0; index < pageCount; index += 1) {
    const lengthBytes = pageLength(partitionBytes, index);
    const page = Buffer.alloc(lengthBytes);
    volume.subarray(index * PAGE_BYTES, index * PAGE_BYTES + lengthBytes).copy(page);
    const isZero = fillByteOf(page) === 0;
    if (!isZero) kept.set(index, page);
    hashes.set(isZero ? hashOfFill(0, lengthBytes) : hashPage(page), index * PAGE_HASH_BYTES);
  }
  const recordOf = (index: number): PageRecord => ({
    index,
    lengthBytes: pageLength(partitionBytes, index),
    fillByte: kept.has(index) ? null : 0,
    contentHash: hashes.subarray(index * PAGE_HASH_BYTES, (index + 1) * PAGE_HASH_BYTES),
  });
  return {
    contentRoot: Buffer.from(contentRootOf(hashes, partitionBytes)).toString("hex"),
    pageRecords: async (first, count) =>
      Array.from({ length: Math.max(0, Math.min(count, pageCount - first)) }, (_, at) =>
        recordOf(first + at),
      ),
    readPages: async (indices, onPage, { signal } = {}) => {
      for (const index of indices) {
        signal?.throwIfAborted();
        await onPage(recordOf(index), kept.get(index) ?? Buffer.alloc(pageLength(partitionBytes, index)));
      }
    },
    close: () => undefined,
  };
}
