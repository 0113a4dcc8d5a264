// Changed-block hints: somebody (a hypervisor, dm-era, a snapshot file system) says which bytes of a source may differ from the
// parent image. Pages outside are then taken over without being read. Such maps have been wrong in every system that used them, so
// none is believed: of the pages it spares, some chosen by chance are read all the same, and one that differs voids the whole map.
//
// First what to read is decided, from numbers alone; then the source is asked. Nothing is settled before the sample has agreed.

import type { Random } from "#lib/model/clock.ts";
import { CodedError } from "#lib/model/errors.ts";
import { hashPage, PAGE_BYTES, PAGE_HASH_BYTES, pageCountOf, pageLength, sameHash } from "#lib/page/page.ts";
import { BATCH_PAGES } from "../threads/scan.ts";
import type { ByteSource, ChangedRange, ChangeHints, ImageRecord } from "../types.ts";

const SAMPLED_SHARE = 1 / 256;
const SAMPLED_MIN = 16;
/** Pages taken over in one turn. */
const TAKEN_OVER_AT_ONCE = 64;

/** In an image's details: what became of the hints it was archived with. */
export const HINTS_DETAIL = "hints";
/** Archives in a row that left pages unread, this one included. */
const HINTS_RUN_DETAIL = "hintsRun";
const HINTS_UNREAD_DETAIL = "hintsUnreadPages";
const HINTS_SAMPLED_DETAIL = "hintsSampledPages";
/** A page that differed although the hints spared it. */
const HINTS_WRONG_DETAIL = "hintsWrongPage";

/** "used": pages were left unread; "right": all was read and agreed; "wrong": all was read, because some did not. */
export type HintsOutcome = "used" | "right" | "wrong";

/** What hints are measured against. */
export interface HintedParent {
  readonly sizeBytes: number;
  /** Of each page; zeros of those that must not be taken over. */
  readonly hashes: Uint8Array;
  readonly snapshotId: string;
  readonly details: Readonly<Record<string, string>>;
}

/** Neighbouring pages that are read, or taken over from the parent. */
export interface PageStretch {
  readonly at: number;
  readonly byteCount: number;
  readonly isRead: boolean;
}

/** A source as it is archived without hints: all of it, batch by batch. */
export function* wholeSource(sizeBytes: number): Generator<PageStretch> {
  const batchBytes = BATCH_PAGES * PAGE_BYTES;
  for (let at = 0; at < sizeBytes; at += batchBytes) {
    yield { at, byteCount: Math.min(batchBytes, sizeBytes - at), isRead: true };
  }
}

export class HintedSource {
  readonly #parent: HintedParent;
  /** 1: the hints say nothing of this page, or it must not be taken over. */
  readonly #isRead: Uint8Array;
  readonly #runLength: number;
  #readsAll: boolean;
  #sampledCount = 0;
  #wrongPage: number | null = null;

