// The order in which a restore writes, which decides what a power cut leaves behind.
import { afterEach, expect, test } from "vitest";
import { PAGE_BYTES } from "#lib/page/page.ts";
import { noise } from "../test-disk.ts";
import { type Deed, memoryRestore } from "./test-memory-restore.ts";

const START = 4096;
const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function restoreInMemory(wanted: Buffer, present: Buffer): Promise<readonly Deed[]> {
  const { restore, deeds, close } = memoryRestore(wanted, present);
  closing.push(close);
  await restore.run();
  expect(present.equals(wanted)).toBe(true);
  return deeds;
}

test("the first 4 KiB are blanked and forced before, and written after, everything else was forced", async () => {
  const wanted = noise(1, 3 * PAGE_BYTES);
  const present = Buffer.from(wanted);
  noise(2, START).copy(present, 2 * PAGE_BYTES);
  noise(3, 3 * START).copy(present, 0);
  expect(await restoreInMemory(wanted, present)).toEqual([
    [0, START],
    "flush",
    [2 * PAGE_BYTES, START],
    [START, 2 * START],
    "flush",
    [0, START],
    "flush",
  ]);
});

test("within the first page, too, its first 4 KiB come last", async () => {
  const wanted = noise(4, PAGE_BYTES);
  const present = Buffer.from(wanted);
  noise(5, START).copy(present, 8 * START);
  expect(await restoreInMemory(wanted, present)).toEqual([
    [0, START],
    "flush",
    [8 * START, START],
    "flush",
    [0, START],
    "flush",
  ]);
});

test("a start that alone differs is written, and one that is right is not touched", async () => {
  const wanted = noise(6, PAGE_BYTES);
  const other = Buffer.from(wanted);
  noise(7, START).copy(other, 0);
  expect(await restoreInMemory(wanted, other)).toEqual(["flush", [0, START], "flush"]);
  expect(await restoreInMemory(wanted, Buffer.from(wanted))).toEqual(["flush"]);
});

test("pages written one by one, then finished: a first page that was right is put back last", async () => {
  const wanted = noise(8, 3 * PAGE_BYTES);
  const present = Buffer.from(wanted);
  noise(9, START).copy(present, PAGE_BYTES);
  const { restore, deeds, close } = memoryRestore(wanted, present);
  closing.push(close);
  await restore.writePage(1, wanted.subarray(PAGE_BYTES, 2 * PAGE_BYTES));
  await restore.finish(null);
  expect(present.equals(wanted)).toBe(true);
  expect(deeds).toEqual([[0, START], "flush", [PAGE_BYTES, START], "flush", [0, START], "flush"]);
});
