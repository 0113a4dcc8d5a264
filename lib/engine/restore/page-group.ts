// A group of pages under assembly: the memory they grow in, the segments they need, and the reading of those.
//
// What a group needs is read in the order it lies in packs, neighbouring segments with one read, at most 16 reads at a
// time. However scattered the segments are, the bytes held are bounded: they are read and assembled in portions. A frame that
// several groups of a read need is decoded by one of them, and the others copy from where it left it (frame-cache.ts).
import { PAGE_BYTES, PAGE_HASH_BYTES } from "#lib/page/page.ts";
import { FormatError } from "../format/bytes.ts";
import { SEGMENT_HEADER_BYTES, SEGMENT_RAW_BYTES_MAX } from "../format/pack-format.ts";
import type { RepositoryState } from "../repository-state.ts";
import { corruptPack } from "../store/pack-reader.ts";
import type { SegmentPlace } from "../store/segment-table.ts";
import type { DecodedPart, ExpectedPages, PagePatch, SegmentPart } from "../threads/assemble.ts";
import type { PageWrites } from "../threads/write-pages.ts";
import type { PageRecord } from "../types.ts";
import type { FrameCache, FrameClaim, FrameSlot } from "./frame-cache.ts";
import { inLanes } from "./in-lanes.ts";

/** 16 MiB of pages: wide enough to use most of each segment at once. */
export const GROUP_PAGES = 64;
const READS_MAX = 16;
/** Encoded bytes read before they are assembled; room for the largest segment. */
const PORTION_BYTES = SEGMENT_RAW_BYTES_MAX + 64 * 1024;

/** Memory for one group, used again for the next. It grows with what is read: new memory is blanked, and who wants a page
 *  or two should not wait for megabytes of that. */
export interface GroupMemory {
  readonly pages: SharedArrayBuffer;
  encoded: SharedArrayBuffer;
}

export function newGroupMemory(pageCount: number): GroupMemory {
  return {
    pages: new SharedArrayBuffer(Math.min(GROUP_PAGES, pageCount) * PAGE_BYTES),
    encoded: new SharedArrayBuffer(0),
  };
}

export interface AssembledGroup {
  /** The first page that has not its content hash, or null. */
  readonly wrongPage: number | null;
  readonly writtenBytes: number;
}

/** By doubling, to the size of a portion at most. */
function withRoomFor(encoded: SharedArrayBuffer, bytes: number): SharedArrayBuffer {
  if (encoded.byteLength >= bytes) return encoded;
  return new SharedArrayBuffer(Math.min(PORTION_BYTES, Math.max(bytes, 2 * encoded.byteLength)));
}

interface SegmentNeed {
  readonly place: SegmentPlace;
  readonly copies: number[];
}

/** A need that this group decodes itself, and where it leaves the frame for others. */
interface OwnNeed extends SegmentNeed {
  readonly slot: FrameSlot | null;
}

/** A need that another group decodes or has decoded. */
interface OthersNeed {
  readonly slot: FrameSlot;
  readonly copies: readonly number[];
}

/** A stretch of one pack that is read at once. */
interface Stretch {
  readonly packIndex: number;
  readonly offset: number;
  /** In the encoded bytes. */
  readonly at: number;
  length: number;
}

export class PageGroup {
  readonly records: PageRecord[] = [];
  readonly #state: RepositoryState;
  readonly #memory: GroupMemory;
  readonly #frames: FrameCache;
  readonly #bytes: Uint8Array;
  /** By frame, which is decoded once for all its blocks. Not by row: an archive beside us may add rows between two of ours. */
  readonly #needs = new Map<number, SegmentNeed>();
  /** For each page a pack it needs, to be named when the page is wrong. */
  readonly #packs: (number | null)[] = [];
  readonly #patches: PagePatch[] = [];

  constructor(state: RepositoryState, memory: GroupMemory, frames: FrameCache) {
    this.#state = state;
    this.#memory = memory;
    this.#frames = frames;
    this.#bytes = new Uint8Array(memory.pages);
  }

