// What the first bytes of a partition say it holds. Only well-known magic numbers at fixed places are compared;
// nothing is parsed, so hostile bytes can at worst be called by a wrong name.

const SIGNATURES = [
  "ext2/3/4",
  "NTFS",
  "FAT",
  "exFAT",
  "XFS",
  "Btrfs",
  "swap",
  "LUKS",
  "LVM",
  "a partition table",
  "empty",
  "unknown",
] as const;
export type Signature = (typeof SIGNATURES)[number];

/** The furthest magic number (Btrfs) ends here. */
export const SIGNATURE_BYTES = 0x10048;

interface Magic {
  readonly signature: Signature;
  readonly offset: number;
  readonly bytes: string;
}

// In this order: a FAT or NTFS boot sector ends with the mark of a partition table, so that comes last.
const MAGICS: readonly Magic[] = [
  { signature: "ext2/3/4", offset: 0x438, bytes: "\x53\xef" },
  { signature: "NTFS", offset: 3, bytes: "NTFS    " },
  { signature: "exFAT", offset: 3, bytes: "EXFAT   " },
  { signature: "FAT", offset: 0x36, bytes: "FAT" },
  { signature: "FAT", offset: 0x52, bytes: "FAT32" },
  { signature: "XFS", offset: 0, bytes: "XFSB" },
  { signature: "Btrfs", offset: 0x10040, bytes: "_BHRfS_M" },
  { signature: "swap", offset: 0xff6, bytes: "SWAPSPACE2" },
  { signature: "LUKS", offset: 0, bytes: "LUKS\xba\xbe" },
  { signature: "LVM", offset: 0x218, bytes: "LVM2 001" },
  { signature: "a partition table", offset: 0x200, bytes: "EFI PART" },
  { signature: "a partition table", offset: 0x1fe, bytes: "\x55\xaa" },
];

/** `start` holds up to SIGNATURE_BYTES from the beginning; fewer bytes only make fewer things recognizable. */
export function signatureOf(start: Uint8Array): Signature {
  for (const { signature, offset, bytes } of MAGICS) {
    const wanted = Buffer.from(bytes, "latin1");
    const found = start.subarray(offset, offset + wanted.length);
    if (wanted.equals(found)) return signature;
  }
  return start.every((byte) => byte === 0) ? "empty" : "unknown";
}
