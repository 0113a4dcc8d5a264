// Makes a GPT for a fresh disk image: protective MBR, primary table, backup table. Only simulated PCs need it; a managed PC's
// table is never made by us, only archived and put back.
import { crc32 } from "node:zlib";
import type { RawDevice } from "./raw-device.ts";

const SECTOR = 512;
const ENTRY_COUNT = 128;
const ENTRY_BYTES = 128;
const ENTRIES_SECTORS = (ENTRY_COUNT * ENTRY_BYTES) / SECTOR;
const LINUX_FILESYSTEM = "0fc63daf-8483-4772-8e79-3d69d8477de4";

export interface NewPartition {
  readonly label: string;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
  readonly guid: string;
}

export async function writeGpt(
  device: RawDevice,
  diskGuid: string,
  partitions: readonly NewPartition[],
): Promise<void> {
  const sectorCount = Math.floor(device.sizeBytes / SECTOR);
  const entries = Buffer.alloc(ENTRY_COUNT * ENTRY_BYTES);
  for (const [index, partition] of partitions.entries())
    writeEntry(entries.subarray(index * ENTRY_BYTES), partition);
  const backupEntriesSector = sectorCount - 1 - ENTRIES_SECTORS;
  const header = (own: number, other: number, entriesSector: number) =>
    headerSector({ own, other, entriesSector, sectorCount, diskGuid, entries });
  await device.write(0, protectiveMbr(sectorCount));
  await device.write(SECTOR, header(1, sectorCount - 1, 2));
  await device.write(2 * SECTOR, entries);
  await device.write(backupEntriesSector * SECTOR, entries);
  await device.write((sectorCount - 1) * SECTOR, header(sectorCount - 1, 1, backupEntriesSector));
}

function writeEntry(entry: Buffer, { label, offsetBytes, sizeBytes, guid }: NewPartition): void {
  guidBytes(LINUX_FILESYSTEM).copy(entry, 0);
  guidBytes(guid).copy(entry, 16);
  entry.writeBigUInt64LE(BigInt(offsetBytes / SECTOR), 32);
  entry.writeBigUInt64LE(BigInt((offsetBytes + sizeBytes) / SECTOR - 1), 40);
  entry.write(label.slice(0, 36), 56, "utf16le");
}

interface HeaderFacts {
  readonly own: number;
  readonly other: number;
  readonly entriesSector: number;
  readonly sectorCount: number;
  readonly diskGuid: string;
  readonly entries: Buffer;
}

function headerSector(facts: HeaderFacts): Buffer {
  const header = Buffer.alloc(SECTOR);
  header.write("EFI PART", 0, "latin1");
  header.writeUInt32LE(0x00010000, 8);
  header.writeUInt32LE(92, 12);
  header.writeBigUInt64LE(BigInt(facts.own), 24);
  header.writeBigUInt64LE(BigInt(facts.other), 32);
  header.writeBigUInt64LE(BigInt(2 + ENTRIES_SECTORS), 40);
  header.writeBigUInt64LE(BigInt(facts.sectorCount - 2 - ENTRIES_SECTORS), 48);
  guidBytes(facts.diskGuid).copy(header, 56);
  header.writeBigUInt64LE(BigInt(facts.entriesSector), 72);
  header.writeUInt32LE(ENTRY_COUNT, 80);
  header.writeUInt32LE(ENTRY_BYTES, 84);
  header.writeUInt32LE(crc32(facts.entries), 88);
  header.writeUInt32LE(crc32(header.subarray(0, 92)), 16);
  return header;
}

/** Tells tools that know only MBR that the whole disk is taken. */
function protectiveMbr(sectorCount: number): Buffer {
  const sector = Buffer.alloc(SECTOR);
  sector.writeUInt8(0xee, 446 + 4);
  sector.writeUInt32LE(1, 446 + 8);
  sector.writeUInt32LE(Math.min(sectorCount - 1, 0xffffffff), 446 + 12);
  sector.writeUInt16LE(0xaa55, 510);
  return sector;
}

// The first three fields of a GUID are little-endian on disk.
function guidBytes(guid: string): Buffer {
  const bytes = Buffer.from(guid.replaceAll("-", ""), "hex");
  bytes.subarray(0, 4).reverse();
  bytes.subarray(4, 6).reverse();
  bytes.subarray(6, 8).reverse();
  return bytes;
}