  addFill(record: PageRecord, fillByte: number): void {
    const at = this.#begin(record);
    this.#bytes.fill(fillByte, at, at + record.lengthBytes);
  }

  addRuns(record: PageRecord, runs: readonly number[], placeOf: (id: number) => SegmentPlace): void {
    const { blockSize } = this.#state.info;
    let at = this.#begin(record);
    const end = at + record.lengthBytes;
    // Too few or too many blocks leave wrong bytes or none: the page's hash tells.
    for (let index = 0; index < runs.length && at < end; index += 2) {
      const start = runs[index] as number;
      const length = Math.min((runs[index + 1] as number) * blockSize, end - at);
      if (start < 0) this.#bytes.fill(-1 - start, at, at + length);
      else this.#planCopies(start, at, length, placeOf);
      at += length;
    }
  }

  /** Laid over the page added last. */
  addPatch(patch: Uint8Array): void {
    this.#patches.push({ page: this.records.length - 1, patch });
  }

  #begin(record: PageRecord): number {
    this.records.push(record);
    this.#packs.push(null);
    return (this.records.length - 1) * PAGE_BYTES;
  }

  /** `length` bytes of the blocks from `start` on to byte `to` of the group. */
  #planCopies(start: number, to: number, length: number, placeOf: (id: number) => SegmentPlace): void {
    const { blockSize } = this.#state.info;
    for (let done = 0; done < length; ) {
      const id = start + done / blockSize;
      const place = placeOf(id);
      const from = id - place.firstId;
      const some = Math.min(length - done, (this.#state.data.segments.endOfRow(id) - id) * blockSize);
      const frame = frameOf(place);
      const need = this.#needs.get(frame) ?? { place, copies: [] };
      this.#needs.set(frame, need);
      need.copies.push(place.rawStart + from * blockSize, to + done, some);
      this.#packs[this.records.length - 1] = place.packIndex;
      done += some;
    }
  }

  page(index: number): Uint8Array {
    const at = index * PAGE_BYTES;
    return this.#bytes.subarray(at, at + (this.records[index]?.lengthBytes ?? 0));
  }

  packOf(index: number): string | null {
    const packIndex = this.#packs[index] ?? null;
    return packIndex === null ? null : this.#state.data.packs.nameOf(packIndex);
  }

  /** Fills the pages, and writes them where `writes` says once all of them are right. CodedError of a damaged pack. */
  async assemble(writes: PageWrites | null = null): Promise<AssembledGroup> {
    const claims = [...this.#needs].map(([frame, need]) => ({
      need,
      claim: this.#frames.claim(frame, frameBytesMax(need.place)),
    }));
    const slots = claims.map(({ claim }) => claim.slot).filter((slot) => slot !== null);
    try {
      return await this.#assembleClaimed(ownOf(claims), othersOf(claims), writes);
    } catch (error) {
      for (const { claim } of claims) {
        if (claim.decodes && claim.slot !== null) this.#frames.failed(claim.slot, error);
      }
      throw error;
    } finally {
      for (const slot of slots) this.#frames.release(slot);
    }
  }

  /** Decodes what is this group's to decode before it waits for others: so no two groups wait for each other. */
  async #assembleClaimed(
    own: readonly OwnNeed[],
    others: readonly OthersNeed[],
    writes: PageWrites | null,
  ): Promise<AssembledGroup> {
    for (let next = 0; ; ) {
      if (next === own.length) await Promise.all(others.map(({ slot }) => slot.whenDecoded));
      const { parts, stretches, end, bytes } = portionOf(own, next);
      this.#memory.encoded = withRoomFor(this.#memory.encoded, bytes);
      await this.#read(stretches);
      const last = end === own.length && others.every(({ slot }) => slot.isDecoded);
      const { damaged, wrongPage, writtenBytes } = await this.#state.workers.assemble({
        pack: this.#state.data.identity,
        encoded: this.#memory.encoded,
        segments: parts,
        decoded: last ? others.map(decodedPart) : [],
        pages: this.#memory.pages,
        expected: last ? this.#expected() : null,
        writes: last ? writes : null,
      });
      if (damaged !== null) throw this.#corrupt(own[next + damaged.segment], damaged.problem);
      for (const { slot } of own.slice(next, end)) if (slot !== null) this.#frames.decoded(slot);
      if (last) return { wrongPage, writtenBytes };
      next = end;
    }
  }

  async #read(stretches: readonly Stretch[]): Promise<void> {
    await inLanes(stretches, READS_MAX, async ({ packIndex, offset, at, length }) => {
      await this.#state.data.readPart(packIndex, offset, new Uint8Array(this.#memory.encoded, at, length));
    });
  }

  #expected(): ExpectedPages {
    const hashes = new Uint8Array(this.records.length * PAGE_HASH_BYTES);
    for (const [index, record] of this.records.entries())
      hashes.set(record.contentHash, index * PAGE_HASH_BYTES);
    const lengths = this.records.map((record) => record.lengthBytes);
    return { lengths, hashes, patches: this.#patches };
  }

  #corrupt(need: SegmentNeed | undefined, problem: string): Error {
    const name = need === undefined ? "a pack" : this.#state.data.packs.nameOf(need.place.packIndex);
    return corruptPack(name, new FormatError(problem));
  }
}

