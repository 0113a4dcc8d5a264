// Assembling: segments as they lie in packs become pages, checked against their content hashes.
//
// Pure functions over shared memory, run by worker threads or by the caller. Everything a restore computes happens here,
// in one go: a segment is checked, decoded, and its blocks copied to where they belong. A decoded segment stays in
// the thread, unless other pages of the same read need it later: then it is left in a slot of shared memory for them.
import { hashPage, PAGE_BYTES, PAGE_HASH_BYTES, sameHash } from "#lib/page/page.ts";
import { FormatError } from "../format/bytes.ts";
import { type PackIdentity, SEGMENT_HEADER_BYTES, type SegmentClaim } from "../format/pack-format.ts";
import { readPatch } from "../format/patch-format.ts";
import { decodeFrame } from "../format/segment-codec.ts";
import { freeMemory } from "../free-memory.ts";
import { type PageWrites, writePages } from "./write-pages.ts";

/** A frame in the encoded bytes, and where its blocks go. */
export interface SegmentPart {
  readonly claim: SegmentClaim;
  /** Of its header in the encoded bytes. */
  readonly at: number;
  /** Three numbers a copy: byte of the decoded frame, byte of the pages, length. */
  readonly copies: readonly number[];
  /** Where the decoded frame is left for others, or null. It is large enough. */
  readonly slot: SharedArrayBuffer | null;
}

/** A frame that was decoded before, and where its blocks go. */
export interface DecodedPart {
  readonly slot: SharedArrayBuffer;
  readonly copies: readonly number[];
}

export interface AssembleTask {
  readonly pack: PackIdentity;
  readonly encoded: SharedArrayBuffer;
  readonly segments: readonly SegmentPart[];
  readonly decoded: readonly DecodedPart[];
  /** Page k begins at k · 256 KiB. */
  readonly pages: SharedArrayBuffer;
  /** Given when these were the last segments the pages need: then the pages are checked. */
  readonly expected: ExpectedPages | null;
  /** Where the pages go once they are checked; null when the caller takes them. */
  readonly writes: PageWrites | null;
}

export interface ExpectedPages {
  readonly lengths: readonly number[];
  readonly hashes: Uint8Array;
  /** What is laid over the pages once their blocks are there. */
  readonly patches: readonly PagePatch[];
}

export interface PagePatch {
  readonly page: number;
  readonly patch: Uint8Array;
}

export interface Assembled {
  /** Which of the segments is damaged, and how; the pages are worthless then. */
  readonly damaged: { readonly segment: number; readonly problem: string } | null;
  /** The first page that has not its hash, or null. */
  readonly wrongPage: number | null;
  /** Bytes written to the target. */
  readonly writtenBytes: number;
}

/** FormatError never, TargetFailure when the pages cannot be written. */
export function assemble(task: AssembleTask): Assembled {
  const pages = new Uint8Array(task.pages);
  for (const [index, segment] of task.segments.entries()) {
    try {
      const raw = decodedFrame(task, segment);
      copyBlocks(raw, segment.copies, pages);
      if (segment.slot !== null) new Uint8Array(segment.slot).set(raw);
      freeMemory(raw);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      return { damaged: { segment: index, problem: error.message }, wrongPage: null, writtenBytes: 0 };
    }
  }
  for (const { slot, copies } of task.decoded) copyBlocks(new Uint8Array(slot), copies, pages);
  for (const { page, patch } of task.expected?.patches ?? []) {
    const at = page * PAGE_BYTES;
    const length = task.expected?.lengths[page] ?? 0;
    try {
      readPatch(patch, length, pages.subarray(at, at + length));
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      return { damaged: null, wrongPage: page, writtenBytes: 0 }; // It was read from a checked manifest: it belongs to a longer page.
    }
  }
  const wrongPage = firstWrongPage(task, pages);
  const { expected, writes } = task;
  const isWritten = wrongPage === null && expected !== null && writes !== null;
  const writtenBytes = isWritten ? writePages(pages, expected.lengths, writes) : 0;
  return { damaged: null, wrongPage, writtenBytes };
}

function decodedFrame({ encoded, pack }: AssembleTask, { claim, at }: SegmentPart): Uint8Array {
  const bytes = new Uint8Array(encoded, at, SEGMENT_HEADER_BYTES + claim.encodedBytes);
  return decodeFrame(pack, claim, bytes);
}

function copyBlocks(raw: Uint8Array, copies: readonly number[], pages: Uint8Array): void {
  for (let index = 0; index < copies.length; index += 3) {
    const from = copies[index] as number;
    // A segment that holds less than its manifest says leaves wrong bytes: the page's hash tells.
    pages.set(raw.subarray(from, from + (copies[index + 2] as number)), copies[index + 1] as number);
  }
}

function firstWrongPage({ expected }: AssembleTask, pages: Uint8Array): number | null {
  if (expected === null) return null;
  for (const [page, length] of expected.lengths.entries()) {
    const bytes = pages.subarray(page * PAGE_BYTES, page * PAGE_BYTES + length);
    const hash = expected.hashes.subarray(page * PAGE_HASH_BYTES, (page + 1) * PAGE_HASH_BYTES);
    if (!sameHash(hashPage(bytes), hash)) return page;
  }
  return null;
}
