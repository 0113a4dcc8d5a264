// The file records of an NTFS volume, read while the volume goes by: which attributes a file has, and in which clusters they lie.
// Records of deleted files say nothing, their clusters belong to others; nor does one that was torn in two while it was written.
// Facts: "NTFS documentation" of the Linux-NTFS project (file record, update sequence, attribute header, data runs).
const BOOT_NAME = Buffer.from("NTFS    ", "latin1");
const BOOT_BYTES = 512;
const RECORD_MARK = Buffer.from("FILE", "latin1").readUInt32LE(0);
/** The update sequence guards stretches of this length, however large the disk's own sectors are. */
const GUARDED_BYTES = 512;
const RECORD_BYTES_MAX = 4096;
const RECORD_IN_USE = 1;
const ATTRIBUTE_END = 0xffffffff;
const ATTRIBUTES_MAX = 64;
const NON_RESIDENT_HEADER_BYTES = 64;
/** More than fit into a record. */
const RUNS_MAX = RECORD_BYTES_MAX;

export interface Stretch {
  readonly offsetBytes: number;
  readonly endBytes: number;
}

/** An attribute that lies outside its record. */
export interface NtfsAttribute {
  readonly kind: number;
  readonly flags: number;
  /** On the volume, in the attribute's order. */
  readonly stretches: readonly Stretch[];
}

export interface NtfsRecord {
  /** Its number in the table of all files, as far as 32 bits say it. */
  readonly number: number;
  readonly attributes: readonly NtfsAttribute[];
}

interface Geometry {
  readonly clusterBytes: number;
  readonly recordBytes: number;
  /** Records begin at multiples of this. */
  readonly stepBytes: number;
}

export class NtfsRecords {
  #geometry: Geometry | null = null;
  /** The beginning of a record whose end has not come yet. */
  #rest: Buffer = Buffer.alloc(0);

  get isNtfs(): boolean {
    return this.#geometry !== null;
  }

  /** Is fed with the volume from its beginning to its end. */
  push(bytes: Buffer, offsetBytes: number, take: (record: NtfsRecord) => void): void {
    if (offsetBytes === 0) this.#geometry = geometryIn(bytes);
    if (this.#geometry === null) return;
    const { recordBytes, stepBytes } = this.#geometry;
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    let at = 0;
    for (; at + recordBytes <= all.length; at += stepBytes) {
      if (all.readUInt32LE(at) !== RECORD_MARK) continue;
      const record = recordIn(all.subarray(at, at + recordBytes), this.#geometry);
      if (record !== null) take(record);
    }
    this.#rest = Buffer.from(all.subarray(at));
  }
}

function geometryIn(bytes: Buffer): Geometry | null {
  if (bytes.length < BOOT_BYTES || !bytes.subarray(3, 3 + BOOT_NAME.length).equals(BOOT_NAME)) return null;
  const perCluster = bytes.readUInt8(13);
  // Above 128 it is a negative power of two.
  const clusterBytes = bytes.readUInt16LE(11) * (perCluster > 128 ? 2 ** (256 - perCluster) : perCluster);
  const perRecord = bytes.readInt8(0x40);
  const recordBytes = perRecord < 0 ? 2 ** -perRecord : perRecord * clusterBytes;
  const isPossible = (size: number) => size >= GUARDED_BYTES && size % GUARDED_BYTES === 0;
  if (!isPossible(clusterBytes) || !isPossible(recordBytes) || recordBytes > RECORD_BYTES_MAX) return null;
  return { clusterBytes, recordBytes, stepBytes: Math.min(clusterBytes, recordBytes) };
}

function recordIn(stored: Buffer, { clusterBytes }: Geometry): NtfsRecord | null {
  const record = withSectorEnds(stored);
  if (record === null || (record.readUInt16LE(22) & RECORD_IN_USE) === 0) return null;
  const attributes: NtfsAttribute[] = [];
  let at = record.readUInt16LE(20);
  for (let count = 0; count < ATTRIBUTES_MAX && at + 16 <= record.length; count += 1) {
    const kind = record.readUInt32LE(at);
    const length = record.readUInt32LE(at + 4);
    if (kind === ATTRIBUTE_END || length < 16 || at + length > record.length) break;
    const isResident = record.readUInt8(at + 8) === 0;
    if (!isResident && length >= NON_RESIDENT_HEADER_BYTES) {
      const runs = record.subarray(at + record.readUInt16LE(at + 32), at + length);
      attributes.push({
        ...{ kind, flags: record.readUInt16LE(at + 12) },
        stretches: stretchesIn(runs, clusterBytes),
      });
    }
    at += length;
  }
  return { number: record.readUInt32LE(44), attributes };
}

/** On the disk the last two bytes of each sector are a counter, and what belongs there lies at the record's beginning. Null: the
 *  counters differ, so it is no record, or two halves of two. */
function withSectorEnds(stored: Buffer): Buffer | null {
  const offset = stored.readUInt16LE(4);
  const count = stored.readUInt16LE(6) - 1;
  if (count !== stored.length / GUARDED_BYTES || offset + 2 * count + 2 > stored.length) return null;
  const record = Buffer.from(stored);
  for (let index = 1; index <= count; index += 1) {
    const end = index * GUARDED_BYTES - 2;
    if (stored.readUInt16LE(end) !== stored.readUInt16LE(offset)) return null;
    stored.copy(record, end, offset + 2 * index, offset + 2 * index + 2);
  }
  return record;
}

function stretchesIn(runs: Buffer, clusterBytes: number): Stretch[] {
  const stretches: Stretch[] = [];
  let cluster = 0;
  let at = 0;
  for (let count = 0; count < RUNS_MAX && at < runs.length && runs[at] !== 0; count += 1) {
    const lengthBytes = (runs[at] ?? 0) & 15;
    const offsetBytes = (runs[at] ?? 0) >> 4;
    const next = at + 1 + lengthBytes + offsetBytes;
    if (lengthBytes === 0 || lengthBytes > 6 || offsetBytes > 6 || next > runs.length) break;
    const clusters = runs.readUIntLE(at + 1, lengthBytes);
    if (offsetBytes > 0) {
      // A run without an offset is a hole.
      cluster += runs.readIntLE(at + 1 + lengthBytes, offsetBytes);
      const offset = cluster * clusterBytes;
      stretches.push({ offsetBytes: offset, endBytes: offset + clusters * clusterBytes });
    }
    at = next;
  }
  return stretches;
}
