import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { endsOf, extentsOfPartition, inspectDisk } from "./disk.ts";
import { openFileDevice } from "./file-device.ts";
import { type DiskEnds, readPartitionTable } from "./partition-table.ts";
import { writeGpt } from "./write-gpt.ts";

const MIB = 1024 * 1024;
const GUID = "12345678-1234-4234-8234-123456789abc";
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sheepfold-table-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function run(command: string, ...args: string[]): string {
  return execFileSync(command, args, { stdio: "pipe" }).toString();
}

async function gptDisk(name: string, sizeBytes: number): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, new Uint8Array(sizeBytes));
  const device = await openFileDevice(path, "write");
  await writeGpt(device, GUID, [
    { label: "boot", offsetBytes: MIB, sizeBytes: MIB, guid: GUID },
    { label: "Wurzel ß", offsetBytes: 2 * MIB, sizeBytes: 4 * MIB, guid: GUID },
  ]);
  await device.close();
  return path;
}

async function damage(path: string, offsetBytes: number, count: number): Promise<void> {
  const device = await openFileDevice(path, "write");
  await device.write(offsetBytes, randomBytes(count));
  await device.close();
}

async function tableOf(path: string) {
  const device = await openFileDevice(path, "read");
  const ends = await endsOf(device);
  await device.close();
  return readPartitionTable(ends);
}

function mbrEnds(sector: Buffer, sizeBytes = 64 * MIB): DiskEnds {
  const head = Buffer.alloc(MIB);
  sector.copy(head);
  return { sizeBytes, head, tail: new Uint8Array(MIB) };
}

function mbrSector(entries: readonly [type: number, firstSector: number, sectorCount: number][]): Buffer {
  const sector = Buffer.alloc(512);
  for (const [index, [type, first, count]] of entries.entries()) {
    sector.writeUInt8(type, 446 + index * 16 + 4);
    sector.writeUInt32LE(first, 446 + index * 16 + 8);
    sector.writeUInt32LE(count, 446 + index * 16 + 12);
  }
  sector.writeUInt16LE(0xaa55, 510);
  return sector;
}

test("a GPT is read with names, labels, places and sizes", async () => {
  expect(await tableOf(await gptDisk("gpt.img", 8 * MIB))).toMatchObject({
    kind: "gpt",
    sectorSize: 512,
    partitions: [
      { name: "p1", label: "boot", typeName: "Linux filesystem", offsetBytes: MIB, sizeBytes: MIB },
      { name: "p2", label: "Wurzel ß", offsetBytes: 2 * MIB, sizeBytes: 4 * MIB },
    ],
  });
});

test("a damaged primary GPT is read from its backup, and a damaged backup does not matter", async () => {
  const path = await gptDisk("backup.img", 8 * MIB);
  await damage(path, 512, 512);
  expect((await tableOf(path)).kind).toBe("gpt");
  await damage(path, 0, MIB);
  expect((await tableOf(path)).kind).toBe("gpt");
  const other = await gptDisk("primary.img", 8 * MIB);
  await damage(other, 8 * MIB - 33 * 512, 33 * 512);
  expect((await tableOf(other)).kind).toBe("gpt");
});

test("a GPT whose copies are both damaged is unreadable, not absent", async () => {
  const path = await gptDisk("both.img", 8 * MIB);
  await damage(path, 512 + 40, 8);
  await damage(path, 8 * MIB - 512 + 40, 8);
  expect((await tableOf(path)).kind).toBe("unreadable");
  const { info } = await inspectDisk(path);
  expect(info.partitions).toMatchObject([{ name: "p1", offsetBytes: 0, sizeBytes: 8 * MIB }]);
  await damage(path, 512, 1024);
  await damage(path, 8 * MIB - 512, 512);
  expect(await tableOf(path)).toMatchObject({ kind: "unreadable", why: /neither copy/ });
});

test("an MBR is read; an extended partition counts as one", () => {
  const table = readPartitionTable(
    mbrEnds(
      mbrSector([
        [7, 2048, 8192],
        [0x0f, 10_240, 40_960],
      ]),
    ),
  );
  expect(table).toMatchObject({
    kind: "mbr",
    partitions: [
      { name: "p1", typeName: "NTFS/exFAT", offsetBytes: MIB, sizeBytes: 4 * MIB },
      { name: "p2", typeName: "Extended LBA", offsetBytes: 5 * MIB, sizeBytes: 20 * MIB },
    ],
  });
});

test("what only looks like an MBR is none: file systems, nonsense entries, overlaps, ends beyond the disk", () => {
  const fat = mbrSector([[7, 2048, 8192]]);
  fat.write("FAT32   ", 82, "latin1");
  const status = mbrSector([[7, 2048, 8192]]);
  status.writeUInt8(0x13, 446);
  for (const sector of [
    fat,
    status,
    mbrSector([]),
    mbrSector([[7, 0, 8192]]),
    mbrSector([
      [7, 2048, 8192],
      [7, 4096, 8192],
    ]),
    mbrSector([[7, 2048, 0xffffff]]),
    Buffer.alloc(512),
  ]) {
    expect(readPartitionTable(mbrEnds(sector))).toEqual({ kind: "none" });
  }
});

test("fuzz: no bytes make the reader throw or name a partition outside the disk", async () => {
  const device = await openFileDevice(await gptDisk("fuzz.img", 8 * MIB), "read");
  const whole = await endsOf(device);
  await device.close();
  for (let round = 0; round < 400; round++) {
    const head = Buffer.from(whole.head);
    const noise = randomBytes(64);
    for (let index = 0; index < 8; index++) {
      head.writeUInt8(noise.readUInt8(index), noise.readUInt16LE(8 + index * 2) % (34 * 512));
    }
    const tail = round % 2 === 0 ? new Uint8Array(whole.tail.length) : whole.tail;
    const table = readPartitionTable({ ...whole, head, tail });
    if (table.kind !== "gpt" && table.kind !== "mbr") continue;
    for (const one of table.partitions)
      expect(one.offsetBytes + one.sizeBytes).toBeLessThanOrEqual(whole.sizeBytes);
  }
});

test("a disk is its layout and its partitions, without overlap; odd sizes are kept to the byte", async () => {
  const path = await gptDisk("odd.img", 8 * MIB + 512 * 3);
  const disk = await inspectDisk(path);
  expect(disk.info.partitions.map((partition) => partition.name)).toEqual(["disk-layout", "p1", "p2"]);
  expect(extentsOfPartition(disk, "disk-layout")).toEqual([
    { offsetBytes: 0, lengthBytes: MIB },
    { offsetBytes: 7 * MIB + 512 * 3, lengthBytes: MIB },
  ]);
  expect(extentsOfPartition(disk, "p9")).toBeNull();
});

test("a bare file system and a tiny file are one partition from end to end", async () => {
  const path = join(folder, "bare.img");
  for (const size of [1, 511, 100_001]) {
    await writeFile(path, randomBytes(size));
    expect((await inspectDisk(path)).info.partitions).toMatchObject([
      { name: "p1", offsetBytes: 0, sizeBytes: size },
    ]);
  }
});

test("util-linux reads the tables we write as we do", async () => {
  const path = await gptDisk("partx.img", 8 * MIB);
  const output = run("partx", "--show", "--noheadings", "--output", "NR,START,SECTORS", path);
  const rows = output
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number));
  expect(rows).toEqual([
    [1, 2048, 2048],
    [2, 4096, 8192],
  ]);
});
