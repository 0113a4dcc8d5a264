// FingerprintTable answers "which id may have this digest?" in eight to nine bytes a block.
//
// It keeps 38 bits of each digest. The first 14 choose one of 16384 sub-tables and are not stored; the other 24 are the tag
// in the slot, so a hit is a candidate only: the caller confirms it against the full digest in a pack footer. A wrong or
// stale entry therefore costs time, never data, and the table may be thrown away at any moment.
//
// A sub-table is a row of lines of 16 slots. Tags lead, in proportion, to a line; and to a slot in it; a line that
// is full overflows into the next.
// So a search reads hardly more than one line although nine of ten slots may be taken. A sub-table grows by a tenth,
// alone and from its own content: no second table, no long pause. At its bound the table does not fail but keeps a sample.
import {
  CHUNK_SLOTS,
  clearLine,
  copyLine,
  idAt,
  inChunk,
  LINE_BYTES,
  LINE_SLOTS,
  newSlotChunk,
  type SlotChunk,
  SlotMemory,
  setSlot,
  wordsOf,
} from "./slot-memory.ts";

const SUB_TABLES = 2 ** 14;
const TAG_BITS = 24;
const LOAD_MAX = 0.9;
/** A full sub-table gets a tenth more lines, one at least. */
const GROWTH_SHARE = 10;
/** No sub-table gets beyond four times the average and these by chance. Whoever chose blocks by their digests would only make
 *  them unfindable. */
const LINES_ABOVE_AVERAGE = 64;
const TIMES_AVERAGE = 4;
/** An entry lies so many lines from its home at most. By chance hardly any lies further than three. */
const TRIED_LINES_MAX = 32;
/** 2 GiB of slots, 270 million blocks, and still less than one wrong candidate in a thousand searches: from there on the
 *  table keeps a sample. */
const LINE_COUNT_MAX = Math.floor(2 ** 31 / LINE_BYTES);
/** One digest in 32 is kept then. Neighbours of a hit are found by their ids, so little is stored twice. */
const SAMPLE = 32;
const ID_SPAN = 2 ** 40;

/** How many lines and entries each sub-table has: with the slots, all there is of a table. */
export interface TableLayout {
  readonly lineCounts: Uint16Array;
  readonly counts: Uint16Array;
}

export function newTableLayout(): TableLayout {
  return { lineCounts: new Uint16Array(SUB_TABLES), counts: new Uint16Array(SUB_TABLES) };
}

/** Of a sub-table, when all have so many. */
function linesMax(lineCount: number): number {
  return LINES_ABOVE_AVERAGE + Math.floor((TIMES_AVERAGE * lineCount) / SUB_TABLES);
}

/** Could a table have come to this? */
export function isTableLayout({ lineCounts, counts }: TableLayout): boolean {
  const most = linesMax(lineCounts.reduce((sum, count) => sum + count, 0));
  return lineCounts.every((lines, index) => lines <= most && (counts[index] as number) <= lines * LINE_SLOTS);
}

export class FingerprintTable {
  readonly #lineCountMax: number;
  #memory = new SlotMemory();
  #layout = newTableLayout();
  /** The lines of sub-table s, in the order of their slots, are from s · #linesRoom on. */
  #lines = new Uint32Array(SUB_TABLES);
  #linesRoom = 1;
  #count = 0;
  #isSampling = false;
  #version = 0;
  /** What sub-tables may drop before they next grow, and which have not done so yet. */
  #isGone: ((id: number) => boolean) | null = null;
  readonly #mayForget = new Uint8Array(SUB_TABLES);
  /** A sub-table's entries while it is laid out anew. */
  #tags = new Uint32Array(LINE_SLOTS);
  #ids = new Float64Array(LINE_SLOTS);

  constructor(lineCountMax = LINE_COUNT_MAX) {
    this.#lineCountMax = lineCountMax;
  }

  get count(): number {
    return this.#count;
  }

  get lineCount(): number {
    return this.#memory.lineCount;
  }

  /** The table is full and keeps one digest in 32. */
  get isSampling(): boolean {
    return this.#isSampling;
  }

  /** Another number after each change. */
  get version(): number {
    return this.#version;
  }

