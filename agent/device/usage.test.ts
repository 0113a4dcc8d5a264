import { expect, test } from "vitest";
import { parseMountInfo, parseSwaps } from "./usage.ts";

test("mounts are read with spaces in their paths and optional fields of any number", () => {
  const text = [
    "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw",
    "40 22 8:17 / /media/my\\040disk rw - vfat /dev/sdb1 rw",
    "41 22 0:35 /sub /data rw shared:5 master:2 - btrfs /dev/sdc1 rw",
    "garbage",
  ].join("\n");
  expect(parseMountInfo(text)).toEqual([
    { device: "8:1", source: "/dev/sda1", mountPoint: "/" },
    { device: "8:17", source: "/dev/sdb1", mountPoint: "/media/my disk" },
    { device: "0:35", source: "/dev/sdc1", mountPoint: "/data" },
  ]);
});

test("swaps are the first column below the heading", () => {
  const text = "Filename\tType\tSize\n/dev/sda2                               partition\t8388604\t0\t-2\n";
  expect(parseSwaps(text)).toEqual(["/dev/sda2"]);
  expect(parseSwaps("")).toEqual([]);
});