  /** Refuses hints that do not fit the source or its parent. */
  constructor(hints: ChangeHints, sizeBytes: number, parent: HintedParent | null) {
    checkRanges(hints.ranges, sizeBytes);
    this.#parent = checkParent(hints, sizeBytes, parent);
    this.#isRead = pagesInRanges(hints.ranges, sizeBytes);
    readSuspects(this.#isRead, this.#parent.hashes);
    this.#runLength = runLengthOf(this.#parent.details) + 1;
    this.#readsAll = hints.readAllEvery !== undefined && this.#runLength >= hints.readAllEvery;
  }

  /** Reads a sample of the pages the hints spare. One that differs voids them. */
  async sample(source: ByteSource, random: Random): Promise<void> {
    if (this.#readsAll) return;
    const page = new Uint8Array(PAGE_BYTES);
    for (const index of chosenByChance(sparedPages(this.#isRead), random)) {
      const bytes = page.subarray(0, pageLength(source.sizeBytes, index));
      await source.read(index * PAGE_BYTES, bytes);
      this.#sampledCount += 1;
      this.compare(index, hashPage(bytes));
      if (this.#wrongPage !== null) return;
    }
  }

  /** A page was read and has this hash. A spared page of another hash than the parent's says that the hints are wrong. */
  compare(page: number, hash: Uint8Array): void {
    if (this.#isRead[page] === 1 || this.#wrongPage !== null || sameHash(hash, this.hashOf(page))) return;
    this.#wrongPage = page;
    this.#readsAll = true;
  }

  hashOf(page: number): Uint8Array {
    return this.#parent.hashes.subarray(page * PAGE_HASH_BYTES, (page + 1) * PAGE_HASH_BYTES);
  }

  /** All of the source in order, in what is read and what is not. */
  *stretches(): Generator<PageStretch> {
    const { sizeBytes } = this.#parent;
    if (this.#readsAll) {
      yield* wholeSource(sizeBytes);
      return;
    }
    for (let first = 0; first < this.#isRead.length; ) {
      const isRead = this.#isRead[first] === 1;
      const countMax = isRead ? BATCH_PAGES : TAKEN_OVER_AT_ONCE;
      let count = 1;
      while (count < countMax && this.#isRead[first + count] === (isRead ? 1 : 0)) count += 1;
      const at = first * PAGE_BYTES;
      yield { at, byteCount: Math.min(count * PAGE_BYTES, sizeBytes - at), isRead };
      first += count;
    }
  }

  /** What the image's record says of its hints. */
  details(): Record<string, string> {
    const outcome: HintsOutcome = this.#wrongPage !== null ? "wrong" : this.#readsAll ? "right" : "used";
    const unreadCount = this.#readsAll ? 0 : sparedPages(this.#isRead).length;
    return {
      [HINTS_DETAIL]: outcome,
      [HINTS_UNREAD_DETAIL]: `${unreadCount}`,
      [HINTS_SAMPLED_DETAIL]: `${this.#sampledCount}`,
      [HINTS_RUN_DETAIL]: `${outcome === "used" ? this.#runLength : 0}`,
      ...(this.#wrongPage === null ? {} : { [HINTS_WRONG_DETAIL]: `${this.#wrongPage}` }),
    };
  }
}

/** In words, when the hints an image was archived with were wrong; else null. */
export function hintsFinding({ details, partition }: ImageRecord): string | null {
  if (details[HINTS_DETAIL] !== "wrong") return null;
  return (
    `The list of changed ranges is wrong: page ${details[HINTS_WRONG_DETAIL]} of ${partition} differs from the parent and is not in it. ` +
    "Everything was read, and the image is right. Find out what makes these lists before using another."
  );
}

function checkRanges(ranges: readonly ChangedRange[], sizeBytes: number): void {
  let end = 0;
  for (const [index, { offsetBytes, lengthBytes }] of ranges.entries()) {
    const range = `Changed range ${index + 1} (${offsetBytes}, ${lengthBytes} bytes)`;
    if (!Number.isSafeInteger(offsetBytes) || !Number.isSafeInteger(lengthBytes) || lengthBytes <= 0) {
      throw refused(`${range} is not a place in bytes and a length above 0`);
    }
    if (offsetBytes < end)
      throw refused(`${range} begins before the one in front of it ends, or before byte 0`);
    end = offsetBytes + lengthBytes;
    if (end > sizeBytes) throw refused(`${range} goes beyond the source's ${sizeBytes} bytes`);
  }
}

function checkParent(hints: ChangeHints, sizeBytes: number, parent: HintedParent | null): HintedParent {
  if (parent === null) throw refused("There is no earlier image that changed ranges could refer to");
  if (hints.since !== undefined && hints.since !== parent.snapshotId) {
    throw refused(
      `The changed ranges are those since ${hints.since}, but this image is compared with ${parent.snapshotId}`,
    );
  }
  if (parent.sizeBytes === sizeBytes) return parent;
  throw refused(`The source has ${sizeBytes} bytes and its earlier image ${parent.sizeBytes}`);
}

function pagesInRanges(ranges: readonly ChangedRange[], sizeBytes: number): Uint8Array {
  const pages = new Uint8Array(pageCountOf(sizeBytes));
  for (const { offsetBytes, lengthBytes } of ranges) {
    const last = Math.floor((offsetBytes + lengthBytes - 1) / PAGE_BYTES);
    pages.fill(1, Math.floor(offsetBytes / PAGE_BYTES), last + 1);
  }
  return pages;
}

/** Pages without a hash lie in damaged packs: only reading them heals. */
function readSuspects(isRead: Uint8Array, hashes: Uint8Array): void {
  const none = new Uint8Array(PAGE_HASH_BYTES);
  for (let page = 0; page < isRead.length; page++) {
    if (sameHash(hashes.subarray(page * PAGE_HASH_BYTES, (page + 1) * PAGE_HASH_BYTES), none))
      isRead[page] = 1;
  }
}

function sparedPages(isRead: Uint8Array): number[] {
  const spared: number[] = [];
  for (let page = 0; page < isRead.length; page++) if (isRead[page] === 0) spared.push(page);
  return spared;
}

/** One in 256, 16 at least, in order: each set of that many is as likely as any other. */
function chosenByChance(pages: readonly number[], random: Random): number[] {
  const count = Math.min(pages.length, Math.max(SAMPLED_MIN, Math.ceil(pages.length * SAMPLED_SHARE)));
  const pool = [...pages];
  const numbers = new Uint32Array(random.bytes(4 * count).slice().buffer);
  for (let at = 0; at < count; at++) {
    const from = at + ((numbers[at] as number) % (pool.length - at));
    const chosen = pool[from] as number;
    pool[from] = pool[at] as number;
    pool[at] = chosen;
  }
  return pool.slice(0, count).sort((a, b) => a - b);
}

function runLengthOf(details: Readonly<Record<string, string>>): number {
  const length = Number(details[HINTS_RUN_DETAIL] ?? 0);
  return Number.isSafeInteger(length) && length > 0 ? length : 0;
}

function refused(message: string): CodedError {
  return new CodedError("input-invalid", `${message}.`, {
    hint: "Archive without changed ranges: everything is read then.",
  });
}