  /** Memory it takes. */
  get bytes(): number {
    const { lineCounts, counts } = this.#layout;
    const lists = [lineCounts, counts, this.#lines, this.#mayForget, this.#tags, this.#ids];
    return lists.reduce((sum, list) => sum + list.byteLength, this.#memory.bytes);
  }

  /** Calls `confirm` with each candidate id until it answers true. False when none was confirmed. */
  probe(digests: Uint8Array, at: number, confirm: (id: number) => boolean): boolean {
    const subTable = subTableOf(digests, at);
    const tag = tagOf(digests, at);
    const lineCount = this.#layout.lineCounts[subTable] as number;
    let position = homeOf(tag, lineCount);
    for (let tried = Math.min(lineCount, TRIED_LINES_MAX); tried > 0; tried--) {
      const line = this.#line(subTable, position);
      const chunk = this.#memory.chunkOf(line);
      const { words } = chunk;
      const start = wordsOf(inChunk(line));
      for (let step = 0; step < LINE_SLOTS; step++) {
        const slot = (tag + step) & (LINE_SLOTS - 1);
        const found = (words[start + slot] as number) >>> 8;
        if (found === 0) return false;
        if (found === tag && confirm(idAt(chunk, inChunk(line), slot))) return true;
      }
      position = position + 1 === lineCount ? 0 : position + 1;
    }
    return false;
  }

  /** Beyond 2^40 ids (4 PiB of 4 KiB blocks) new blocks are simply not findable. */
  insert(digests: Uint8Array, at: number, id: number): void {
    if (id < ID_SPAN) this.#insert(subTableOf(digests, at), tagOf(digests, at), id);
  }

  /** Takes over what another table holds. */
  absorb(other: FingerprintTable): void {
    if (other.#isSampling) this.#keepSample();
    for (let subTable = 0; subTable < SUB_TABLES; subTable++) {
      const count = other.#collect(subTable, null);
      for (let index = 0; index < count; index++) {
        this.#insert(subTable, other.#tags[index] as number, other.#ids[index] as number);
      }
    }
  }

  /** From now on a full sub-table drops what is gone, once, before it grows: what GC freed makes room. */
  forget(isGone: (id: number) => boolean): void {
    this.#isGone = isGone;
    this.#mayForget.fill(1);
  }

  #insert(subTable: number, tag: number, id: number): void {
    this.#version += 1;
    for (;;) {
      if (this.#isSampling && !isSampled(tag)) return;
      const slotCount = (this.#layout.lineCounts[subTable] as number) * LINE_SLOTS;
      if ((this.#layout.counts[subTable] as number) < slotCount * LOAD_MAX) break;
      if (!this.#makeRoom(subTable)) return; // Even the sample fills the table: it stays as it is.
    }
    if (!this.#place(subTable, tag, id)) return;
    this.#layout.counts[subTable] = (this.#layout.counts[subTable] as number) + 1;
    this.#count += 1;
  }

  /** Takes the first free slot from its home on. False when there is none near: then the block is not findable. */
  #place(subTable: number, tag: number, id: number): boolean {
    const lineCount = this.#layout.lineCounts[subTable] as number;
    let position = homeOf(tag, lineCount);
    for (let tried = Math.min(lineCount, TRIED_LINES_MAX); tried > 0; tried--) {
      const line = this.#line(subTable, position);
      const chunk = this.#memory.chunkOf(line);
      const { words } = chunk;
      const start = wordsOf(inChunk(line));
      for (let step = 0; step < LINE_SLOTS; step++) {
        const slot = (tag + step) & (LINE_SLOTS - 1);
        if (words[start + slot] !== 0) continue;
        setSlot(chunk, inChunk(line), slot, tag, id);
        return true;
      }
      position = position + 1 === lineCount ? 0 : position + 1;
    }
    return false;
  }

  // Growing ---------------------------------------------------------------------------------------------------

  /** Forgets, or grows; at its bound, keeps the sample. False when there is nothing left to do. */
  #makeRoom(subTable: number): boolean {
    const lineCount = this.#layout.lineCounts[subTable] as number;
    if (this.#mayForget[subTable] === 1) {
      this.#mayForget[subTable] = 0;
      if (this.#layOut(subTable, this.#collect(subTable, this.#isGone), lineCount)) return true;
    }
    const added = Math.max(1, Math.floor(lineCount / GROWTH_SHARE));
    if (lineCount + added > linesMax(this.#memory.lineCount)) return false;
    if (this.#memory.lineCount + added <= this.#lineCountMax) {
      return this.#layOut(subTable, this.#collect(subTable, null), lineCount + added);
    }
    if (this.#isSampling) return false;
    this.#keepSample();
    return true;
  }

  /** Reads a sub-table's entries into the scratch columns, without what is gone. Returns their count. */
  #collect(subTable: number, isGone: ((id: number) => boolean) | null): number {
    const lineCount = this.#layout.lineCounts[subTable] as number;
    if (this.#tags.length < lineCount * LINE_SLOTS) {
      this.#tags = new Uint32Array(2 * lineCount * LINE_SLOTS);
      this.#ids = new Float64Array(2 * lineCount * LINE_SLOTS);
    }
    let count = 0;
    for (let position = 0; position < lineCount; position++) {
      const line = this.#line(subTable, position);
      const chunk = this.#memory.chunkOf(line);
      const start = wordsOf(inChunk(line));
      for (let slot = 0; slot < LINE_SLOTS; slot++) {
        if (chunk.words[start + slot] === 0) continue;
        const id = idAt(chunk, inChunk(line), slot);
        if (isGone?.(id) === true) continue;
        this.#tags[count] = (chunk.words[start + slot] as number) >>> 8;
        this.#ids[count] = id;
        count += 1;
      }
    }
    return count;
  }

  /** Gives the sub-table so many lines, and the collected entries as its only ones. False, and nothing is changed, when
   *  they would be too many. */
  #layOut(subTable: number, count: number, lineCount: number): boolean {
    if (count >= lineCount * LINE_SLOTS * LOAD_MAX) return false;
    const before = this.#layout.lineCounts[subTable] as number;
    for (let position = 0; position < before; position++) {
      const line = this.#line(subTable, position);
      clearLine(this.#memory.chunkOf(line), inChunk(line));
    }
    for (let added = before; added < lineCount; added++) this.#addLine(subTable);
    let placed = 0;
    for (let index = 0; index < count; index++) {
      if (this.#place(subTable, this.#tags[index] as number, this.#ids[index] as number)) placed += 1;
    }
    this.#count += placed - (this.#layout.counts[subTable] as number);
    this.#layout.counts[subTable] = placed;
    return true;
  }

  #addLine(subTable: number): void {
    const lineCount = this.#layout.lineCounts[subTable] as number;
    if (lineCount === this.#linesRoom) this.#widenLines(Math.ceil(this.#linesRoom * 1.25));
    this.#lines[subTable * this.#linesRoom + lineCount] = this.#memory.takeLine();
    this.#layout.lineCounts[subTable] = lineCount + 1;
  }

  #widenLines(room: number): void {
    const lines = new Uint32Array(SUB_TABLES * room);
    for (let subTable = 0; subTable < SUB_TABLES; subTable++) {
      const from = subTable * this.#linesRoom;
      lines.set(this.#lines.subarray(from, from + this.#linesRoom), subTable * room);
    }
    this.#lines = lines;
    this.#linesRoom = room;
  }

  /** The table is as large as it may be: forgets all but the sample, in new memory. */
  #keepSample(): void {
    const sample = new FingerprintTable(this.#lineCountMax);
    for (let subTable = 0; subTable < SUB_TABLES; subTable++) {
      const count = this.#collect(subTable, null);
      for (let index = 0; index < count; index++) {
        const tag = this.#tags[index] as number;
        if (isSampled(tag)) sample.#insert(subTable, tag, this.#ids[index] as number);
      }
    }
    this.#memory = sample.#memory;
    this.#layout = sample.#layout;
    this.#lines = sample.#lines;
    this.#linesRoom = sample.#linesRoom;
    this.#count = sample.#count;
    this.#isSampling = true;
  }

  // Storing ---------------------------------------------------------------------------------------------------

  get layout(): TableLayout {
    return this.#layout;
  }

  /** The slots sub-table after sub-table, as `restore` wants them. Each chunk is good until the next is asked for. */
  *packedChunks(): Generator<{ readonly chunk: SlotChunk; readonly lineCount: number }> {
    let chunk = newSlotChunk();
    let filled = 0;
    for (let subTable = 0; subTable < SUB_TABLES; subTable++) {
      const lineCount = this.#layout.lineCounts[subTable] as number;
      for (let position = 0; position < lineCount; position++) {
        if (filled * LINE_SLOTS === CHUNK_SLOTS) {
          yield { chunk, lineCount: filled };
          if (chunk.highs !== null) chunk = newSlotChunk();
          filled = 0;
        }
        const line = this.#line(subTable, position);
        copyLine(this.#memory.chunkOf(line), inChunk(line), chunk, filled);
        filled += 1;
      }
    }
    if (filled > 0) yield { chunk, lineCount: filled };
  }

  /** A table with this layout, and its memory: the slots are to be read straight into that. */
  static restore(layout: TableLayout, isSampling: boolean): { table: FingerprintTable; memory: SlotMemory } {
    const table = new FingerprintTable();
    table.#isSampling = isSampling;
    table.#widenLines(layout.lineCounts.reduce((most, count) => Math.max(most, count), 1));
    for (let subTable = 0; subTable < SUB_TABLES; subTable++) {
      for (let left = layout.lineCounts[subTable] as number; left > 0; left--) table.#addLine(subTable);
      table.#count += layout.counts[subTable] as number;
    }
    table.#layout = layout;
    return { table, memory: table.#memory };
  }

  #line(subTable: number, position: number): number {
    return this.#lines[subTable * this.#linesRoom + position] as number;
  }
}

/** The line a tag leads to. */
function homeOf(tag: number, lineCount: number): number {
  return ((tag >>> (TAG_BITS - 16)) * lineCount) >>> 16;
}

function isSampled(tag: number): boolean {
  return tag % SAMPLE === 0;
}

/** Bits 0–13 of the digest. */
function subTableOf(digests: Uint8Array, at: number): number {
  return ((digests[at] as number) << 6) | ((digests[at + 1] as number) >>> 2);
}

/** Bits 14–37. Zero marks a free slot, so its few digests count as those of the next sampled tag. */
function tagOf(digests: Uint8Array, at: number): number {
  const tag =
    (((digests[at + 1] as number) & 3) << 22) |
    ((digests[at + 2] as number) << 14) |
    ((digests[at + 3] as number) << 6) |
    ((digests[at + 4] as number) >>> 2);
  return tag === 0 ? SAMPLE : tag;
}
