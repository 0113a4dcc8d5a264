// Which file system a partition holds, by its first bytes, and whether it may be changed as it is. What is known but not supported is
// named, so that people learn why and not only that. NTFS says only to its own tools whether it was left clean (ntfs-files.ts).
// Facts: the Linux kernel's ext4 and FAT headers; libyal on BitLocker; blkid's list of magic numbers.
import type { CodedError } from "#lib/model/errors.ts";
import { recipeRefused } from "./refusal.ts";

export type FileSystem = "ext" | "fat" | "ntfs";
export const FILE_SYSTEM_NAMES: Readonly<Record<FileSystem, string>> = {
  ext: "ext4",
  fat: "FAT",
  ntfs: "NTFS",
};

/** All signs lie before this. */
export const BEGINNING_BYTES = 128 * 1024;

const EXT = {
  at: 1024,
  magicAt: 1024 + 56,
  magic: 0xef53,
  stateAt: 1024 + 58,
  incompatAt: 1024 + 96,
} as const;
const EXT_STATE_CLEAN = 0x1;
const EXT_STATE_ERRORS = 0x2;
const EXT_NEEDS_RECOVERY = 0x4;
const EXT_IS_JOURNAL = 0x8;
/** Bit 0 of this byte: mounted, or not unmounted. */
const FAT_STATE_AT = { fat32: 65, others: 37 } as const;

const OTHERS: readonly { at: number; mark: string; name: string }[] = [
  { at: 0, mark: "LUKS\u00ba\u00be", name: "encrypted by LUKS" },
  { at: 3, mark: "-FVE-FS-", name: "encrypted by BitLocker" },
  { at: 3, mark: "EXFAT   ", name: "exFAT" },
  { at: 0x10040, mark: "_BHRfS_M", name: "btrfs" },
  { at: 0, mark: "XFSB", name: "XFS" },
  { at: 1024, mark: "\u0010\u0020\u00f5\u00f2", name: "F2FS" },
  { at: 4086, mark: "SWAPSPACE2", name: "swap" },
  { at: 512, mark: "LABELONE", name: "a part of LVM" },
  { at: 3, mark: "ReFS", name: "ReFS" },
];

/** Throws "recipe-refused" for anything but a clean ext2/3/4 or FAT, or an NTFS. */
export function fileSystemOf(partition: string, beginning: Buffer): FileSystem {
  const other = OTHERS.find(({ at, mark }) => beginning.toString("latin1", at, at + mark.length) === mark);
  if (other !== undefined) throw unsupported(partition, other.name);
  if (beginning.length < 4096) throw unsupported(partition, "too small for any file system");
  if (beginning.toString("latin1", 3, 11) === "NTFS    ") return "ntfs";
  if (beginning.readUInt16LE(EXT.magicAt) === EXT.magic) {
    checkExt(partition, beginning);
    return "ext";
  }
  if (isFat(beginning)) {
    checkFat(partition, beginning);
    return "fat";
  }
  throw unsupported(partition, "nothing that is known here");
}

/** For every file system that was not left as its operating system leaves it. */
export function notClean(partition: string, fileSystem: FileSystem, why: string): CodedError {
  return recipeRefused(
    `${FILE_SYSTEM_NAMES[fileSystem]} on ${partition} was not left clean: ${why}.`,
    "Start the master, shut it down completely (on Windows: shutdown /s /t 0), and make a new snapshot of it.",
  );
}

function checkExt(partition: string, beginning: Buffer): void {
  const state = beginning.readUInt16LE(EXT.stateAt);
  const incompat = beginning.readUInt32LE(EXT.incompatAt);
  if ((incompat & EXT_IS_JOURNAL) !== 0) throw unsupported(partition, "the journal of another ext4");
  // Written past the journal, our changes would be undone, or worse mixed, when the PC replays it.
  if ((incompat & EXT_NEEDS_RECOVERY) !== 0) throw notClean(partition, "ext", "its journal holds changes");
  if ((state & EXT_STATE_ERRORS) !== 0) throw notClean(partition, "ext", "it has noted errors");
  if ((state & EXT_STATE_CLEAN) === 0) throw notClean(partition, "ext", "it was not unmounted");
}

/** A boot sector whose numbers make sense: 55 AA alone is on every bootable disk. */
function isFat(beginning: Buffer): boolean {
  const sectorBytes = beginning.readUInt16LE(11);
  const clusterSectors = beginning.readUInt8(13);
  const tables = beginning.readUInt8(16);
  return (
    beginning.readUInt16LE(510) === 0xaa55 &&
    [512, 1024, 2048, 4096].includes(sectorBytes) &&
    clusterSectors > 0 &&
    (clusterSectors & (clusterSectors - 1)) === 0 &&
    beginning.readUInt16LE(14) > 0 &&
    (tables === 1 || tables === 2) &&
    beginning.readUInt8(21) >= 0xf0
  );
}

function checkFat(partition: string, beginning: Buffer): void {
  // FAT32 alone has no number of root directory entries.
  const stateAt = beginning.readUInt16LE(17) === 0 ? FAT_STATE_AT.fat32 : FAT_STATE_AT.others;
  if ((beginning.readUInt8(stateAt) & 1) !== 0) throw notClean(partition, "fat", "it was not unmounted");
}

function unsupported(partition: string, name: string): CodedError {
  return recipeRefused(
    `Files of ${partition} cannot be changed: it is ${name}.`,
    "Recipes change files on ext2/3/4, FAT and NTFS without encryption. Use the identity volume for other partitions.",
  );
}
