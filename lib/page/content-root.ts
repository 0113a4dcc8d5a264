// contentRoot: one hash over all page hashes of an image, the end-to-end check that two images are equal.
//
// It depends on the bytes alone: not on block ids, block size, packs or repository. Pure, and shared by the
// engine, the agent and tests. The definition is in docs/repository-format.md §6.
import { createHash } from "node:crypto";
import { assert } from "#lib/model/assert.ts";
import { PAGE_HASH_BYTES, pageCountOf } from "./page.ts";

/** Pages under one leaf of a manifest: 16 MiB of a partition. */
export const LEAF_PAGES = 64;
/** Children of one inner node. */
export const INNER_CHILDREN = 256;

const CONTENT_DOMAIN = Buffer.from("sheepfold-content-v1\0", "ascii");
const ROOT_DOMAIN = Buffer.from("sheepfold-content-root-v1\0", "ascii");

/** Content hash of one manifest node: of `level` 0 over page hashes, above it over the children's content hashes. */
export function contentHashOf(level: number, hashes: Uint8Array): Uint8Array {
  const head = Buffer.alloc(5);
  head.writeUInt8(level, 0);
  head.writeUInt32LE(hashes.length / PAGE_HASH_BYTES, 1);
  return createHash("sha256").update(CONTENT_DOMAIN).update(head).update(hashes).digest();
}

/** The contentRoot from the content hash of the topmost node. */
export function contentRootFromTop(topHash: Uint8Array, sizeBytes: number): Uint8Array {
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(sizeBytes));
  return createHash("sha256").update(ROOT_DOMAIN).update(size).update(topHash).digest();
}

/** The contentRoot from all page hashes, 32 bytes each, in page order. */
export function contentRootOf(pageHashes: Uint8Array, sizeBytes: number): Uint8Array {
  assert(
    pageHashes.length === pageCountOf(sizeBytes) * PAGE_HASH_BYTES && sizeBytes > 0,
    `${pageHashes.length} bytes of page hashes for an image of ${sizeBytes} bytes`,
  );
  let hashes = contentLevel(0, pageHashes, LEAF_PAGES);
  for (let level = 1; hashes.length > PAGE_HASH_BYTES; level++) {
    hashes = contentLevel(level, hashes, INNER_CHILDREN);
  }
  return contentRootFromTop(hashes, sizeBytes);
}

function contentLevel(level: number, hashes: Uint8Array, fanOut: number): Uint8Array {
  const stride = fanOut * PAGE_HASH_BYTES;
  const above = new Uint8Array(Math.ceil(hashes.length / stride) * PAGE_HASH_BYTES);
  for (let at = 0, index = 0; at < hashes.length; at += stride, index++) {
    above.set(contentHashOf(level, hashes.subarray(at, at + stride)), index * PAGE_HASH_BYTES);
  }
  return above;
}
