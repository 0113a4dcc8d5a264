// Signs that bytes of a partition must not be replaced: it is encrypted, its file system keeps checksums of what is in files, it was
// not unmounted, or a token lies in a compressed file or in a registry hive that has changes of its own to write. Looked for in the bytes alone, while an
// image goes by; what has no such sign may be patched.
// Facts: the superblocks' documented layouts (LUKS on-disk format 1 and 2; btrfs, ext4 and bcachefs of the Linux kernel; ZFS on-disk
// specification; BitLocker and the hive format as libyal describes them).
import type { Obstacle, TokenPlace } from "#lib/model/localization.ts";
import { CompressedStretches } from "./ntfs-compression.ts";
import { NtfsLog } from "./ntfs-log.ts";
import { NtfsRecords } from "./ntfs-records.ts";

interface Sign {
  readonly offset: number;
  readonly bytes: Buffer;
  readonly obstacle: Obstacle;
}

const encrypted = (by: string): Obstacle => ({
  reason: "encrypted",
  explanation: `The partition is encrypted by ${by}: what lies on it is not what a PC reads.`,
});
const checksummed = (by: string): Obstacle => ({
  reason: "checksummed",
  explanation: `The partition is ${by}, which keeps checksums of what is in files: changed bytes would be taken for damage.`,
});
const at = (offset: number, bytes: string | number[], obstacle: Obstacle): Sign => ({
  offset,
  bytes: typeof bytes === "string" ? Buffer.from(bytes, "latin1") : Buffer.from(bytes),
  obstacle,
});

const SIGNS: readonly Sign[] = [
  at(0, "LUKS\u00ba\u00be", encrypted("LUKS")),
  at(3, "-FVE-FS-", encrypted("BitLocker")),
  at(0x10040, "_BHRfS_M", checksummed("btrfs")),
  at(0x1018, [0xc6, 0x85, 0x73, 0xf6, 0x66, 0xce, 0x90, 0xa9], checksummed("bcachefs")),
  // The first uberblock of a pool, in either byte order.
  at(0x20000, [0x0c, 0xb1, 0xba, 0x00], checksummed("ZFS")),
  at(0x20004, [0x00, 0xba, 0xb1, 0x0c], checksummed("ZFS")),
];
const EXT = { magicAt: 1024 + 56, magic: 0xef53, incompatAt: 1024 + 96 } as const;
const EXT_NEEDS_RECOVERY = 0x4;
const EXT_INLINE_DATA = 0x8000;
const EXT_ENCRYPT = 0x10000;
/** All signs lie before this. */
const BEGINNING_BYTES = 0x21000;
const HIVE_ALIGNMENT = 512;
const HIVE_HEADER_BYTES = 4096;
const HIVE_MARK = Buffer.from("regf", "latin1");

interface Hive {
  readonly offsetBytes: number;
  readonly endBytes: number;
  readonly isDirty: boolean;
}

/** Looks through an image from its beginning to its end, in stretches that begin and end at whole sectors. */
export class ObstacleScanner {
  #beginning: Buffer[] = [];
  readonly #hives: Hive[] = [];
  readonly #ntfs = new NtfsRecords();
  readonly #compressed = new CompressedStretches();
  readonly #ntfsLog = new NtfsLog();
  #offset = 0;

  push(bytes: Uint8Array): void {
    const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (this.#offset < BEGINNING_BYTES)
      this.#beginning.push(Buffer.from(all.subarray(0, BEGINNING_BYTES - this.#offset)));
    for (let from = all.indexOf(HIVE_MARK); from !== -1; from = all.indexOf(HIVE_MARK, from + 1)) {
      if ((this.#offset + from) % HIVE_ALIGNMENT === 0 && from + 0x30 <= all.length)
        this.#noteHive(all, from);
    }
    this.#pushNtfs(all);
    this.#offset += all.length;
  }

  /** What stands against replacing these tokens; empty: nothing. */
  obstacles(places: readonly TokenPlace[]): Obstacle[] {
    const beginning = Buffer.concat(this.#beginning);
    const found = SIGNS.filter(({ offset, bytes }) =>
      beginning.subarray(offset, offset + bytes.length).equals(bytes),
    ).map(({ obstacle }) => obstacle);
    const inHives = places.filter((place) =>
      this.#hives.some(
        ({ isDirty, offsetBytes, endBytes }) =>
          isDirty && place.offsetBytes >= offsetBytes && place.offsetBytes < endBytes,
      ),
    );
    const compressed = places.filter((place) => this.#compressed.meets(place));
    return [
      ...found,
      ...extObstacles(beginning),
      ...(this.#ntfsLog.isUnfinished ? [NTFS_UNFINISHED] : []),
      ...compressed.map(inCompressedFile),
      ...inHives.map(inDirtyHive),
    ];
  }

  #pushNtfs(all: Buffer): void {
    this.#ntfs.push(all, this.#offset, (record) => {
      this.#compressed.take(record);
      this.#ntfsLog.take(record);
    });
    if (this.#ntfs.isNtfs) this.#ntfsLog.push(all, this.#offset);
  }

  #noteHive(all: Buffer, from: number): void {
    const offsetBytes = this.#offset + from;
    const isDirty = all.readUInt32LE(from + 4) !== all.readUInt32LE(from + 8);
    const endBytes = offsetBytes + HIVE_HEADER_BYTES + all.readUInt32LE(from + 0x28);
    this.#hives.push({ offsetBytes, endBytes, isDirty });
  }
}

function extObstacles(beginning: Buffer): Obstacle[] {
  if (beginning.length < EXT.incompatAt + 4 || beginning.readUInt16LE(EXT.magicAt) !== EXT.magic) return [];
  const incompat = beginning.readUInt32LE(EXT.incompatAt);
  const found: Obstacle[] = [];
  if ((incompat & EXT_NEEDS_RECOVERY) !== 0) {
    found.push({
      reason: "not-unmounted",
      explanation:
        "The file system was not unmounted: its journal would write the old bytes over the new ones.",
    });
  }
  if ((incompat & EXT_INLINE_DATA) !== 0) found.push(checksummed("ext4 with small files inside inodes"));
  if ((incompat & EXT_ENCRYPT) !== 0) found.push(encrypted("ext4's own encryption of folders"));
  return found;
}

const NTFS_UNFINISHED: Obstacle = {
  reason: "not-unmounted",
  explanation:
    "Windows has not let go of the file system and may write old bytes over the new ones: shut the master down without fast start-up (shutdown /s /f /t 0, or fast start-up switched off).",
};

function inCompressedFile({ name, offsetBytes }: TokenPlace): Obstacle {
  return {
    reason: "compressed",
    token: name,
    explanation: `The token ${name} (at ${offsetBytes}) lies in a file that NTFS compresses: take the compression off that file (compact /u).`,
  };
}

function inDirtyHive({ name, offsetBytes }: TokenPlace): Obstacle {
  return {
    reason: "dirty-hive",
    token: name,
    explanation: `The token ${name} (at ${offsetBytes}) lies in a registry hive whose log holds changes: Windows would write the old bytes back. Shut the master down without fast start-up.`,
  };
}
