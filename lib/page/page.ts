// A page is 256 KiB of a partition: the unit of change detection, transfer, verification and resume.
//
// Everything here is pure and shared by both ends of the wire: the agent hashes its disk with it, the
// engine checks what arrives with it. The last page of a partition may be shorter and is never padded.
import { hash } from "node:crypto";

export const PAGE_BYTES = 256 * 1024;
/** SHA-256. */
export const PAGE_HASH_BYTES = 32;

export function pageCountOf(sizeBytes: number): number {
  return Math.ceil(sizeBytes / PAGE_BYTES);
}

/** Length of page `pageIndex` (0-based) of a partition of `sizeBytes`; only the last may be short. */
export function pageLength(sizeBytes: number, pageIndex: number): number {
  return Math.min(PAGE_BYTES, sizeBytes - pageIndex * PAGE_BYTES);
}

/** SHA-256 of the page's bytes, 32 bytes. */
export function hashPage(page: Uint8Array): Uint8Array {
  return hash("sha256", page, "buffer");
}

/** The one byte a page consists of (0 for a page of zeros), or null when it has at least two different ones. */
export function fillByteOf(bytes: Uint8Array): number | null {
  if (bytes.length === 0) return null;
  const first = bytes[0] as number;
  // Most bytes that are not all alike differ early or at the end: three looks spare the call below.
  if (first !== bytes[bytes.length - 1] || first !== bytes[bytes.length >>> 1]) return null;
  // Comparing the bytes with themselves shifted by one runs at memcmp speed and needs no reference page.
  return bytes.length === 1 || Buffer.compare(bytes.subarray(1), bytes.subarray(0, bytes.length - 1)) === 0
    ? first
    : null;
}

const fillHashes = new Map<string, Uint8Array>();

/** Hash of `lengthBytes` times the byte `fill`; remembered, since most pages of this kind are full zero pages. */
export function hashOfFill(fill: number, lengthBytes: number): Uint8Array {
  const key = `${fill}:${lengthBytes}`;
  let known = fillHashes.get(key);
  if (known === undefined) {
    known = hashPage(new Uint8Array(lengthBytes).fill(fill));
    if (fillHashes.size < 1024) fillHashes.set(key, known);
  }
  return known;
}

export function sameHash(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

/** A stretch of a page, in bytes from the page's start. */
export interface ByteRun {
  readonly offset: number;
  readonly length: number;
}

/** Where `wanted` differs from `present` (equal lengths), in whole grains of `grainBytes`, neighbours merged.
 *  A restore writes these and nothing else. */
export function differingRuns(wanted: Uint8Array, present: Uint8Array, grainBytes = 4096): ByteRun[] {
  const runs: { offset: number; length: number }[] = [];
  for (let offset = 0; offset < wanted.length; offset += grainBytes) {
    const end = Math.min(offset + grainBytes, wanted.length);
    if (Buffer.compare(wanted.subarray(offset, end), present.subarray(offset, end)) === 0) continue;
    const last = runs.at(-1);
    if (last !== undefined && last.offset + last.length === offset) last.length = end - last.offset;
    else runs.push({ offset, length: end - offset });
  }
  return runs;
}
