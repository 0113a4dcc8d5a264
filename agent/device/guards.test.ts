// Every refusal to write has its row here; a write is allowed only when none applies.
import { expect, test } from "vitest";
import { assertSafeToWrite, onlyDiskOf, refusalsToWrite, type WriteFacts } from "./guards.ts";
import type { TablePartition } from "./partition-table.ts";

const MIB = 1024 * 1024;
const p1: TablePartition = { name: "p1", label: "", typeName: "", offsetBytes: MIB, sizeBytes: 8 * MIB };
const p2: TablePartition = { ...p1, name: "p2", offsetBytes: 9 * MIB };
const idle = { readOnly: false, mountPoints: [], swaps: [], holders: [] };
const safe: WriteFacts = {
  diskPath: "/dev/sdx",
  expectedSerial: "S1",
  presentSerial: "S1",
  partition: "p1",
  imageBytes: 8 * MIB,
  targetBytes: 8 * MIB,
  usage: idle,
  layout: null,
};
const layout: WriteFacts = {
  ...safe,
  partition: "disk-layout",
  layout: { wanted: [p1, p2], present: [p1, p2] },
};

test("an idle disk of the right serial and size may be written", () => {
  expect(refusalsToWrite(safe)).toEqual([]);
  expect(() => assertSafeToWrite(safe)).not.toThrow();
});

const refused: [why: string, facts: WriteFacts, code: string, words: RegExp][] = [
  [
    "the disk's serial differs from the task's",
    { ...safe, presentSerial: "S2" },
    "disk-mismatch",
    /is the disk S2, not S1/,
  ],
  [
    "it is mounted",
    { ...safe, usage: { ...idle, mountPoints: ["/mnt/data"] } },
    "target-mounted",
    /mounted at \/mnt\/data/,
  ],
  [
    "it holds the running system",
    { ...safe, usage: { ...idle, mountPoints: ["/"] } },
    "target-mounted",
    /running system/,
  ],
  [
    "it is used as swap",
    { ...safe, usage: { ...idle, swaps: ["/dev/sdx2"] } },
    "target-mounted",
    /swap \(\/dev\/sdx2\)/,
  ],
  [
    "LVM, RAID or dm-crypt holds it",
    { ...safe, usage: { ...idle, holders: ["dm-0"] } },
    "target-mounted",
    /part of dm-0/,
  ],
  ["it is read-only", { ...safe, usage: { ...idle, readOnly: true } }, "target-write-failed", /read-only/],
  ["the partition is missing", { ...safe, targetBytes: null }, "target-missing", /no partition p1/],
  [
    "the partition is smaller than the image",
    { ...safe, targetBytes: 4 * MIB },
    "target-too-small",
    /4194304 bytes/,
  ],
  [
    "the partition is larger than the image",
    { ...safe, targetBytes: 16 * MIB },
    "layout-mismatch",
    /16777216 bytes/,
  ],
  [
    "the disk is partitioned otherwise than the layout to restore",
    { ...layout, layout: { wanted: [p1, p2], present: [{ ...p1, sizeBytes: 4 * MIB }, p2] } },
    "layout-mismatch",
    /partitioned otherwise/,
  ],
  [
    "the layout to restore holds no table",
    { ...layout, layout: { wanted: null, present: [p1] } },
    "layout-unreadable",
    /no readable table/,
  ],
];

for (const [why, facts, code, words] of refused) {
  test(`writing is refused when ${why}`, () => {
    const refusals = refusalsToWrite(facts);
    expect(refusals.map((refusal) => refusal.code)).toEqual([code]);
    expect(refusals[0]?.message).toMatch(words);
    expect(refusals[0]?.hint).not.toBe("");
    expect(() => assertSafeToWrite(facts)).toThrow(words);
  });
}

test("all reasons are told at once, the disk's identity first", () => {
  const all: WriteFacts = {
    ...safe,
    presentSerial: "S2",
    targetBytes: null,
    usage: { readOnly: true, mountPoints: ["/", "/home"], swaps: ["/dev/sdx3"], holders: ["md0"] },
  };
  const codes = refusalsToWrite(all).map((refusal) => refusal.code);
  expect(codes).toHaveLength(7);
  expect(codes[0]).toBe("disk-mismatch");
});

test("a layout of the same geometry may be written, and so may any onto a disk whose table is unreadable", () => {
  expect(refusalsToWrite(layout)).toEqual([]);
  expect(refusalsToWrite({ ...layout, layout: { wanted: [p2, p1], present: [p1, p2] } })).toEqual([]);
  expect(refusalsToWrite({ ...layout, layout: { wanted: [p1, p2], present: null } })).toEqual([]);
});

test("a serial names one disk, or nothing is written", () => {
  const disk = (path: string, serial: string) => ({ path, info: { serial } });
  const [first, second] = [disk("/dev/sda", "A"), disk("/dev/sdb", "B")];
  expect(onlyDiskOf([first, second], "B")).toBe(second);
  expect(() => onlyDiskOf([first, second], "C")).toThrow(/has no disk C; its disks are: .*sda \(A\)/);
  expect(() => onlyDiskOf([], "C")).toThrow(/none/);
  expect(() => onlyDiskOf([first, disk("/dev/sdc", "A")], "A")).toThrow(/tells apart: .*sda.*sdc/);
  const nameless = disk("/dev/vda", "noserial-vda");
  expect(onlyDiskOf([nameless, second], "noserial-vda")).toBe(nameless);
  const other = disk("/dev/vdb", "noserial-vdb");
  expect(() => onlyDiskOf([nameless, other], "noserial-vda")).toThrow(/not certain/);
  expect(onlyDiskOf([nameless, other, second], "B")).toBe(second);
});
