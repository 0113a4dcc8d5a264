// Repack and re-segment: blocks keep their ids, nothing that is needed is lost, and what shrinks shrinks. Crashes and
// interleavings have files of their own.
import { expect, test } from "vitest";
import { openRepository } from "./repository.ts";
import { type Bench, joined, KIB, newBench, noise, PAGE, sourceOf } from "./test-bench.ts";
import type { SnapshotRecord } from "./types.ts";

const BASE = noise(8 * PAGE, 1);

async function dataPacks(bench: Bench) {
  return bench.storage.list("packs");
}

async function packBytes(bench: Bench): Promise<number> {
  return (await dataPacks(bench)).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

/** Megabytes are compared as bytes: as values it takes seconds. */
function expectSame(actual: Uint8Array, expected: Uint8Array): void {
  expect(Buffer.compare(actual, expected)).toBe(0);
}

async function expectSound(bench: Bench): Promise<void> {
  expect((await bench.repository.verify()).findings).toEqual([]);
  expect((await bench.repository.scrub({ deep: true })).findings).toEqual([]);
}

/** Every second block of the base stays needed by pc-02 alone, the rest dies with pc-01: as ragged as it gets. */
async function raggedBench(
  blockSize = 4096,
): Promise<{ bench: Bench; kept: SnapshotRecord; bytes: Uint8Array }> {
  const bench = await newBench(blockSize);
  const old = await bench.archive(BASE);
  const bytes = new Uint8Array(BASE.length);
  for (let at = 0; at < bytes.length; at += 2 * blockSize) {
    bytes.set(BASE.subarray(at, at + blockSize), at);
  }
  const kept = await bench.archive(bytes, "pc-02");
  await bench.repository.prune({ snapshotIds: [old.id] });
  return { bench, kept, bytes };
}

test("RP-1: a pack of which half is dead is rewritten to half its size, and all that is needed restores", async () => {
  for (const blockSize of [512, 4096, 65536]) {
    const { bench, kept, bytes } = await raggedBench(blockSize);
    const before = await packBytes(bench);
    const plan = await bench.repository.planGc();
    expect(plan.repackPackCount).toBeGreaterThan(0);
    const report = await bench.repository.collectGarbage();
    expect(report).toMatchObject({ isFinished: true });
    expect(report.repackedPackCount).toBeGreaterThan(0);
    const after = await packBytes(bench);
    expect(before - after).toBeGreaterThan(0.9 * plan.repackSavedBytes - 20_000);
    expect(after).toBeLessThan(0.65 * before);
    expectSame(await bench.restored(kept), bytes);
    await expectSound(bench);
    // Once more there is nothing to do, now and for the next process, with and without the cache.
    for (const isCold of [false, true]) {
      if (isCold) await bench.repository.close();
      if (isCold) await bench.storage.remove("index/cache");
      await bench.reopen();
      expect(await bench.repository.planGc()).toMatchObject({ repackPackCount: 0, deadPackCount: 0 });
      expectSame(await bench.restored(kept), bytes);
    }
    await expectSound(bench);
  }
});

test("RP-1: whole frames are copied as they are, blocks of odd length and private ones among them", async () => {
  const bench = await newBench();
  const odd = noise(PAGE + 777, 5);
  const session = await bench.repository.beginArchive({ node: "pc-01" });
  await session.archiveSource({ partition: "goes" }, sourceOf(noise(4 * PAGE, 6)));
  await session.archiveSource({ partition: "odd" }, sourceOf(odd));
  await session.archiveSource({ partition: "own", technique: "full" }, sourceOf(noise(2 * PAGE, 7)));
  const old = await session.commit();
  const next = await bench.repository.beginArchive({ node: "pc-01" });
  await next.archiveSource({ partition: "odd" }, sourceOf(odd));
  await next.archiveSource({ partition: "own" }, sourceOf(noise(2 * PAGE, 7)));
  const kept = await next.commit();
  expect(kept.images.map(({ newBytes }) => newBytes)).toEqual([0, 0]);
  await bench.repository.prune({ snapshotIds: [old.id] });
  expect(await bench.repository.collectGarbage()).toMatchObject({ repackedPackCount: 1, isFinished: true });
  expectSame(await bench.restored(kept, undefined, "odd"), odd);
  expectSame(await bench.restored(kept, undefined, "own"), noise(2 * PAGE, 7));
  await expectSound(bench);
  await bench.reopen();
  // Private blocks stay private: nobody deduplicates against them. The others are found.
  const own = await bench.archive(noise(2 * PAGE, 7), "pc-03");
  expect(own.images[0]?.newBytes).toBe(2 * PAGE);
  expect((await bench.archive(odd, "pc-04")).images[0]?.newBytes).toBe(0);
});

test("RP-2: a pack an open session has used is left alone until that session has ended", async () => {
  const { bench } = await raggedBench();
  const session = await bench.repository.beginArchive({ node: "pc-09" });
  await session.archiveSource({ partition: "sda1" }, sourceOf(BASE));
  expect((await bench.repository.collectGarbage()).repackedPackCount).toBe(0);
  const record = await session.commit();
  expect(record.images[0]?.newBytes).toBe(0);
  expect((await bench.repository.collectGarbage()).repackedPackCount).toBe(0);
  expectSame(await bench.restored(record), BASE);
  await expectSound(bench);
});

test("RP-3: a restore in the middle of a group keeps the old file until its bytes are there", async () => {
  const { bench, kept, bytes } = await raggedBench();
  const [old] = await dataPacks(bench);
  const reader = await bench.repository.openImage(kept.id, "sda1");
  const { readAt } = bench.storage;
  let resume: () => void = () => undefined;
  const reached = new Promise<void>((resolve) => {
    bench.storage.readAt = async (name, at, into) => {
      if (name === old?.name) {
        resolve();
        await new Promise<void>((go) => {
          resume = go;
        });
      }
      return readAt.call(bench.storage, name, at, into);
    };
  });
  const pages = new Uint8Array(bytes.length);
  const reading = reader.readPages([0, 1, 2, 3, 4, 5, 6, 7], async ({ index }, page) => {
    pages.set(page, index * PAGE);
  });
  await reached;
  bench.storage.readAt = readAt;
  const during = await bench.repository.collectGarbage();
  expect(during.repackedPackCount).toBeGreaterThan(0);
  expect(during.isFinished).toBe(false);
  expect(await bench.storage.size(old?.name ?? "")).not.toBeNull();
  resume();
  await reading;
  reader.close();
  expectSame(pages, bytes);
  expect(await bench.repository.collectGarbage()).toMatchObject({ isFinished: true });
  expect(await bench.storage.size(old?.name ?? "")).toBeNull();
  await expectSound(bench);
});

test("RP-3: a reader of another process is told that the pack has gone, and reads on after opening again", async () => {
  const { bench, kept } = await raggedBench();
  const reader = await openRepository({ storage: bench.storage.connect(), access: "read", threads: 0 });
  const image = await reader.openImage(kept.id, "sda1");
  await bench.repository.collectGarbage();
  await expect(image.readPages([0], async () => undefined)).rejects.toMatchObject({
    code: "pack-missing",
    retry: "later",
  });
  await reader.close();
  const again = await openRepository({ storage: bench.storage.connect(), access: "read", threads: 0 });
  expect((await again.verify()).findings).toEqual([]);
  await again.close();
});

test("RP-4: the budget bounds repacking, and the next run goes on", async () => {
  const bench = await newBench();
  const gone: string[] = [];
  for (const seed of [1, 2, 3]) {
    const session = await bench.repository.beginArchive({ node: `pc-${seed}` });
    await session.archiveSource({ partition: "goes" }, sourceOf(noise(2 * PAGE, seed)));
    await session.archiveSource({ partition: "stays" }, sourceOf(noise(PAGE, 10 + seed)));
    gone.push((await session.commit()).id);
    const next = await bench.repository.beginArchive({ node: `pc-${seed}` });
    await next.archiveSource({ partition: "stays" }, sourceOf(noise(PAGE, 10 + seed)));
    await next.commit();
  }
  await bench.repository.prune({ snapshotIds: gone });
  let runs = 0;
  for (let finished = false; !finished; runs++) {
    const report = await bench.repository.collectGarbage({ bytesMax: 1 });
    expect(report.removedPackCount).toBe(1);
    finished = report.isFinished;
  }
  expect(runs).toBeGreaterThanOrEqual(3);
  expect(await bench.repository.planGc()).toMatchObject({ deadPackCount: 0, repackPackCount: 0 });
  await expectSound(bench);
});

test("RP-5: a damaged pack is not rewritten, is named by the next archive's look, and holds up nothing else", async () => {
  const { bench } = await raggedBench();
  const [old] = await dataPacks(bench);
  bench.storage.flipBit(old?.name ?? "", 8 * 5000);
  const report = await bench.repository.collectGarbage();
  expect(report).toMatchObject({ repackedPackCount: 0, isFinished: false });
  expect(await bench.storage.size(old?.name ?? "")).not.toBeNull();
  expect(await bench.storage.list("tmp")).toEqual([]);
});

test("RG-1: re-segmented packs are smaller, keep all ids, and are not done again", async () => {
  const bench = await newBench();
  // Text-like data with long repeats that only a wider frame sees.
  const bytes = joined(...Array.from({ length: 16 }, (_, index) => noise(PAGE, 1 + (index % 2))));
  for (let page = 0; page < 16; page++)
    new DataView(bytes.buffer).setUint32(page * PAGE + 4096 * 3, page + 1);
  const grown = joined(bytes, noise(300, 9));
  const one = await bench.archive(grown);
  const two = await bench.archive(noise(3 * PAGE, 8), "pc-02");
  const before = await packBytes(bench);
  const report = await bench.repository.reSegment();
  expect(report).toMatchObject({ packCount: 2, leftPackCount: 0, isFinished: true, bytesBefore: before });
  expect(report.bytesAfter).toBe(await packBytes(bench));
  expect(await dataPacks(bench)).toHaveLength(1);
  const check = async () => {
    expectSame(await bench.restored(one), grown);
    expectSame(await bench.restored(two), noise(3 * PAGE, 8));
    expect((await bench.archive(grown, "pc-03")).images[0]?.newBytes).toBe(0);
    await expectSound(bench);
  };
  await check();
  expect(await bench.repository.reSegment()).toMatchObject({ packCount: 0, isFinished: true });
  await bench.reopen();
  expect(await bench.repository.reSegment()).toMatchObject({ packCount: 0, isFinished: true });
  await bench.repository.close();
  await bench.storage.remove("index/cache");
  await bench.reopen();
  expect(await bench.repository.reSegment()).toMatchObject({ packCount: 0, isFinished: true });
  await check();
  expect(await bench.repository.reSegment({ level: 19 })).toMatchObject({ packCount: 1 });
  await check();
});

test("RG-1: one frame holds many short ranges, and each frame is read once for all its pages", async () => {
  const bench = await newBench();
  const records: SnapshotRecord[] = [];
  for (let seed = 1; seed <= 12; seed++)
    records.push(await bench.archive(noise(20 * KIB + seed, seed), `pc-${seed}`));
  await bench.repository.reSegment();
  const [pack] = await dataPacks(bench);
  const { readAt } = bench.storage;
  let reads = 0;
  bench.storage.readAt = (name, at, into) => {
    if (name === pack?.name) reads += 1;
    return readAt.call(bench.storage, name, at, into);
  };
  for (const [index, record] of records.entries()) {
    expectSame(await bench.restored(record), noise(20 * KIB + index + 1, index + 1));
  }
  // Each restore's verification included; and all twelve lie in one frame.
  expect(reads).toBeLessThanOrEqual(2 * records.length);
  bench.storage.readAt = readAt;
  await expectSound(bench);
});

test("RG-4: what moved by some bytes costs next to nothing once it lies beside what it was", async () => {
  const bench = await newBench();
  const old = noise(6 * PAGE, 5);
  const moved = joined(noise(777, 6), old.subarray(0, old.length - 777));
  const records = [await bench.archive(old), await bench.archive(noise(20 * PAGE, 7), "pc-02")];
  records.push(await bench.archive(moved, "pc-03"));
  expect(records[2]?.images[0]?.newBytes).toBe(moved.length);
  const shares: number[] = [];
  const { bytesBefore, bytesAfter } = await bench.repository.reSegment({
    onProgress: ({ doneBytes, totalBytes }) => shares.push(doneBytes / totalBytes),
  });
  expect(bytesBefore - bytesAfter).toBeGreaterThan(0.9 * (records[2]?.images[0]?.storedBytes ?? 0));
  expect(shares).toEqual(shares.toSorted((a, b) => a - b));
  expect(shares.length).toBeGreaterThan(100);
  expect(shares.at(-1)).toBe(1);
  for (const [index, bytes] of [old, noise(20 * PAGE, 7), moved].entries()) {
    expectSame(await bench.restored(records[index] as SnapshotRecord), bytes);
  }
  await expectSound(bench);
});

test("RG-4: images' own blocks stay their own, beside those that are shared", async () => {
  const bench = await newBench();
  const shared = await bench.archive(noise(3 * PAGE, 1));
  const session = await bench.repository.beginArchive({ node: "pc-02", technique: "full" });
  await session.archiveSource({ partition: "sda1" }, sourceOf(noise(3 * PAGE, 1)));
  const own = await session.commit();
  await bench.archive(noise(2 * PAGE, 3), "pc-03");
  await bench.repository.reSegment();
  for (const record of [shared, own]) expectSame(await bench.restored(record), noise(3 * PAGE, 1));
  await bench.repository.prune({ snapshotIds: [shared.id] });
  expect((await bench.archive(noise(3 * PAGE, 1), "pc-04")).images[0]?.newBytes).toBe(0);
  await expectSound(bench);
});

test("RG-2: only packs that old are done, and only those some snapshot lists", async () => {
  let nowMs = Date.UTC(2026, 0, 1);
  const bench = await newBench(4096, { clock: { nowMs: () => nowMs } });
  await bench.archive(noise(PAGE, 1), "pc-01");
  nowMs += 10 * 24 * 3_600_000;
  await bench.archive(noise(PAGE, 2), "pc-02");
  expect(await bench.repository.reSegment({ olderThanDays: 11 })).toMatchObject({ packCount: 0 });
  expect(await bench.repository.reSegment({ olderThanDays: 7 })).toMatchObject({
    packCount: 1,
    leftPackCount: 0,
  });
  expect(await bench.repository.reSegment()).toMatchObject({ packCount: 1, isFinished: true });
  await expect(bench.repository.reSegment({ level: 22 })).rejects.toMatchObject({ code: "input-invalid" });
});

test("RG-3: a session that found blocks before or while they move commits and restores, and GC keeps them", async () => {
  const bench = await newBench();
  // Of another size than the session's images: as their sibling it could not be pruned while the session is open.
  const old = await bench.archive(Buffer.concat([BASE, BASE]));
  const session = await bench.repository.beginArchive({ node: "pc-09" });
  await session.archiveSource({ partition: "sda1" }, sourceOf(BASE));
  await bench.repository.prune({ snapshotIds: [old.id] });
  expect(await bench.repository.reSegment()).toMatchObject({ packCount: 1 });
  expect(await bench.repository.collectGarbage()).toMatchObject({ repackedPackCount: 0 });
  await session.archiveSource({ partition: "sda2" }, sourceOf(BASE));
  const record = await session.commit();
  expect(record.images.map(({ newBytes }) => newBytes)).toEqual([0, 0]);
  await bench.repository.collectGarbage();
  expectSame(await bench.restored(record), BASE);
  await bench.reopen();
  expectSame(await bench.restored(record), BASE);
  await expectSound(bench);
});

test("VF-1: a flipped bit anywhere in a re-segmented pack is found, and gives no wrong byte", async () => {
  const bench = await newBench();
  const contents = Array.from({ length: 5 }, (_, index) => noise(9 * KIB, index + 1));
  const records: SnapshotRecord[] = [];
  for (const [index, bytes] of contents.entries()) records.push(await bench.archive(bytes, `pc-${index}`));
  await bench.repository.reSegment();
  const [pack] = await dataPacks(bench);
  if (pack === undefined) throw new Error("no pack");
  for (let at = 0; at < 8 * pack.sizeBytes; at += 8 * 397 + 3) {
    bench.storage.flipBit(pack.name, at);
    const reader = await openRepository({ storage: bench.storage.connect(), access: "read", threads: 0 });
    const { findings } = await reader.verify();
    expect(
      findings.map(({ file }) => file),
      `bit ${at}`,
    ).toContain(pack.name);
    for (const [index, record] of records.entries()) {
      const image = await reader.openImage(record.id, "sda1");
      const read = image.readPages([0], async (_, page) => {
        expect(Buffer.compare(page, contents[index] ?? page), `bit ${at}`).toBe(0);
      });
      await read.catch((error: unknown) =>
        expect(error).toMatchObject({ code: expect.stringMatching(/^pa/) }),
      );
      image.close();
    }
    await reader.close();
    bench.storage.flipBit(pack.name, at);
  }
});
