// SegmentTable answers "in which pack, where, is the block with this id?" for every sealed segment.
//
// 37 bytes for each segment of 2 MiB, in typed arrays ordered by first id: about 20 MB for a terabyte. It is
// rebuilt from pack footers at any time.
//
// While packs are rewritten, and after a crash in between, ranges may overlap: then the pack of the highest rank answers,
// and among equals any, for they hold the same bytes.
import type { SegmentEntry } from "../format/pack-format.ts";

const ROWS_MIN = 256;
/** In the column of codecs: the segment's blocks are one image's own. */
const PRIVATE_BIT = 0x80;
/** In the same column: other blocks share the frame. */
const SHARED_BIT = 0x40;

/** A sealed segment and its place. */
export interface SegmentPlace {
  readonly row: number;
  readonly firstId: number;
  readonly count: number;
  readonly packIndex: number;
  readonly offset: number;
  readonly encodedBytes: number;
  readonly rawBytes: number;
  readonly codec: number;
  /** Where its blocks begin in the decoded frame. */
  readonly rawStart: number;
  readonly isShared: boolean;
  readonly isPrivate: boolean;
  /** Where the digests of its blocks begin in the pack's digest column, in blocks. */
  readonly digestStart: number;
}

export interface SegmentColumns {
  readonly rowCount: number;
  readonly firstIds: Float64Array;
  readonly counts: Uint32Array;
  readonly packs: Uint32Array;
  readonly offsets: Uint32Array;
  readonly encoded: Uint32Array;
  readonly raw: Uint32Array;
  readonly digestStarts: Uint32Array;
  readonly rawStarts: Uint32Array;
  readonly codecs: Uint8Array;
}

export class SegmentTable {
  #rows: SegmentColumns = newSegmentColumns(ROWS_MIN);
  #rowCount = 0;
  /** Blocks are looked up mostly in the order of their ids: the row of the last answer is tried first. */
  #lastRow = 0;
  /** Some id lies in two rows; and the most ids a row has, so that one knows how far back to look then. */
  #overlaps = false;
  #longest = 0;
  /** By pack index, where it is not 0. */
  readonly #ranks = new Map<number, number>();
  blockCount = 0;
  rawBytes = 0;
  encodedBytes = 0;

  static fromColumns(columns: SegmentColumns): SegmentTable {
    const table = new SegmentTable();
    table.#rows = columns;
    for (let row = 0; row < columns.rowCount; row++) {
      table.#rowCount = row + 1;
      table.#count(row);
    }
    return table;
  }

  setRank(packIndex: number, rank: number): void {
    if (rank > 0) this.#ranks.set(packIndex, rank);
  }

