import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { contentRootOf } from "#lib/page/content-root.ts";
import { hashPage, PAGE_BYTES, pageCountOf } from "#lib/page/page.ts";
import { HashPool } from "../hash/hash-pool.ts";
import { ExtentTarget, locate } from "./extents.ts";
import { openFileDevice } from "./file-device.ts";

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sheepfold-extents-"));
  path = join(folder, "disk.img");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const extents = [
  { offsetBytes: 100, lengthBytes: 300 },
  { offsetBytes: 1000, lengthBytes: 50 },
];

test("a range is found across stretches, and beyond the end is refused", () => {
  expect(locate(extents, 250, 80)).toEqual([
    { offsetBytes: 350, lengthBytes: 50 },
    { offsetBytes: 1000, lengthBytes: 30 },
  ]);
  expect(locate(extents, 300, 50)).toEqual([{ offsetBytes: 1000, lengthBytes: 50 }]);
  expect(() => locate(extents, 349, 2)).toThrow(/outside a partition/);
});

test("writing and zeroing across stretches touches nothing between them", async () => {
  const before = randomBytes(1100);
  await writeFile(path, before);
  const device = await openFileDevice(path, "write");
  const target = new ExtentTarget(device, extents);
  expect(target.sizeBytes).toBe(350);
  const bytes = randomBytes(350);
  await target.write(0, bytes);
  const back = new Uint8Array(350);
  await target.read(0, back);
  expect(Buffer.from(back).equals(bytes)).toBe(true);
  await target.zero(290, 20);
  await target.flush();
  await device.close();
  const after = await readFile(path);
  expect(after.subarray(0, 100).equals(before.subarray(0, 100))).toBe(true);
  expect(after.subarray(400, 1000).equals(before.subarray(400, 1000))).toBe(true);
  expect(after.subarray(390, 400).equals(Buffer.alloc(10))).toBe(true);
  expect(after.subarray(1000, 1010).equals(Buffer.alloc(10))).toBe(true);
});

test("zeroing a large range gives its room back to the file system", async () => {
  await writeFile(path, randomBytes(8 * 1024 * 1024));
  const device = await openFileDevice(path, "write");
  await device.zero(1024 * 1024, 6 * 1024 * 1024);
  await device.flush();
  await device.close();
  expect((await readFile(path)).subarray(1024 * 1024, 7 * 1024 * 1024).every((byte) => byte === 0)).toBe(
    true,
  );
  expect((await stat(path)).blocks * 512).toBeLessThan(4 * 1024 * 1024);
});

test("a file that shrinks while it is read is named, not padded", async () => {
  await writeFile(path, randomBytes(1000));
  const device = await openFileDevice(path, "read");
  await writeFile(path, randomBytes(500));
  await expect(device.read(400, new Uint8Array(200))).rejects.toMatchObject({ code: "source-changed-size" });
  await device.close();
});

test("threads hash the same pages as one thread would, at any size, across stretches", async () => {
  const pool = new HashPool(2);
  for (const size of [1, PAGE_BYTES - 1, PAGE_BYTES, PAGE_BYTES + 1, 3 * PAGE_BYTES + 77]) {
    const bytes = randomBytes(size + 1000);
    await writeFile(path, bytes);
    const two = [
      { offsetBytes: 0, lengthBytes: Math.ceil(size / 3) },
      { offsetBytes: Math.ceil(size / 3) + 1000, lengthBytes: size - Math.ceil(size / 3) },
    ].filter((extent) => extent.lengthBytes > 0);
    const image = Buffer.concat(
      two.map((one) => bytes.subarray(one.offsetBytes, one.offsetBytes + one.lengthBytes)),
    );
    const count = pageCountOf(size);
    const hashes = await pool.hashPages({ path, extents: two, firstPage: 0, count });
    const pages = Array.from({ length: count }, (_, index) =>
      hashPage(image.subarray(index * PAGE_BYTES, (index + 1) * PAGE_BYTES)),
    );
    expect(Buffer.from(hashes).equals(Buffer.concat(pages))).toBe(true);
    expect(contentRootOf(hashes, size)).toHaveLength(32);
    await pool.forget();
  }
  await pool.close();
});

test("a thread's read failure reaches the caller with its name", async () => {
  const pool = new HashPool(1);
  await writeFile(path, randomBytes(100));
  const range = { path, extents: [{ offsetBytes: 0, lengthBytes: 200 }], firstPage: 0, count: 1 };
  await expect(pool.hashPages(range)).rejects.toMatchObject({ code: "source-changed-size" });
  await pool.close();
});
