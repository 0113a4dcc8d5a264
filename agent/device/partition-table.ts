// Reads partition tables from a disk's bytes: GPT (primary, or the backup at the disk's end when the primary is damaged) and
// MBR. Reading them ourselves needs no tool on the PC, works on image files without root, and lets a restore compare the
// table it is about to write with the one that is there.
//
// An MBR extended partition is one partition to us: its chain of tables lies inside it and is archived with it.
import { crc32 } from "node:zlib";
import { gptTypeName, mbrTypeName } from "./partition-types.ts";

export interface TablePartition {
  /** "p1", "p2", … by the number in the table. */
  readonly name: string;
  readonly label: string;
  readonly typeName: string;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

/** "none": no table, so the whole disk is one stretch. "unreadable": there was a table, and no copy of it is whole. */
export type PartitionTable =
  | {
      readonly kind: "gpt" | "mbr";
      readonly sectorSize: number;
      readonly partitions: readonly TablePartition[];
    }
  | { readonly kind: "none" }
  | { readonly kind: "unreadable"; readonly why: string };

/** Enough of a disk to read its table: the first and last bytes (the whole disk, when it is small). */
export interface DiskEnds {
  readonly sizeBytes: number;
  readonly head: Uint8Array;
  readonly tail: Uint8Array;
}

export const TABLE_WINDOW_BYTES = 1024 * 1024;
const GPT_SIGNATURE = "EFI PART";
const GPT_ENTRIES_MAX = 1024;

export function readPartitionTable(
  ends: DiskEnds,
  sectorSizes: readonly number[] = [512, 4096],
): PartitionTable {
  let damage: string | null = null;
  for (const sectorSize of sectorSizes) {
    const primary = readGpt(ends, sectorSize, sectorSize);
    if (typeof primary === "object" && primary !== null) return gpt(sectorSize, primary);
    const backup = readGpt(ends, sectorSize, ends.sizeBytes - sectorSize);
    if (typeof backup === "object" && backup !== null) return gpt(sectorSize, backup);
    damage ??= primary ?? backup;
  }
  if (damage !== null) return { kind: "unreadable", why: damage };
  return readMbr(ends, sectorSizes[0] ?? 512);
}

/** Two tables describe the same disk when every partition is at the same place and of the same size. */
export function sameGeometry(a: readonly TablePartition[], b: readonly TablePartition[]): boolean {
  return (
    a.length === b.length &&
    a.every((one) =>
      b.some(
        (other) =>
          other.name === one.name &&
          other.offsetBytes === one.offsetBytes &&
          other.sizeBytes === one.sizeBytes,
      ),
    )
  );
}

function gpt(sectorSize: number, partitions: readonly TablePartition[]): PartitionTable {
  return partitions.length === 0 ? { kind: "none" } : { kind: "gpt", sectorSize, partitions };
}

/** Partitions; null when there is no GPT header at this place; words when there is one and it is damaged. */
function readGpt(ends: DiskEnds, sectorSize: number, headerOffset: number): TablePartition[] | string | null {
  const header = bytesAt(ends, headerOffset, sectorSize);
  if (header === null || header.toString("latin1", 0, 8) !== GPT_SIGNATURE) return null;
  const headerBytes = header.readUInt32LE(12);
  if (headerBytes < 92 || headerBytes > sectorSize)
    return `a GPT header claims a length of ${headerBytes} bytes`;
  const summed = Buffer.from(header.subarray(0, headerBytes));
  summed.writeUInt32LE(0, 16);
  if (crc32(summed) !== header.readUInt32LE(16)) return "a GPT header does not match its checksum";
  if (Number(header.readBigUInt64LE(24)) * sectorSize !== headerOffset)
    return "a GPT header names another place as its own";
  const entryCount = header.readUInt32LE(80);
  const entryBytes = header.readUInt32LE(84);
  if (entryCount > GPT_ENTRIES_MAX || entryBytes < 128 || entryBytes > 4096) {
    return `a GPT header claims ${entryCount} entries of ${entryBytes} bytes`;
  }
  const entries = bytesAt(ends, Number(header.readBigUInt64LE(72)) * sectorSize, entryCount * entryBytes);
  if (entries === null) return "the GPT entries lie outside the ends of the disk";
  if (crc32(entries) !== header.readUInt32LE(88)) return "the GPT entries do not match their checksum";
  return gptEntries(entries, entryCount, entryBytes, sectorSize, ends.sizeBytes);
}

function gptEntries(
  entries: Buffer,
  entryCount: number,
  entryBytes: number,
  sectorSize: number,
  diskBytes: number,
): TablePartition[] | string {
  const found: TablePartition[] = [];
  for (let index = 0; index < entryCount; index++) {
    const entry = entries.subarray(index * entryBytes, (index + 1) * entryBytes);
    const type = guidText(entry.subarray(0, 16));
    if (type === "00000000-0000-0000-0000-000000000000") continue;
    const firstSector = Number(entry.readBigUInt64LE(32));
    const lastSector = Number(entry.readBigUInt64LE(40));
    const sizeBytes = (lastSector - firstSector + 1) * sectorSize;
    if (sizeBytes <= 0 || (lastSector + 1) * sectorSize > diskBytes)
      return `GPT partition ${index + 1} lies outside the disk`;
    found.push({
      name: `p${index + 1}`,
      label: printable(entry.toString("utf16le", 56, 128)),
      typeName: gptTypeName(type),
      offsetBytes: firstSector * sectorSize,
      sizeBytes,
    });
  }
  return overlapping(found) ? "GPT partitions overlap" : found;
}

function readMbr(ends: DiskEnds, sectorSize: number): PartitionTable {
  const sector = bytesAt(ends, 0, 512);
  if (sector === null || sector.readUInt16LE(510) !== 0xaa55 || isFileSystemStart(sector))
    return { kind: "none" };
  const found: TablePartition[] = [];
  for (let index = 0; index < 4; index++) {
    const entry = sector.subarray(446 + index * 16, 462 + index * 16);
    const type = entry.readUInt8(4);
    if (type === 0) continue;
    if (type === 0xee)
      return { kind: "unreadable", why: "the disk had a GPT, and neither copy of it is whole" };
    const offsetBytes = entry.readUInt32LE(8) * sectorSize;
    const sizeBytes = entry.readUInt32LE(12) * sectorSize;
    // Boot code of a file system can look like entries: nonsense in any of them means this is no table.
    const plausible = (entry.readUInt8(0) & 0x7f) === 0 && offsetBytes > 0 && sizeBytes > 0;
    if (!plausible || offsetBytes + sizeBytes > ends.sizeBytes) return { kind: "none" };
    found.push({ name: `p${index + 1}`, label: "", typeName: mbrTypeName(type), offsetBytes, sizeBytes });
  }
  if (found.length === 0 || overlapping(found)) return { kind: "none" };
  return { kind: "mbr", sectorSize, partitions: found };
}

// FAT and NTFS begin with a boot sector that carries the same signature as an MBR.
function isFileSystemStart(sector: Buffer): boolean {
  return (
    sector.toString("latin1", 3, 7) === "NTFS" ||
    sector.toString("latin1", 3, 8) === "EXFAT" ||
    sector.toString("latin1", 54, 57) === "FAT" ||
    sector.toString("latin1", 82, 85) === "FAT"
  );
}

function overlapping(partitions: readonly TablePartition[]): boolean {
  const sorted = [...partitions].sort((a, b) => a.offsetBytes - b.offsetBytes);
  return sorted.some((one, index) => {
    const next = sorted[index + 1];
    return next !== undefined && one.offsetBytes + one.sizeBytes > next.offsetBytes;
  });
}

function bytesAt(ends: DiskEnds, offsetBytes: number, lengthBytes: number): Buffer | null {
  if (offsetBytes < 0 || !Number.isSafeInteger(offsetBytes)) return null;
  if (offsetBytes + lengthBytes <= ends.head.length) return cut(ends.head, offsetBytes, lengthBytes);
  const tailStart = ends.sizeBytes - ends.tail.length;
  if (offsetBytes >= tailStart && offsetBytes + lengthBytes <= ends.sizeBytes) {
    return cut(ends.tail, offsetBytes - tailStart, lengthBytes);
  }
  return null;
}

function cut(bytes: Uint8Array, start: number, length: number): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, length);
}

// The first three fields of a GUID are little-endian on disk.
function guidText(bytes: Buffer): string {
  const hex = (from: number, to: number, swap: boolean) => {
    const part = Buffer.from(bytes.subarray(from, to));
    return (swap ? part.reverse() : part).toString("hex");
  };
  return [hex(0, 4, true), hex(4, 6, true), hex(6, 8, true), hex(8, 10, false), hex(10, 16, false)].join("-");
}

/** A label is a stranger's words: cut at its NUL, control characters dropped. */
function printable(text: string): string {
  const cutText = text.split("\0")[0] ?? "";
  return cutText.replace(/\p{C}/gu, "").slice(0, 128);
}