  get columns(): SegmentColumns {
    return { ...this.#rows, rowCount: this.#rowCount };
  }

  get rowCount(): number {
    return this.#rowCount;
  }

  /** Adds a sealed pack's segments. Ids mostly grow, so the place to insert at is near the end. */
  add(packIndex: number, segments: readonly SegmentEntry[]): void {
    let digestStart = 0;
    for (const segment of segments) {
      this.#insert(packIndex, segment, digestStart);
      digestStart += segment.count;
    }
  }

  removePacks(packIndices: ReadonlySet<number>): void {
    const columns = columnsOf(this.#rows);
    const before = this.#rowCount;
    this.#rowCount = 0;
    this.#lastRow = 0;
    this.#overlaps = false;
    this.#longest = 0;
    this.blockCount = 0;
    this.rawBytes = 0;
    this.encodedBytes = 0;
    for (let row = 0; row < before; row++) {
      if (packIndices.has(this.#rows.packs[row] as number)) continue;
      for (const column of columns) column[this.#rowCount] = column[row] as number;
      this.#rowCount += 1;
      this.#count(this.#rowCount - 1);
    }
  }

  /** The row of the segment that holds `id`, or -1. */
  rowOf(id: number): number {
    if (!this.#overlaps && this.#holds(this.#lastRow, id)) return this.#lastRow;
    let low = 0;
    let high = this.#rowCount;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#rows.firstIds[middle] as number) <= id) low = middle + 1;
      else high = middle;
    }
    if (this.#overlaps) return this.#bestRow(low - 1, id);
    const row = low - 1;
    if (!this.#holds(row, id)) return -1;
    this.#lastRow = row;
    return row;
  }

  /** Of several rows that hold `id`. None that begins more than the longest row's count before it does. */
  #bestRow(last: number, id: number): number {
    let best = -1;
    for (let row = last; row >= 0; row--) {
      if ((this.#rows.firstIds[row] as number) + this.#longest <= id) break;
      if (this.#holds(row, id) && (best < 0 || this.#rankOf(row) > this.#rankOf(best))) best = row;
    }
    return best;
  }

  #rankOf(row: number): number {
    return this.#ranks.get(this.packOf(row)) ?? 0;
  }

  place(row: number): SegmentPlace {
    const rows = this.#rows;
    return {
      row,
      firstId: rows.firstIds[row] as number,
      count: rows.counts[row] as number,
      packIndex: rows.packs[row] as number,
      offset: rows.offsets[row] as number,
      encodedBytes: rows.encoded[row] as number,
      rawBytes: rows.raw[row] as number,
      codec: (rows.codecs[row] as number) & ~(PRIVATE_BIT | SHARED_BIT),
      rawStart: rows.rawStarts[row] as number,
      isShared: ((rows.codecs[row] as number) & SHARED_BIT) !== 0,
      isPrivate: this.isPrivate(row),
      digestStart: rows.digestStarts[row] as number,
    };
  }

  packOf(row: number): number {
    return this.#rows.packs[row] as number;
  }

  isPrivate(row: number): boolean {
    return ((this.#rows.codecs[row] as number) & PRIVATE_BIT) !== 0;
  }

  /** The first id after the segment that holds `id`; the next id where none does, or where rows overlap. */
  endOfRow(id: number): number {
    const row = this.rowOf(id);
    if (row < 0 || this.#overlaps) return id + 1;
    return (this.#rows.firstIds[row] as number) + (this.#rows.counts[row] as number);
  }

  /** Position of the block's digest in its pack's digest column, in blocks. */
  digestPosition(row: number, id: number): number {
    return (this.#rows.digestStarts[row] as number) + id - (this.#rows.firstIds[row] as number);
  }

  blockCountByPack(): Map<number, number> {
    const counts = new Map<number, number>();
    for (let row = 0; row < this.#rowCount; row++) {
      const packIndex = this.#rows.packs[row] as number;
      counts.set(packIndex, (counts.get(packIndex) ?? 0) + (this.#rows.counts[row] as number));
    }
    return counts;
  }

  /** First id and count of ids each pack spans. */
  rangesByPack(): Map<number, { firstId: number; count: number }> {
    const ranges = new Map<number, { firstId: number; count: number }>();
    for (let row = 0; row < this.#rowCount; row++) {
      const packIndex = this.#rows.packs[row] as number;
      const firstId = this.#rows.firstIds[row] as number;
      const range = ranges.get(packIndex);
      // Rows are in the order of first ids: the first row of a pack has its smallest.
      if (range === undefined) ranges.set(packIndex, { firstId, count: this.#rows.counts[row] as number });
      else range.count = Math.max(range.count, firstId + (this.#rows.counts[row] as number) - range.firstId);
    }
    return ranges;
  }

  /** Packs that were never rewritten (rank 0) and have an id that another such pack has, too. */
  packsSharingIds(): Set<number> {
    const sharing = new Set<number>();
    let furthestEnd = 0;
    let furthestPack = -1;
    for (let row = 0; row < this.#rowCount; row++) {
      if (this.#rankOf(row) > 0) continue;
      const firstId = this.#rows.firstIds[row] as number;
      // Rows are in the order of first ids: what overlaps an earlier row overlaps the one that reaches furthest.
      if (firstId < furthestEnd) sharing.add(furthestPack).add(this.packOf(row));
      const end = firstId + (this.#rows.counts[row] as number);
      if (end <= furthestEnd) continue;
      furthestEnd = end;
      furthestPack = this.packOf(row);
    }
    return sharing;
  }

  /** The number after the largest id in use. */
  endId(): number {
    let end = 0;
    for (let row = 0; row < this.#rowCount; row++) {
      end = Math.max(end, (this.#rows.firstIds[row] as number) + (this.#rows.counts[row] as number));
    }
    return end;
  }

  #holds(row: number, id: number): boolean {
    if (row < 0 || row >= this.#rowCount) return false;
    const first = this.#rows.firstIds[row] as number;
    return id >= first && id < first + (this.#rows.counts[row] as number);
  }

  #insert(packIndex: number, segment: SegmentEntry, digestStart: number): void {
    if (this.#rowCount === this.#rows.counts.length) this.#rows = enlarged(this.#rows);
    const rows = this.#rows;
    let row = this.#rowCount;
    while (row > 0 && (rows.firstIds[row - 1] as number) > segment.firstId) row -= 1;
    if (row < this.#rowCount)
      for (const column of columnsOf(rows)) column.copyWithin(row + 1, row, this.#rowCount);
    rows.firstIds[row] = segment.firstId;
    rows.counts[row] = segment.count;
    rows.packs[row] = packIndex;
    rows.offsets[row] = segment.offset;
    rows.encoded[row] = segment.encodedBytes;
    rows.raw[row] = segment.rawBytes;
    rows.rawStarts[row] = segment.rawStart;
    rows.codecs[row] =
      segment.codec | (segment.isPrivate ? PRIVATE_BIT : 0) | (segment.isShared ? SHARED_BIT : 0);
    rows.digestStarts[row] = digestStart;
    this.#rowCount += 1;
    this.#count(row);
  }

  /** A row that has just come to its place, into the sums. */
  #count(row: number): void {
    const { firstIds, counts, raw, encoded, rawStarts } = this.#rows;
    const count = counts[row] as number;
    const firstId = firstIds[row] as number;
    const isAfter = row === 0 || (firstIds[row - 1] as number) + (counts[row - 1] as number) <= firstId;
    const isBefore = row + 1 >= this.#rowCount || firstId + count <= (firstIds[row + 1] as number);
    this.#overlaps ||= !isAfter || !isBefore;
    this.#longest = Math.max(this.#longest, count);
    this.blockCount += count;
    this.rawBytes += raw[row] as number;
    // A frame is counted with the first of those who share it.
    if (rawStarts[row] === 0) this.encodedBytes += encoded[row] as number;
  }
}

export function newSegmentColumns(rowCount: number): SegmentColumns {
  return {
    rowCount: 0,
    firstIds: new Float64Array(rowCount),
    counts: new Uint32Array(rowCount),
    packs: new Uint32Array(rowCount),
    offsets: new Uint32Array(rowCount),
    encoded: new Uint32Array(rowCount),
    raw: new Uint32Array(rowCount),
    digestStarts: new Uint32Array(rowCount),
    rawStarts: new Uint32Array(rowCount),
    codecs: new Uint8Array(rowCount),
  };
}

type Column = Float64Array | Uint32Array | Uint8Array;

/** All columns in a fixed order, which the index cache also writes them in. */
export function columnsOf(rows: SegmentColumns): Column[] {
  return [
    rows.firstIds,
    rows.counts,
    rows.packs,
    rows.offsets,
    rows.encoded,
    rows.raw,
    rows.digestStarts,
    rows.rawStarts,
    rows.codecs,
  ];
}

function enlarged(rows: SegmentColumns): SegmentColumns {
  const larger = newSegmentColumns(2 * rows.counts.length + ROWS_MIN);
  const from = columnsOf(rows);
  for (const [index, column] of columnsOf(larger).entries()) column.set(from[index] as Column);
  return larger;
}
