// Writing: pages that were just assembled and checked go onto a local target, from the thread that has them in its cache.
//
// Only what differs is written, and what was written is read again and compared before the next page: to compare costs a
// fraction of hashing it once more later, and the bytes are still in the processor's cache. Not the whole page: reading what was not
// written, a hole perhaps, makes the system read ahead, and fill memory with zeros that are overwritten right after.
import { readSync, writeSync } from "node:fs";
import { differingRuns, PAGE_BYTES } from "#lib/page/page.ts";

/** A target that threads write to by themselves. The caller keeps the descriptor open: it belongs to the whole process. */
export interface ThreadTarget {
  readonly descriptor: number;
  /** For messages. */
  readonly path: string;
}

/** Where assembled pages go. Page k of the assembled memory is `pageIndices[k]` of the target. */
export interface PageWrites extends ThreadTarget {
  readonly pageIndices: readonly number[];
  /** Pages known to be all zeros on the target: they are not read to see where they differ. */
  readonly areBlank: readonly boolean[];
}

export type TargetProblem = "unreadable" | "unwritable" | "full" | "not-kept";

export class TargetFailure extends Error {
  readonly problem: TargetProblem;
  readonly offsetBytes: number;

  constructor(problem: TargetProblem, offsetBytes: number, cause?: unknown) {
    super(cause instanceof Error ? cause.message : problem, { cause });
    this.problem = problem;
    this.offsetBytes = offsetBytes;
  }
}

const ZERO_PAGE = new Uint8Array(PAGE_BYTES);
/** What is on the target of one page; a thread does one thing at a time. */
const present = new Uint8Array(PAGE_BYTES);

/** Writes the pages that lie in `pages` one after the other; answers the bytes written. TargetFailure. */
export function writePages(pages: Uint8Array, lengths: readonly number[], writes: PageWrites): number {
  let writtenBytes = 0;
  for (const [slot, length] of lengths.entries()) {
    const page = pages.subarray(slot * PAGE_BYTES, slot * PAGE_BYTES + length);
    const offsetBytes = (writes.pageIndices[slot] as number) * PAGE_BYTES;
    writtenBytes += writePage(writes.descriptor, offsetBytes, page, writes.areBlank[slot] === true);
  }
  return writtenBytes;
}

function writePage(descriptor: number, offsetBytes: number, page: Uint8Array, isBlank: boolean): number {
  const before = isBlank ? ZERO_PAGE.subarray(0, page.length) : present.subarray(0, page.length);
  if (!isBlank) readBytes(descriptor, offsetBytes, before);
  let writtenBytes = 0;
  for (const { offset, length } of differingRuns(page, before)) {
    const run = page.subarray(offset, offset + length);
    writeBytes(descriptor, offsetBytes + offset, run);
    const after = present.subarray(0, length);
    readBytes(descriptor, offsetBytes + offset, after);
    if (Buffer.compare(run, after) !== 0) throw new TargetFailure("not-kept", offsetBytes);
    writtenBytes += length;
  }
  return writtenBytes;
}

function readBytes(descriptor: number, offsetBytes: number, into: Uint8Array): void {
  for (let done = 0; done < into.length; ) {
    let count: number;
    try {
      count = readSync(descriptor, into, done, into.length - done, offsetBytes + done);
    } catch (error) {
      throw new TargetFailure("unreadable", offsetBytes + done, error);
    }
    if (count === 0) throw new TargetFailure("unreadable", offsetBytes + done);
    done += count;
  }
}

function writeBytes(descriptor: number, offsetBytes: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(descriptor, bytes, done, bytes.length - done, offsetBytes + done);
    } catch (error) {
      throw new TargetFailure(isFull(error) ? "full" : "unwritable", offsetBytes + done, error);
    }
  }
}

function isFull(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT");
}
