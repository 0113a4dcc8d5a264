// Random access: the right bytes wherever they are asked for, few reads for neighbours, errors where they belong.
import { afterEach, expect, test } from "vitest";
import { ImageBytes, type ImageReader, type Repository } from "../repository.ts";
import { joined, newBench, noise, PAGE } from "../test-bench.ts";

const DISK = joined(
  noise(5 * PAGE, 1),
  new Uint8Array(4 * PAGE),
  new Uint8Array(PAGE).fill(0xf6),
  noise(3 * PAGE + 1000, 2),
);
let repository: Repository | null = null;
afterEach(async () => {
  await repository?.close();
  repository = null;
});

/** The reader of an archived DISK, which notes what is read and fails where told to. */
async function openDisk(badPages: ReadonlySet<number> = new Set()) {
  const bench = await newBench();
  repository = bench.repository;
  const reader = await repository.openImage((await bench.archive(DISK)).id, "sda1");
  const calls: number[][] = [];
  const noted: ImageReader = {
    snapshot: reader.snapshot,
    image: reader.image,
    pageCount: reader.pageCount,
    close: () => reader.close(),
    pageRecords: (first, count) => reader.pageRecords(first, count),
    readPages: async (indices, onPage, options) => {
      calls.push([...indices]);
      await reader.readPages(
        indices.filter((index) => !badPages.has(index)),
        onPage,
        options,
      );
      if (indices.some((index) => badPages.has(index))) throw new Error("bad page");
    },
  };
  return { reader: noted, calls };
}

async function bytesAt(disk: ImageBytes, offset: number, length: number): Promise<Uint8Array> {
  const into = new Uint8Array(length).fill(0xaa);
  await disk.read(offset, into);
  return into;
}

test("RA-1: any range reads as the image's bytes, also many at once and with room for a single page", async () => {
  for (const pagesKept of [1, 256]) {
    const disk = new ImageBytes((await openDisk()).reader, { pagesKept });
    const ranges = Array.from({ length: 200 }, (_, index) => {
      const offset = (index * 7_919_993) % DISK.length;
      return {
        offset,
        length: Math.min(DISK.length - offset, [1, 512, 4096, PAGE, 3 * PAGE][index % 5] ?? 1),
      };
    });
    const results = await Promise.all(ranges.map(({ offset, length }) => bytesAt(disk, offset, length)));
    for (const [index, { offset, length }] of ranges.entries())
      expect(
        Buffer.compare(results[index] ?? new Uint8Array(0), DISK.subarray(offset, offset + length)),
      ).toBe(0);
    await repository?.close();
  }
});

test("RA-3: reads that arrive together are read together, kept pages not again, filled pages never", async () => {
  const { reader, calls } = await openDisk();
  const disk = new ImageBytes(reader);
  await Promise.all([12, 10, 2, 0].map((page) => bytesAt(disk, page * PAGE, 100)));
  expect(calls.map((call) => call.toSorted((a, b) => a - b))).toEqual([[0, 2, 10, 12]]);
  await bytesAt(disk, 10 * PAGE + 5, 10);
  await bytesAt(disk, 5 * PAGE, 5 * PAGE);
  expect(calls.length).toBe(1);
});

test("who reads forward gets the next pages with the one asked for", async () => {
  const { reader, calls } = await openDisk();
  const disk = new ImageBytes(reader);
  await bytesAt(disk, 0, PAGE);
  await bytesAt(disk, PAGE, PAGE);
  await expect.poll(() => calls.flat().toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4]);
});

test("RA-2: a page that cannot be read fails who asks for it, each time, and nobody else", async () => {
  const disk = new ImageBytes((await openDisk(new Set([2]))).reader);
  const results = await Promise.allSettled([0, 1, 2, 3, 4].map((page) => bytesAt(disk, page * PAGE, PAGE)));
  expect(results.map(({ status }) => status)).toEqual([
    "fulfilled",
    "fulfilled",
    "rejected",
    "fulfilled",
    "fulfilled",
  ]);
  await expect(bytesAt(disk, 2 * PAGE + 7, 1)).rejects.toThrow("bad page");
  expect(Buffer.compare(await bytesAt(disk, 3 * PAGE, PAGE), DISK.subarray(3 * PAGE, 4 * PAGE))).toBe(0);
});

test("RA-4: zero runs cover the range, say zero only of zeros, and stop at the bound", async () => {
  const disk = new ImageBytes((await openDisk()).reader);
  expect(await disk.zeroRuns(PAGE - 10, DISK.length - PAGE + 10, 100)).toEqual([
    { lengthBytes: 4 * PAGE + 10, zero: false },
    { lengthBytes: 4 * PAGE, zero: true },
    { lengthBytes: 4 * PAGE + 1000, zero: false },
  ]);
  expect(await disk.zeroRuns(6 * PAGE + 1, PAGE, 1)).toEqual([{ lengthBytes: PAGE, zero: true }]);
  expect(await disk.zeroRuns(4 * PAGE, 9 * PAGE, 2)).toEqual([
    { lengthBytes: PAGE, zero: false },
    { lengthBytes: 4 * PAGE, zero: true },
  ]);
});

test("bytes outside the image are refused", async () => {
  const disk = new ImageBytes((await openDisk()).reader);
  for (const [offset, length] of [
    [-1, 1],
    [DISK.length, 1],
    [DISK.length - 1, 2],
  ] as const)
    await expect(bytesAt(disk, offset, length)).rejects.toMatchObject({ code: "input-invalid" });
});
