// A snapshot whose pages are made of blocks from many archives: what is decoded of it, and how often.
import { afterEach, expect, test, vi } from "vitest";
import { changed, newBench, noise, PAGE } from "../test-bench.ts";

vi.mock(import("../format/segment-codec.ts"), async (importOriginal) => {
  const original = await importOriginal();
  return {
    ...original,
    decodeFrame: (pack, claim, bytes) => {
      decoded.push(Buffer.from(bytes.subarray(0, 64)).toString("hex"));
      return original.decodeFrame(pack, claim, bytes);
    },
  };
});

/** The beginning of each frame that pages were assembled from, which has its checksum and number. */
const decoded: string[] = [];
afterEach(() => {
  decoded.length = 0;
});

const PAGES = 200;

/** In every page, one block of each of six archives after the first. */
async function scattered() {
  const bench = await newBench();
  let disk: Uint8Array = noise(PAGES * PAGE);
  let snapshot = await bench.archive(disk);
  for (let round = 1; round <= 6; round++) {
    const places = Array.from({ length: PAGES * 4 }, (_, at) => at * (PAGE / 4) + round * 8192);
    disk = changed(disk, ...places);
    const block = noise(4096, 1000 + round);
    for (const place of places)
      disk.set(
        block.subarray(0, 2048).map((byte, at) => byte ^ (place >> (at % 24))),
        place,
      );
    snapshot = await bench.archive(disk);
  }
  return { bench, snapshot, disk };
}

test("RS-8: each frame of a scattered snapshot is decoded once", async () => {
  const { bench, snapshot, disk } = await scattered();
  decoded.length = 0;
  const reader = await bench.repository.openImage(snapshot.id, "sda1");
  const seen = new Uint8Array(disk.length);
  await reader.readPages(
    Array.from({ length: PAGES }, (_, index) => index),
    async ({ index }, bytes) => seen.set(bytes, index * PAGE),
  );
  reader.close();
  expect(Buffer.compare(seen, disk)).toBe(0);
  expect(new Set(decoded).size).toBeGreaterThan(25);
  expect(decoded.length).toBe(new Set(decoded).size);
  await bench.repository.close();
});

test("threads that share frames give the same bytes", async () => {
  const { bench, snapshot, disk } = await scattered();
  await bench.reopen({ threads: 2 });
  expect(Buffer.compare(await bench.restored(snapshot), disk)).toBe(0);
  await bench.repository.close();
});
