// A few bytes changed in many places: stored as those bytes, whoever's image they are compared with.
import { describe, expect, test } from "vitest";
import { hashPage } from "#lib/page/page.ts";
import { decodeSnapshot } from "../format/snapshot-format.ts";
import {
  type Bench,
  changed,
  joined,
  KIB,
  newBench,
  noise,
  PAGE,
  sourceOf,
  targetOf,
} from "../test-bench.ts";
import type { ImageRecord, SnapshotRecord } from "../types.ts";

/** Every block of some pages, at several places. */
function scattered(bytes: Uint8Array, pages: readonly number[], seed = 0): Uint8Array {
  const places = pages.flatMap((page) =>
    Array.from({ length: 64 }, (_, block) => [
      page * PAGE + block * 4096 + 17 + seed,
      page * PAGE + block * 4096 + 18 + seed,
      page * PAGE + block * 4096 + 3000,
    ]).flat(),
  );
  return changed(bytes, ...places);
}

function imageOf(snapshot: SnapshotRecord): ImageRecord {
  const [image] = snapshot.images;
  if (image === undefined) throw new Error("no image");
  return image;
}

async function archivedPlain(bench: Bench, bytes: Uint8Array, node: string): Promise<SnapshotRecord> {
  const session = await bench.repository.beginArchive({ node, patches: false });
  await session.archiveSource({ partition: "sda1" }, sourceOf(bytes));
  return session.commit();
}

async function expectWhole(bench: Bench, snapshot: SnapshotRecord, bytes: Uint8Array): Promise<void> {
  expect(Buffer.compare(await bench.restored(snapshot), bytes)).toBe(0);
  expect((await bench.repository.verify()).findings).toEqual([]);
}

async function formatOf(bench: Bench, snapshot: SnapshotRecord): Promise<number> {
  const files = await bench.storage.list("snapshots");
  const file = files.find(({ name }) => name.includes(snapshot.id));
  if (file === undefined) throw new Error("no snapshot file");
  const bytes = new Uint8Array(file.sizeBytes);
  await bench.storage.readAt(file.name, 0, bytes);
  return decodeSnapshot({ repositoryId: bench.repository.info.id, seal: null }, bytes).format;
}

describe("patches", () => {
  for (const blockSize of [512, 4096, 65536]) {
    test(`PT-1: bytes changed in every block are stored as bytes, blocks of ${blockSize}`, async () => {
      const bench = await newBench(blockSize);
      const before = noise(4 * PAGE + 999);
      await bench.archive(before);
      const after = scattered(before, [1, 3]);
      const snapshot = await bench.archive(after);
      expect(imageOf(snapshot).newBytes).toBeLessThan(2 * 4096);
      expect(imageOf(snapshot).newBytes).toBeGreaterThanOrEqual(2 * 64 * 3);
      await expectWhole(bench, snapshot, after);
    });
  }

  test("PT-1: without patches the blocks are stored", async () => {
    const bench = await newBench();
    const before = noise(2 * PAGE);
    await bench.archive(before);
    const snapshot = await archivedPlain(bench, scattered(before, [1]), "pc-01");
    expect(imageOf(snapshot).newBytes).toBe(PAGE);
    expect(await formatOf(bench, snapshot)).toBe(1);
  });

  test("PT-1: blocks that have become others are stored, also on a page that is patched", async () => {
    const bench = await newBench();
    const before = noise(2 * PAGE);
    await bench.archive(before);
    const after = scattered(before, [1]);
    after.set(noise(8192, 99), PAGE + 40_960);
    const snapshot = await bench.archive(after);
    expect(imageOf(snapshot).newBytes).toBeGreaterThan(8192);
    expect(imageOf(snapshot).newBytes).toBeLessThan(8192 + 4096);
    await expectWhole(bench, snapshot, after);
  });

  test("PT-2: no patch lies on another, however often the page changes", async () => {
    const bench = await newBench();
    const first = noise(2 * PAGE);
    await bench.archive(first);
    let bytes = first;
    const snapshots: [SnapshotRecord, Uint8Array][] = [];
    for (let round = 1; round <= 5; round++) {
      bytes = scattered(bytes, [0], 10 * round);
      snapshots.push([await bench.archive(bytes), bytes]);
    }
    // Of every block the first image's blocks remain the only ones stored.
    expect((await bench.repository.stats()).blockCount).toBe(128);
    for (const [snapshot, content] of snapshots) await expectWhole(bench, snapshot, content);
  });

  test("PT-2: changed back, a block is itself again", async () => {
    const bench = await newBench();
    const first = noise(2 * PAGE);
    await bench.archive(first);
    await bench.archive(scattered(first, [0]));
    const snapshot = await bench.archive(first);
    expect(imageOf(snapshot).newBytes).toBe(0);
    await expectWhole(bench, snapshot, first);
  });

  test("PT-3: blocks that patches lie on outlive the images they came with", async () => {
    const bench = await newBench();
    const first = noise(3 * PAGE);
    const old = await bench.archive(first);
    const bytes = scattered(first, [0, 1, 2]);
    const snapshot = await bench.archive(bytes);
    await bench.repository.prune({ snapshotIds: [old.id] });
    await bench.repository.collectGarbage();
    await expectWhole(bench, snapshot, bytes);
    await bench.reopen();
    await expectWhole(bench, snapshot, bytes);
  });

  test("PT-4: a snapshot file says when its manifests hold patches, those taken over, too", async () => {
    const bench = await newBench();
    const first = noise(2 * PAGE);
    const bytes = scattered(first, [0]);
    const formats: number[] = [];
    for (const content of [first, bytes, bytes, changed(bytes, 2 * PAGE - 1)])
      formats.push(await formatOf(bench, await bench.archive(content)));
    expect(formats).toEqual([1, 2, 2, 2]);
  });

  test("SC-5: nothing is patched against a pack found bad", async () => {
    const bench = await newBench();
    const first = noise(2 * PAGE);
    await bench.archive(first);
    const [pack] = await bench.storage.list("packs");
    if (pack === undefined) throw new Error("no pack");
    bench.storage.flipBit(pack.name, 8 * 120);
    expect((await bench.repository.scrub({ deep: true })).findings).toHaveLength(1);
    const bytes = scattered(first, [0]);
    const snapshot = await bench.archive(bytes);
    expect(imageOf(snapshot).newBytes).toBe(2 * PAGE);
    expect(Buffer.compare(await bench.restored(snapshot), bytes)).toBe(0);
  });
});

