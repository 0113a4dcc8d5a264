import { expect, test } from "vitest";
import { SIGNATURE_BYTES, type Signature, signatureOf } from "./signature.ts";

function start(...marks: readonly [offset: number, text: string][]): Uint8Array {
  const bytes = Buffer.alloc(SIGNATURE_BYTES);
  for (const [offset, text] of marks) bytes.write(text, offset, "latin1");
  return bytes;
}

const BOOT_MARK: [number, string] = [0x1fe, "\x55\xaa"];
const table: [Signature, Uint8Array][] = [
  ["ext2/3/4", start([0x438, "\x53\xef"])],
  ["NTFS", start([3, "NTFS    "], BOOT_MARK)],
  ["FAT", start([0x52, "FAT32   "], BOOT_MARK)],
  ["FAT", start([0x36, "FAT16   "], BOOT_MARK)],
  ["exFAT", start([3, "EXFAT   "], BOOT_MARK)],
  ["XFS", start([0, "XFSB"])],
  ["Btrfs", start([0x10040, "_BHRfS_M"])],
  ["swap", start([0xff6, "SWAPSPACE2"])],
  ["LUKS", start([0, "LUKS\xba\xbe"])],
  ["LVM", start([0x218, "LVM2 001"])],
  ["a partition table", start(BOOT_MARK)],
  ["a partition table", start([0x200, "EFI PART"], BOOT_MARK)],
  ["empty", start()],
  ["empty", new Uint8Array(0)],
  ["unknown", start([100, "words"])],
  ["unknown", Buffer.from("a short text file")],
];

for (const [signature, bytes] of table) {
  test(`${bytes.length} bytes are called ${signature}`, () => expect(signatureOf(bytes)).toBe(signature));
}
