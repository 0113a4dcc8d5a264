// How much two images differ, as a judge independent of the engine sees it: by whole blocks and by whole pages at the
// same offset.
import { type FileHandle, open } from "node:fs/promises";
import { PAGE_BYTES } from "#lib/page/page.ts";

const BLOCK_BYTES = 4096;

export interface Difference {
  readonly blockBytes: number;
  readonly pageBytes: number;
}

export async function differingBytes(a: string, b: string, sizeBytes: number): Promise<Difference> {
  const [left, right] = [await open(a), await open(b)];
  try {
    const [one, two] = [Buffer.alloc(PAGE_BYTES), Buffer.alloc(PAGE_BYTES)];
    let blockBytes = 0;
    let pageBytes = 0;
    for (let offset = 0; offset < sizeBytes; offset += PAGE_BYTES) {
      const length = Math.min(PAGE_BYTES, sizeBytes - offset);
      await Promise.all([fill(left, one, length, offset), fill(right, two, length, offset)]);
      if (one.compare(two, 0, length, 0, length) === 0) continue;
      pageBytes += length;
      for (let at = 0; at < length; at += BLOCK_BYTES) {
        const end = Math.min(length, at + BLOCK_BYTES);
        if (one.compare(two, at, end, at, end) !== 0) blockBytes += end - at;
      }
    }
    return { blockBytes, pageBytes };
  } finally {
    await Promise.all([left.close(), right.close()]);
  }
}

async function fill(file: FileHandle, into: Buffer, length: number, offset: number): Promise<void> {
  for (let done = 0; done < length; ) {
    const { bytesRead } = await file.read(into, done, length - done, offset + done);
    if (bytesRead === 0) throw new Error(`An image ends at ${offset + done}, before its size.`);
    done += bytesRead;
  }
}
