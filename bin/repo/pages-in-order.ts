// pagesInOrder gives the pages of an image from first to last, for streams. The engine delivers pages in the order
// of its packs; so they are read in windows of 16 MiB, and while one is used the next is read.
import type { ImageReader } from "#lib/engine/repository.ts";
import { PAGE_BYTES } from "#lib/page/page.ts";

const WINDOW_PAGES = 64;

export interface OrderedPage {
  readonly offsetBytes: number;
  /** Nothing is stored for the page and all of it is zero. `bytes` is then shared between pages: only read it. */
  readonly zero: boolean;
  readonly bytes: Uint8Array;
}

const ZERO_PAGE = new Uint8Array(PAGE_BYTES);

export async function* pagesInOrder(reader: ImageReader, signal: AbortSignal): AsyncGenerator<OrderedPage> {
  let next = readWindow(reader, 0, signal);
  try {
    for (let first = 0; first < reader.pageCount; first += WINDOW_PAGES) {
      const window = await next;
      next = readWindow(reader, first + WINDOW_PAGES, signal);
      next.catch(() => undefined); // Told when its turn comes.
      yield* window;
    }
  } finally {
    // Whoever stops early may close the repository at once: nothing may still be reading it.
    await next.catch(() => undefined);
  }
}

async function readWindow(reader: ImageReader, first: number, signal: AbortSignal): Promise<OrderedPage[]> {
  const records = await reader.pageRecords(first, WINDOW_PAGES);
  const bytesOf = new Map<number, Uint8Array>();
  const stored = records.filter((record) => record.fillByte !== 0).map((record) => record.index);
  await reader.readPages(stored, async ({ index }, bytes) => void bytesOf.set(index, bytes.slice()), {
    signal,
  });
  return records.map(({ index, lengthBytes }) => {
    const bytes = bytesOf.get(index);
    const offsetBytes = index * PAGE_BYTES;
    return { offsetBytes, zero: bytes === undefined, bytes: bytes ?? ZERO_PAGE.subarray(0, lengthBytes) };
  });
}
