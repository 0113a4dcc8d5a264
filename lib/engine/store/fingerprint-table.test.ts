// The fingerprint table: finds what was put in, through every growth, and only proposes.
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { FingerprintTable } from "./fingerprint-table.ts";
import { SegmentTable } from "./segment-table.ts";

const digestOf = (number: number) => new Uint8Array(createHash("sha256").update(String(number)).digest());

function candidates(table: FingerprintTable, digest: Uint8Array): number[] {
  const found: number[] = [];
  table.probe(digest, 0, (id) => {
    found.push(id);
    return false;
  });
  return found;
}

test("IX-1: every digest put in is among the candidates, also after growing, also for ids beyond 2^32", () => {
  const table = new FingerprintTable();
  const idOf = (number: number) => number * 100_000 + 2 ** 33;
  for (let number = 0; number < 20_000; number++) table.insert(digestOf(number), 0, idOf(number));
  for (let number = 0; number < 20_000; number += 7) {
    expect(candidates(table, digestOf(number))).toContain(idOf(number));
  }
  expect(table.count).toBe(20_000);
});

test("IX-1: a digest that is not there is hardly ever proposed", () => {
  const table = new FingerprintTable();
  for (let number = 0; number < 20_000; number++) table.insert(digestOf(number), 0, number);
  let proposed = 0;
  for (let number = 20_000; number < 40_000; number++) proposed += candidates(table, digestOf(number)).length;
  expect(proposed).toBeLessThan(5);
});

test("IX-5: a full table keeps one digest in 32 and stays within its bound", () => {
  const table = new FingerprintTable(8192);
  for (let number = 0; number < 50_000; number++) table.insert(digestOf(number), 0, number);
  expect(table.isSampling).toBe(true);
  expect(table.columns.tags.length).toBe(8192);
  let found = 0;
  for (let number = 0; number < 50_000; number++)
    if (candidates(table, digestOf(number)).includes(number)) found += 1;
  expect(found).toBeGreaterThan(50_000 / 40);
  expect(found).toBeLessThan(50_000 / 25);
});

test("id 0 is an id", () => {
  const table = new FingerprintTable();
  table.insert(digestOf(1), 0, 0);
  expect(candidates(table, digestOf(1))).toEqual([0]);
});

test("the columns make the same table again", () => {
  const table = new FingerprintTable();
  for (let number = 0; number < 1000; number++) table.insert(digestOf(number), 0, number);
  const again = FingerprintTable.fromColumns(table.columns);
  for (let number = 0; number < 1000; number++) expect(candidates(again, digestOf(number))).toContain(number);
});

test("segments are found by any of their ids, in whatever order they were added, and gaps are gaps", () => {
  const table = new SegmentTable();
  const segment = (firstId: number, count: number) => ({
    firstId,
    count,
    offset: 0,
    encodedBytes: 1,
    rawBytes: 1,
    codec: 0,
    payloadHash: new Uint8Array(32),
    isPrivate: firstId === 64,
    rawStart: 0,
    isShared: false,
  });
  table.add(0, [segment(640, 64), segment(0, 10)]);
  table.add(1, [segment(64, 64), segment(2 ** 40, 3)]);
  const packOf = (id: number) => (table.rowOf(id) < 0 ? null : table.packOf(table.rowOf(id)));
  expect([0, 9, 10, 63, 64, 127, 128, 640, 703, 704, 2 ** 40 + 2, 2 ** 40 + 3].map(packOf)).toEqual([
    0,
    0,
    null,
    null,
    1,
    1,
    null,
    0,
    0,
    null,
    1,
    null,
  ]);
  expect([9, 100].map((id) => table.isPrivate(table.rowOf(id)))).toEqual([false, true]);
  expect(table.place(table.rowOf(100)).codec).toBe(0);
  expect(table.digestPosition(table.rowOf(5), 5)).toBe(64 + 5);
  expect(table.endId()).toBe(2 ** 40 + 3);
  expect(table.rangesByPack().get(1)).toEqual({ firstId: 64, count: 2 ** 40 + 3 - 64 });
});
