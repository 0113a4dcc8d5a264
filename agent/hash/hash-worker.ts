// Runs in a thread: reads pages of a disk and hashes them, so that the main thread only talks. A thread keeps one file
// descriptor per disk until it is told to forget it, since a disk's table or cache may change between tasks.
import { closeSync, readSync } from "node:fs";
import { parentPort } from "node:worker_threads";
import { assert } from "#lib/model/assert.ts";
import { failureReportOf } from "#lib/model/errors.ts";
import { hashPage, PAGE_BYTES, PAGE_HASH_BYTES, pageLength } from "#lib/page/page.ts";
import { type Extent, extentsBytes, locate } from "../device/extents.ts";
import { openForReadingSync } from "../device/open-device.ts";
import { endedEarly, readFailed } from "../device/raw-device.ts";
import type { HashReply, HashRequest } from "./hash-pool.ts";

const port = parentPort;
assert(port !== null, "hash-worker.ts runs only as a thread");

const descriptors = new Map<string, number>();
const buffer = Buffer.allocUnsafeSlow(PAGE_BYTES);

port.on("message", (request: HashRequest) => {
  if (request.kind === "forget") {
    forget();
    port.postMessage({ id: request.id, hashes: new Uint8Array(0), failure: null } satisfies HashReply);
    return;
  }
  port.postMessage(replyTo(request));
});

function replyTo(request: Extract<HashRequest, { kind: "hash" }>): HashReply {
  try {
    return { id: request.id, hashes: hashPages(request), failure: null };
  } catch (thrown) {
    return { id: request.id, hashes: new Uint8Array(0), failure: failureReportOf(thrown) };
  }
}

function hashPages({ path, extents, firstPage, count }: Extract<HashRequest, { kind: "hash" }>): Uint8Array {
  const sizeBytes = extentsBytes(extents);
  const hashes = new Uint8Array(count * PAGE_HASH_BYTES);
  for (let index = 0; index < count; index++) {
    const page = buffer.subarray(0, pageLength(sizeBytes, firstPage + index));
    readExtents(path, extents, (firstPage + index) * PAGE_BYTES, page);
    hashes.set(hashPage(page), index * PAGE_HASH_BYTES);
  }
  return hashes;
}

function readExtents(path: string, extents: readonly Extent[], offsetBytes: number, into: Uint8Array): void {
  let done = 0;
  for (const part of locate(extents, offsetBytes, into.length)) {
    const end = done + part.lengthBytes;
    while (done < end) {
      const at = part.offsetBytes + part.lengthBytes - (end - done);
      const bytesRead = readAt(path, into.subarray(done, end), at);
      if (bytesRead === 0) throw endedEarly(path, at);
      done += bytesRead;
    }
  }
}

function readAt(path: string, into: Uint8Array, offsetBytes: number): number {
  let descriptor = descriptors.get(path);
  if (descriptor === undefined) {
    descriptor = openForReadingSync(path);
    descriptors.set(path, descriptor);
  }
  try {
    return readSync(descriptor, into, 0, into.length, offsetBytes);
  } catch (cause) {
    throw readFailed(path, offsetBytes, cause);
  }
}

function forget(): void {
  for (const descriptor of descriptors.values()) closeSync(descriptor);
  descriptors.clear();
}
