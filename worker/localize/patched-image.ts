// A stored image with its tokens replaced for one PC, page by page as they are asked for. Nothing of it is stored: the pages that
// hold tokens are read, compared with what was looked through, patched and hashed once when it is opened; only their hashes are kept.
import type { ImageReader, PageRecord } from "#lib/engine/repository.ts";
import { pagesOf } from "#lib/localize/image-scanner.ts";
import { type Patch, patchPage } from "#lib/localize/tokens.ts";
import { contentRootOf } from "#lib/page/content-root.ts";
import { hashPage, PAGE_BYTES, PAGE_HASH_BYTES } from "#lib/page/page.ts";
import type { LocalizedImage } from "./served-image.ts";

const RECORDS_AT_ONCE = 4096;

/** Throws `localization-refused` when the image is not what was looked through. */
export async function openPatchedImage(
  reader: ImageReader,
  patches: readonly Patch[],
  signal: AbortSignal,
): Promise<LocalizedImage> {
  const byPage = new Map<number, Patch[]>();
  for (const patch of patches)
    for (const page of pagesOf(patch.place)) byPage.set(page, [...(byPage.get(page) ?? []), patch]);
  const patched = (index: number, bytes: Uint8Array) =>
    patchPage(bytes, index * PAGE_BYTES, PAGE_BYTES, byPage.get(index) ?? []);
  const hashes = new Map<number, Uint8Array>();
  const touched = [...byPage.keys()].sort((left, right) => left - right);
  const readTouched = async ({ index }: PageRecord, bytes: Uint8Array) => {
    hashes.set(index, hashPage(patched(index, bytes)));
  };
  if (touched.length > 0) await reader.readPages(touched, readTouched, { signal });
  const asPatched = (record: PageRecord): PageRecord => {
    const contentHash = hashes.get(record.index);
    return contentHash === undefined ? record : { ...record, fillByte: null, contentHash };
  };
  const pageRecords = async (first: number, count: number) =>
    (await reader.pageRecords(first, count)).map(asPatched);
  return {
    contentRoot: await rootOf(pageRecords, reader.pageCount, reader.image.sizeBytes),
    pageRecords,
    readPages: (indices, onPage, options) =>
      reader.readPages(
        indices,
        (record, bytes) =>
          byPage.has(record.index)
            ? onPage(asPatched(record), patched(record.index, bytes))
            : onPage(record, bytes),
        options,
      ),
    close: () => reader.close(),
  };
}

async function rootOf(
  pageRecords: (first: number, count: number) => Promise<PageRecord[]>,
  pageCount: number,
  sizeBytes: number,
): Promise<string> {
  const hashes = new Uint8Array(pageCount * PAGE_HASH_BYTES);
  for (let first = 0; first < pageCount; first += RECORDS_AT_ONCE) {
    const records = await pageRecords(first, Math.min(RECORDS_AT_ONCE, pageCount - first));
    for (const { index, contentHash } of records) hashes.set(contentHash, index * PAGE_HASH_BYTES);
  }
  return Buffer.from(contentRootOf(hashes, sizeBytes)).toString("hex");
}