describe("siblings", () => {
  const master = joined(noise(40 * PAGE), noise(30 * KIB, 7));
  const localized = (seed: number) => scattered(master, [0, 1, 2, 30], seed);

  test("SB-1: a clone's first image costs what differs from the image it was cloned from", async () => {
    const bench = await newBench();
    await bench.archive(master, "master");
    for (const [index, node] of ["pc-01", "pc-02", "pc-03"].entries()) {
      const bytes = localized(100 * index);
      const snapshot = await bench.archive(bytes, node);
      const image = imageOf(snapshot);
      expect(image.newBytes, node).toBeLessThan(4 * 4096);
      expect(image.unchangedBytes, "it has no past of its own").toBe(0);
      expect(snapshot.parentId).toBe(null);
      await expectWhole(bench, snapshot, bytes);
    }
    expect((await bench.repository.stats()).blockCount).toBe(40 * 64 + 8);
  });

  test("SB-2: an image that only begins alike, or not at all, has no sibling and is stored as ever", async () => {
    const bench = await newBench();
    await bench.archive(master, "master");
    for (const bytes of [
      noise(master.length, 50),
      joined(master.subarray(0, 3 * PAGE), noise(master.length - 3 * PAGE, 51)),
    ]) {
      const snapshot = await bench.archive(bytes, `pc-${bytes[5 * PAGE]}-${bytes[0]}`);
      await expectWhole(bench, snapshot, bytes);
    }
  });

  test("SB-3: an agent must send its pages all the same", async () => {
    const bench = await newBench();
    await bench.archive(master, "master");
    const session = await bench.repository.beginArchive({ node: "pc-09" });
    const image = await session.beginImage({ partition: "sda1", sizeBytes: master.length });
    for (let page = 0; page < image.pageCount; page++) {
      const bytes = master.subarray(page * PAGE, (page + 1) * PAGE);
      expect(image.offer(page, hashPage(bytes)), `page ${page}`).toEqual([page]);
      await image.put(page, bytes);
    }
    const record = await image.finish();
    expect(record.newBytes).toBe(0);
    const snapshot = await session.commit();
    const target = targetOf(new Uint8Array(master.length));
    await bench.repository.restore(snapshot.id, "sda1", target);
    expect(Buffer.compare(target.bytes, master)).toBe(0);
  });

  test("SB-4: the sibling's snapshot is held while the archive is open, and can go afterwards", async () => {
    const bench = await newBench();
    const old = await bench.archive(master, "master");
    const bytes = localized(5);
    const session = await bench.repository.beginArchive({ node: "pc-01" });
    await session.archiveSource({ partition: "sda1" }, sourceOf(bytes));
    await expect(bench.repository.prune({ snapshotIds: [old.id] })).rejects.toMatchObject({
      code: "snapshot-in-use",
    });
    const snapshot = await session.commit();
    await bench.repository.prune({ snapshotIds: [old.id] });
    await bench.repository.collectGarbage();
    await expectWhole(bench, snapshot, bytes);
  });
});
