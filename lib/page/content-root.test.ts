// contentRoot and the small pure facts about pages that both ends of the wire rely on.
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { contentRootOf } from "./content-root.ts";
import {
  differingRuns,
  fillByteOf,
  hashOfFill,
  hashPage,
  PAGE_BYTES,
  pageCountOf,
  pageLength,
} from "./page.ts";

const sha = (...parts: readonly (string | Uint8Array)[]) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
};
const u32 = (value: number) => Buffer.from(new Uint32Array([value]).buffer);
const u64 = (value: number) => Buffer.from(new BigUint64Array([BigInt(value)]).buffer);

describe("PG-5: contentRoot", () => {
  test("of one page is what the format says", () => {
    const page = hashPage(Buffer.from("one page"));
    const leaf = sha("sheepfold-content-v1\0", Uint8Array.of(0), u32(1), page);
    expect(contentRootOf(page, 8)).toEqual(sha("sheepfold-content-root-v1\0", u64(8), leaf));
  });

  test("of 65 pages has two leaves under one node", () => {
    const hashes = Buffer.concat(Array.from({ length: 65 }, (_, index) => hashPage(Uint8Array.of(index))));
    const size = 64 * PAGE_BYTES + 1;
    const leaves = [
      sha("sheepfold-content-v1\0", Uint8Array.of(0), u32(64), hashes.subarray(0, 64 * 32)),
      sha("sheepfold-content-v1\0", Uint8Array.of(0), u32(1), hashes.subarray(64 * 32)),
    ];
    const top = sha("sheepfold-content-v1\0", Uint8Array.of(1), u32(2), ...leaves);
    expect(contentRootOf(hashes, size)).toEqual(sha("sheepfold-content-root-v1\0", u64(size), top));
  });

  test("differs for the same pages in another order, and for another size", () => {
    const [a, b] = [hashPage(Uint8Array.of(1)), hashPage(Uint8Array.of(2))];
    const size = PAGE_BYTES + 5;
    expect(contentRootOf(Buffer.concat([a, b]), size)).not.toEqual(
      contentRootOf(Buffer.concat([b, a]), size),
    );
    expect(contentRootOf(Buffer.concat([a, b]), size)).not.toEqual(
      contentRootOf(Buffer.concat([a, b]), size + 1),
    );
  });

  test("refuses a list of hashes that does not fit the size", () => {
    expect(() => contentRootOf(new Uint8Array(64), PAGE_BYTES)).toThrow(/page hashes/);
    expect(() => contentRootOf(new Uint8Array(0), 0)).toThrow();
  });
});

describe("pages", () => {
  test("PG-1: only the last is short", () => {
    expect([1, PAGE_BYTES, PAGE_BYTES + 1].map(pageCountOf)).toEqual([1, 1, 2]);
    expect(pageLength(PAGE_BYTES + 7, 0)).toBe(PAGE_BYTES);
    expect(pageLength(PAGE_BYTES + 7, 1)).toBe(7);
  });

  test("PG-2: a repeated byte is seen, wherever another one hides", () => {
    expect(fillByteOf(new Uint8Array(5000))).toBe(0);
    expect(fillByteOf(new Uint8Array(5000).fill(7))).toBe(7);
    expect(fillByteOf(Uint8Array.of(9))).toBe(9);
    expect(fillByteOf(new Uint8Array(0))).toBeNull();
    for (const at of [0, 1, 2499, 2500, 4998, 4999]) {
      const bytes = new Uint8Array(5000);
      bytes[at] = 1;
      expect(fillByteOf(bytes)).toBeNull();
    }
    expect(hashOfFill(7, 5000)).toEqual(hashPage(new Uint8Array(5000).fill(7)));
  });

  test("RS-1: differing grains are whole, and neighbours are one run", () => {
    const wanted = new Uint8Array(20_000);
    const present = wanted.slice();
    for (const at of [4096, 8192, 19_999]) present[at] = 1;
    expect(differingRuns(wanted, present)).toEqual([
      { offset: 4096, length: 8192 },
      { offset: 16_384, length: 3616 },
    ]);
    expect(differingRuns(wanted, wanted)).toEqual([]);
  });
});