/** Of the frame at a place, as long as its pack lies there. */
export function frameOf(place: Pick<SegmentPlace, "packIndex" | "offset">): number {
  return place.packIndex * 2 ** 32 + place.offset;
}

/** What a frame shared by several rows decodes to is known only when it is read. */
function frameBytesMax(place: SegmentPlace): number {
  return place.isShared ? SEGMENT_RAW_BYTES_MAX : place.rawBytes;
}

interface ClaimedNeed {
  readonly need: SegmentNeed;
  readonly claim: FrameClaim;
}

/** In the order they lie in packs. */
function ownOf(claims: readonly ClaimedNeed[]): OwnNeed[] {
  const own = claims.filter(({ claim }) => claim.decodes);
  return own.map(({ need, claim }) => ({ ...need, slot: claim.slot })).sort(byPlace);
}

function othersOf(claims: readonly ClaimedNeed[]): OthersNeed[] {
  return claims.flatMap(({ need: { copies }, claim: { decodes, slot } }) =>
    decodes || slot === null ? [] : [{ slot, copies }],
  );
}

function decodedPart({ slot, copies }: OthersNeed): DecodedPart {
  return { slot: slot.memory, copies };
}

/** As many segments from `first` on as a portion holds, and how to read them. */
function portionOf(ordered: readonly OwnNeed[], first: number) {
  const parts: SegmentPart[] = [];
  const stretches: Stretch[] = [];
  let at = 0;
  let end = first;
  for (; end < ordered.length; end++) {
    const { place, copies, slot } = ordered[end] as OwnNeed;
    const length = SEGMENT_HEADER_BYTES + place.encodedBytes;
    if (at + length > PORTION_BYTES) break;
    const { codec, firstId, count, rawBytes, encodedBytes, rawStart, isShared } = place;
    const claim = { codec, firstId, count, rawBytes, encodedBytes, rawStart, isShared };
    parts.push({ claim, at, copies, slot: slot?.memory ?? null });
    const last = stretches.at(-1);
    const follows = last?.packIndex === place.packIndex && last.offset + last.length === place.offset;
    if (last !== undefined && follows) last.length += length;
    else stretches.push({ packIndex: place.packIndex, offset: place.offset, at, length });
    at += length;
  }
  return { parts, stretches, end, bytes: at };
}

function byPlace(a: SegmentNeed, b: SegmentNeed): number {
  return a.place.packIndex - b.place.packIndex || a.place.offset - b.place.offset;
}
