// The fingerprint table: finds what was put in, through every growth, and only proposes.
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { FingerprintTable } from "./fingerprint-table.ts";
import { LazyFingerprints } from "./lazy-fingerprints.ts";
import { SegmentTable } from "./segment-table.ts";
import { LINE_BYTES } from "./slot-memory.ts";

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
  const linesMax = 10_000;
  const table = new FingerprintTable(linesMax);
  for (let number = 0; number < 50_000; number++) table.insert(digestOf(number), 0, number);
  expect(table.isSampling).toBe(true);
  expect(table.lineCount).toBeLessThanOrEqual(linesMax);
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

test("IX-1: at random against a model: ids beyond 2^32, crowds in some sub-tables, forgetting, packing and restoring", () => {
  const random = randomNumbers(20_261_123);
  const model = new Map<number, { digest: Uint8Array; id: number }>();
  const gone = new Set<number>();
  let table = new FingerprintTable();
  let id = 2 ** 32 - 6_000;
  for (let round = 0; round < 60; round++) {
    for (let count = 0; count < 400; count++) {
      const digest = digestOf(id);
      // Half of all in one of twelve sub-tables, which so grow and overflow many times.
      if (random() < 0.5) digest.set([7 + Math.floor(random() * 3), (digest[1] as number) % 16]);
      table.insert(digest, 0, id);
      model.set(id, { digest, id });
      id += random() < 0.9 ? 1 : 37;
    }
    if (round % 9 === 4) {
      for (const each of model.keys()) if (random() < 0.2) gone.add(each);
      for (const each of gone) model.delete(each);
      table.forget((each) => gone.has(each));
    }
    if (round % 13 === 7) table = repacked(table);
    for (const { digest, id: expected } of model.values()) {
      if (random() < 0.05 || round === 59) expect(candidates(table, digest)).toContain(expected);
    }
  }
  expect(id).toBeGreaterThan(2 ** 32 + 6_000);
  // What was forgotten made room: of the sub-tables that grew, little of it is left.
  expect(table.count).toBeGreaterThanOrEqual(model.size);
  expect(table.count).toBeLessThan(model.size + gone.size);
});

test("IX-6: a million blocks take no more than 12 bytes each", () => {
  const table = new FingerprintTable();
  const random = randomNumbers(5);
  const digest = new Uint8Array(32);
  for (let id = 0; id < 1_100_000; id++) {
    const number = random() * 2 ** 32;
    for (let at = 0; at < 4; at++) digest[at] = number / 256 ** at;
    digest[4] = id;
    table.insert(digest, 0, id);
    if (id >= 1_000_000 && id % 10_000 === 0) expect(table.bytes / (id + 1)).toBeLessThan(12);
  }
  expect(table.count).toBe(1_100_000);
});

test("absorbing another table, all of both is found; a sample makes a sample", () => {
  const [one, other] = [new FingerprintTable(), new FingerprintTable()];
  for (let number = 0; number < 3000; number++)
    (number % 2 ? one : other).insert(digestOf(number), 0, number);
  one.absorb(other);
  expect(one.count).toBe(3000);
  for (let number = 0; number < 3000; number++) expect(candidates(one, digestOf(number))).toContain(number);
  const full = new FingerprintTable(1000);
  for (let number = 0; number < 3000; number++) full.insert(digestOf(number), 0, number);
  one.absorb(full);
  expect(one.isSampling).toBe(true);
});

test("whoever chooses blocks by their digests fills one sub-table, or a few of its lines, and slows nothing down", () => {
  const [crowded, same] = [new FingerprintTable(), new FingerprintTable()];
  for (let number = 0; number < 5000; number++) {
    const digest = digestOf(number);
    digest.set([1, (digest[1] as number) % 4]);
    crowded.insert(digest, 0, number);
    same.insert(digestOf(1), 0, number);
  }
  expect(crowded.count).toBeGreaterThan(800);
  expect(crowded.count).toBeLessThan(1100);
  expect(candidates(same, digestOf(1)).length).toBe(same.count);
  expect(same.count).toBeGreaterThan(100);
  expect(same.count).toBeLessThan(1000);
});

test("what is added while the table is being loaded is in it afterwards, and loading is done once", async () => {
  let loads = 0;
  const lazy = new LazyFingerprints(new FingerprintTable(), async () => {
    loads += 1;
    const table = new FingerprintTable();
    table.insert(digestOf(1), 0, 1);
    return table;
  });
  lazy.insert(digestOf(2), 0, 2);
  expect(lazy.table).toBe(null);
  const both = Promise.all([lazy.load(), lazy.load()]);
  lazy.insert(digestOf(3), 0, 3);
  await both;
  await lazy.load();
  expect(loads).toBe(1);
  for (const number of [1, 2, 3]) expect(lazy.probe(digestOf(number), 0, (id) => id === number)).toBe(true);
});

function repacked(table: FingerprintTable): FingerprintTable {
  const layout = { lineCounts: table.layout.lineCounts.slice(), counts: table.layout.counts.slice() };
  const { table: again, memory } = FingerprintTable.restore(layout, table.isSampling);
  let index = 0;
  for (const { chunk, lineCount } of table.packedChunks()) {
    const into = memory.chunks[index];
    expect(lineCount).toBe(memory.linesTaken(index));
    into?.bytes.set(chunk.bytes.subarray(0, lineCount * LINE_BYTES));
    if (into !== undefined) into.highs = chunk.highs?.slice() ?? null;
    index += 1;
  }
  expect(again.count).toBe(table.count);
  return again;
}

/** Numbers from 0 to 1, the same each time. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

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
