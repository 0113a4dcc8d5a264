import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { TokenPlace } from "#lib/model/localization.ts";
import { makeFatVolume } from "./fat-volume.ts";
import { ObstacleScanner } from "./obstacles.ts";

const MIB = 1024 * 1024;

function reasons(image: Buffer, places: readonly TokenPlace[] = [], stretch = 64 * 1024): string[] {
  const scanner = new ObstacleScanner();
  for (let from = 0; from < image.length; from += stretch) scanner.push(image.subarray(from, from + stretch));
  return scanner.obstacles(places).map(({ reason }) => reason);
}

function withBytes(offset: number, bytes: string | number[]): Buffer {
  const image = Buffer.alloc(MIB);
  image.set(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes, offset);
  return image;
}

/** By the program that makes them for everybody. */
function ext4(...options: string[]): Buffer {
  const folder = mkdtempSync(join(tmpdir(), "sheepfold-ext-"));
  try {
    const path = join(folder, "ext4.img");
    writeFileSync(path, "");
    truncateSync(path, 8 * MIB);
    execFileSync("/sbin/mke2fs", ["-q", "-F", "-t", "ext4", ...options, path]);
    return readFileSync(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("refused for what the partition is", () => {
  const CASES: readonly [string, () => Buffer, string[]][] = [
    ["LUKS", () => withBytes(0, "LUKS\u00ba\u00be"), ["encrypted"]],
    ["BitLocker", () => withBytes(3, "-FVE-FS-"), ["encrypted"]],
    ["btrfs", () => withBytes(0x10040, "_BHRfS_M"), ["checksummed"]],
    ["ZFS", () => withBytes(0x20000, [0x0c, 0xb1, 0xba, 0x00]), ["checksummed"]],
    ["ext4 with inline data", () => ext4("-O", "inline_data"), ["checksummed"]],
    ["ext4 that may encrypt folders", () => ext4("-O", "encrypt"), ["encrypted"]],
  ];
  for (const [what, make, expected] of CASES) {
    test(what, () => {
      expect(reasons(make())).toEqual(expected);
      expect(reasons(make(), [], 512)).toEqual(expected);
    });
  }

  test("ext4 whose journal was not written back", () => {
    const image = ext4();
    expect(reasons(image)).toEqual([]);
    image.writeUInt32LE(image.readUInt32LE(1024 + 96) | 4, 1024 + 96);
    expect(reasons(image)).toEqual(["not-unmounted"]);
  });
});

test("ordinary file systems and unknown bytes are not", () => {
  expect(reasons(ext4("-O", "metadata_csum"))).toEqual([]);
  expect(reasons(makeFatVolume({ label: "DATA", sizeBytes: MIB, files: [] }))).toEqual([]);
  expect(reasons(Buffer.alloc(MIB, 0x5a))).toEqual([]);
  expect(reasons(Buffer.alloc(512))).toEqual([]);
});

describe("a token in a registry hive", () => {
  const place: TokenPlace = { offsetBytes: 8192 + 5000, lengthBytes: 20, encoding: "utf16le", name: "host" };
  function hive(primary: number, secondary: number): Buffer {
    const image = withBytes(8192, "regf");
    image.writeUInt32LE(primary, 8192 + 4);
    image.writeUInt32LE(secondary, 8192 + 8);
    image.writeUInt32LE(8192, 8192 + 0x28);
    return image;
  }

  test("is refused when the hive's log holds changes", () => {
    expect(reasons(hive(7, 6), [place])).toEqual(["dirty-hive"]);
  });
  test("is not when it holds none, or the token lies elsewhere", () => {
    expect(reasons(hive(7, 7), [place])).toEqual([]);
    expect(reasons(hive(7, 6), [{ ...place, offsetBytes: 8192 + 4096 + 8192 }])).toEqual([]);
    expect(reasons(hive(7, 6))).toEqual([]);
  });
});
