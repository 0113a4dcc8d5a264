// Looks through a snapshot's bytes, image by image and page by page, for tokens and for what stands against replacing them. Reads
// only.
import type { ImageReader, Repository, WorkOptions } from "#lib/engine/repository.ts";
import { ImageScanner, Surroundings } from "#lib/localize/image-scanner.ts";
import type { FoundToken, Obstacle, TokenScan } from "#lib/model/localization.ts";
import { DISK_LAYOUT } from "#lib/model/node.ts";
import { PAGE_BYTES } from "#lib/page/page.ts";

const PAGES_AT_ONCE = 64;

export async function scanSnapshot(
  repository: Repository,
  snapshotId: string,
  { signal, onProgress }: WorkOptions = {},
): Promise<TokenScan> {
  const { images } = repository.snapshot(snapshotId);
  const partitions = images.filter(
    ({ partition, details }) => (details.partition ?? partition) !== DISK_LAYOUT,
  );
  const totalBytes = partitions.reduce((sum, image) => sum + image.sizeBytes, 0);
  let before = 0;
  const scan: TokenScan[number][] = [];
  for (const { partition, sizeBytes } of partitions) {
    const reader = await repository.openImage(snapshotId, partition);
    try {
      const found = await scanImage(reader, signal, (pages) =>
        onProgress?.({ doneBytes: before + Math.min(pages * PAGE_BYTES, sizeBytes), totalBytes }),
      );
      scan.push({ partition, ...found });
    } finally {
      reader.close();
    }
    before += sizeBytes;
  }
  return scan;
}

async function scanImage(
  reader: ImageReader,
  signal: AbortSignal | undefined,
  onPages: (count: number) => void,
): Promise<{ tokens: readonly FoundToken[]; obstacles: readonly Obstacle[] }> {
  const scanner = new ImageScanner();
  for (let first = 0; first < reader.pageCount; first += PAGES_AT_ONCE) {
    signal?.throwIfAborted();
    for (const page of await pagesFrom(reader, first, signal)) scanner.push(page);
    onPages(first + PAGES_AT_ONCE);
  }
  const { tokens, obstacles } = scanner.finish();
  const surroundings = new Surroundings(tokens);
  if (surroundings.pages.length > 0) {
    const take = async ({ index }: { index: number }, bytes: Uint8Array) => surroundings.take(index, bytes);
    await reader.readPages(surroundings.pages, take, { signal });
  }
  return { tokens: surroundings.finish(), obstacles };
}

/** In the image's order: the scanner finds what lies across borders. A page of one repeated byte is not read. */
async function pagesFrom(
  reader: ImageReader,
  first: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array[]> {
  const records = await reader.pageRecords(first, PAGES_AT_ONCE);
  const pages = records.map(({ lengthBytes, fillByte }) => new Uint8Array(lengthBytes).fill(fillByte ?? 0));
  const stored = records.filter(({ fillByte }) => fillByte === null).map(({ index }) => index);
  const copy = async ({ index }: { index: number }, bytes: Uint8Array) => pages[index - first]?.set(bytes);
  if (stored.length > 0) await reader.readPages(stored, copy, { signal });
  return pages;
}
