// Which stretches of an NTFS volume belong to compressed files, read from file records while the volume goes by. Windows reads
// what lies there through a decompressor: bytes replaced in it are damage.
// Facts: "NTFS documentation" of the Linux-NTFS project (file record, attribute header, data runs).
const BOOT_NAME = Buffer.from("NTFS    ", "latin1");
const RECORD_NAME = Buffer.from("FILE", "latin1");
/** Records of 1024 bytes on disks of 512-byte sectors, 4096 on others: both begin at multiples of this. */
const RECORD_ALIGNMENT = 1024;
const ATTRIBUTE_DATA = 0x80;
const ATTRIBUTE_END = 0xffffffff;
const ATTRIBUTES_MAX = 64;
const COMPRESSED = 0x00ff;
/** More than any real file has; a record that claims more is garbage. */
const RUNS_MAX = 4096;
const STRETCHES_MAX = 1_000_000;

interface Stretch {
  readonly offsetBytes: number;
  readonly endBytes: number;
}

/** Is fed with the volume from its beginning to its end, in stretches that begin at whole records. */
export class CompressedStretches {
  #clusterBytes: number | null = null;
  readonly #stretches: Stretch[] = [];

  push(bytes: Buffer, offsetBytes: number): void {
    if (offsetBytes === 0 && bytes.length >= 512) this.#readBoot(bytes);
    if (this.#clusterBytes === null) return;
    const first = (RECORD_ALIGNMENT - (offsetBytes % RECORD_ALIGNMENT)) % RECORD_ALIGNMENT;
    for (let at = first; at + RECORD_ALIGNMENT <= bytes.length; at += RECORD_ALIGNMENT) {
      if (bytes.readUInt32LE(at) === RECORD_NAME.readUInt32LE(0))
        this.#readRecord(bytes.subarray(at, at + RECORD_ALIGNMENT), this.#clusterBytes);
    }
  }

  /** Whether any byte of it lies in a compressed file. */
  meets({
    offsetBytes,
    lengthBytes,
  }: {
    readonly offsetBytes: number;
    readonly lengthBytes: number;
  }): boolean {
    const end = offsetBytes + lengthBytes;
    return this.#stretches.some((stretch) => stretch.offsetBytes < end && offsetBytes < stretch.endBytes);
  }

  #readBoot(bytes: Buffer): void {
    if (!bytes.subarray(3, 3 + BOOT_NAME.length).equals(BOOT_NAME)) return;
    const sectorBytes = bytes.readUInt16LE(11);
    const perCluster = bytes.readUInt8(13);
    // Above 128 it is a negative power of two.
    const sectors = perCluster > 128 ? 2 ** (256 - perCluster) : perCluster;
    this.#clusterBytes = sectorBytes * sectors;
  }

  #readRecord(record: Buffer, clusterBytes: number): void {
    let at = record.readUInt16LE(20);
    for (let count = 0; count < ATTRIBUTES_MAX && at + 64 <= record.length; count += 1) {
      const kind = record.readUInt32LE(at);
      const length = record.readUInt32LE(at + 4);
      if (kind === ATTRIBUTE_END || length < 24 || at + length > record.length) return;
      const isNonResident = record.readUInt8(at + 8) === 1;
      const flags = record.readUInt16LE(at + 12);
      if (kind === ATTRIBUTE_DATA && isNonResident && (flags & COMPRESSED) !== 0)
        this.#readRuns(record.subarray(at + record.readUInt16LE(at + 32), at + length), clusterBytes);
      at += length;
    }
  }

  #readRuns(runs: Buffer, clusterBytes: number): void {
    let cluster = 0;
    let at = 0;
    for (let count = 0; count < RUNS_MAX && at < runs.length && runs[at] !== 0; count += 1) {
      const lengthBytes = (runs[at] ?? 0) & 15;
      const offsetBytes = (runs[at] ?? 0) >> 4;
      const next = at + 1 + lengthBytes + offsetBytes;
      if (lengthBytes === 0 || lengthBytes > 6 || offsetBytes > 6 || next > runs.length) return;
      const clusters = runs.readUIntLE(at + 1, lengthBytes);
      if (offsetBytes > 0) {
        // A run without an offset is a hole.
        cluster += runs.readIntLE(at + 1 + lengthBytes, offsetBytes);
        const offset = cluster * clusterBytes;
        if (this.#stretches.length < STRETCHES_MAX)
          this.#stretches.push({ offsetBytes: offset, endBytes: offset + clusters * clusterBytes });
      }
      at = next;
    }
  }
}
