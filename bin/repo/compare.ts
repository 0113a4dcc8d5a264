// compareWithImage counts how much of a file or device differs from an image, without writing: what a restore would
// have to look at. It needs only the image's page hashes, not its blocks.
import { open } from "node:fs/promises";
import type { ImageReader, RestoreReport, WorkOptions } from "#lib/engine/repository.ts";
import { CodedError } from "#lib/model/errors.ts";
import { hashPage, PAGE_BYTES, sameHash } from "#lib/page/page.ts";

/** Page records fetched at a time: 1 GiB of image. */
const RECORDS_AT_ONCE = 4096;

/** `path` null: the target is still to be made and reads as zeros. */
export async function compareWithImage(
  reader: ImageReader,
  path: string | null,
  { signal, onProgress }: WorkOptions,
): Promise<RestoreReport> {
  const startedMs = performance.now();
  const totalBytes = reader.image.sizeBytes;
  const handle = path === null ? null : await open(path, "r");
  const page = new Uint8Array(PAGE_BYTES);
  let differingBytes = 0;
  try {
    for (let first = 0; first < reader.pageCount; first += RECORDS_AT_ONCE) {
      for (const record of await reader.pageRecords(first, RECORDS_AT_ONCE)) {
        signal?.throwIfAborted();
        const bytes = page.subarray(0, record.lengthBytes);
        if (handle === null) {
          if (record.fillByte !== 0) differingBytes += record.lengthBytes;
        } else {
          const { bytesRead } = await handle.read(bytes, 0, bytes.length, record.index * PAGE_BYTES);
          if (bytesRead !== bytes.length) throw shrank(path ?? "");
          if (!sameHash(hashPage(bytes), record.contentHash)) differingBytes += record.lengthBytes;
        }
        onProgress?.({ doneBytes: record.index * PAGE_BYTES + record.lengthBytes, totalBytes });
      }
    }
  } finally {
    await handle?.close();
  }
  const seconds = (performance.now() - startedMs) / 1000;
  return { readBytes: handle === null ? 0 : totalBytes, differingBytes, writtenBytes: 0, seconds };
}

function shrank(path: string): CodedError {
  return new CodedError("target-too-small", `${path} became shorter while it was read.`, {
    hint: "Make sure that nothing else changes it, and try again.",
  });
}
