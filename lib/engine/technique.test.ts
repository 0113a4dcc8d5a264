// The three techniques: what each stores, what it may refer to, and that nobody who reads notices a difference.
import { describe, expect, test } from "vitest";
import { type Compression, parseCompression } from "#lib/model/compression.ts";
import { hashPage } from "#lib/page/page.ts";
import { createRepository, openRepository } from "./repository.ts";
import { memoryStorage } from "./storage/memory.ts";
import { type Bench, changed, joined, KIB, newBench, noise, PAGE, sourceOf } from "./test-bench.ts";
import type { ImageRecord, SnapshotRecord, StorageChoice } from "./types.ts";

const BLOCK = 4 * KIB;
/** With a page of zeros, a block of zeros in a page of data, and a short end. */
const FIRST = joined(
  noise(3 * PAGE),
  new Uint8Array(PAGE),
  noise(PAGE - BLOCK, 2),
  new Uint8Array(BLOCK),
  noise(777, 3),
);
const FIRST_STORED = FIRST.length - PAGE;

async function archive(bench: Bench, bytes: Uint8Array, choice: StorageChoice, node = "pc-01") {
  const session = await bench.repository.beginArchive({ node, ...choice });
  await session.archiveSource({ partition: "sda1" }, sourceOf(bytes));
  return session.commit();
}

function imageOf(snapshot: SnapshotRecord): ImageRecord {
  const [image] = snapshot.images;
  if (image === undefined) throw new Error("no image");
  return image;
}

function compressionOf(text: string): Compression {
  const compression = parseCompression(text);
  if (compression === null) throw new Error(`${text} is no compression`);
  return compression;
}

async function expectWhole(bench: Bench, contents: readonly [SnapshotRecord, Uint8Array][]): Promise<void> {
  for (const [snapshot, bytes] of contents)
    expect(Buffer.compare(await bench.restored(snapshot), bytes)).toBe(0);
  expect((await bench.repository.verify()).findings).toEqual([]);
}

describe("full", () => {
  test("TQ-1: a full image stores every page but fill, and nothing of it twice found or taken over", async () => {
    const bench = await newBench();
    const first = await archive(bench, FIRST, {});
    const full = await archive(bench, FIRST, { technique: "full" });
    const again = await archive(bench, FIRST, { technique: "full" });
    for (const snapshot of [full, again])
      expect(imageOf(snapshot)).toMatchObject({
        technique: "full",
        newBytes: FIRST_STORED,
        unchangedBytes: 0,
        fillBytes: PAGE,
        contentRoot: imageOf(first).contentRoot,
      });
    await expectWhole(
      bench,
      [first, full, again].map((snapshot) => [snapshot, FIRST]),
    );
  });

  test("TQ-2: nobody deduplicates against a full image, before or after the index is made again", async () => {
    const bench = await newBench();
    await archive(bench, FIRST, { technique: "full" }, "pc-full");
    const other = imageOf(await archive(bench, FIRST, {}, "pc-other"));
    expect(other.newBytes).toBeGreaterThan(FIRST_STORED - 2 * BLOCK);
    await bench.repository.rebuildIndex();
    const changedBytes = noise(2 * PAGE, 9);
    await archive(bench, changedBytes, { technique: "full" }, "pc-full");
    await bench.reopen();
    expect(imageOf(await archive(bench, changedBytes, {}, "pc-third")).newBytes).toBe(2 * PAGE);
    expect(imageOf(await archive(bench, FIRST, {}, "pc-fourth")).newBytes).toBe(0);
  });

  test("TQ-1: an agent is asked for every page but zeros, whatever the parent has", async () => {
    const bench = await newBench();
    await archive(bench, FIRST, {});
    const session = await bench.repository.beginArchive({ node: "pc-01", technique: "full" });
    const writer = await session.beginImage({ partition: "sda1", sizeBytes: FIRST.length });
    const pages = Array.from({ length: writer.pageCount }, (_, page) =>
      FIRST.slice(page * PAGE, (page + 1) * PAGE),
    );
    const wanted = writer.offer(0, joined(...pages.map((page) => hashPage(page))));
    expect(wanted).toEqual([0, 1, 2, 4, 5]);
    for (const page of wanted) await writer.put(page, pages[page] ?? new Uint8Array(0));
    await writer.finish();
    await expectWhole(bench, [[await session.commit(), FIRST]]);
  });
});

describe("diff", () => {
  test("TQ-3: a diff stores the blocks that differ at the same offset, and names its base", async () => {
    const bench = await newBench();
    const first = await archive(bench, FIRST, { technique: "full" });
    const bytes = changed(FIRST, 5, PAGE + 7 * BLOCK, FIRST.length - 1);
    const diff = await archive(bench, bytes, { technique: "diff" });
    expect(imageOf(diff)).toMatchObject({ technique: "diff", baseId: first.id, newBytes: 2 * BLOCK + 777 });
    await expectWhole(bench, [
      [first, FIRST],
      [diff, bytes],
    ]);
  });

  test("TQ-3: what moved by a block costs a diff, and the repository nothing", async () => {
    const bytes = noise(4 * PAGE);
    const moved = joined(bytes.subarray(BLOCK), bytes.subarray(0, BLOCK));
    const bench = await newBench();
    await bench.archive(bytes);
    expect(imageOf(await archive(bench, moved, { technique: "diff" })).newBytes).toBe(4 * PAGE);
    const other = await newBench();
    await other.archive(bytes);
    expect(imageOf(await archive(other, moved, { technique: "repository" })).newBytes).toBe(0);
  });

  test("TQ-4: the base is the previous image, the first, or a named one of another node", async () => {
    const bench = await newBench();
    const states = [FIRST, changed(FIRST, 0), changed(FIRST, 0, PAGE), changed(FIRST, 0, PAGE, 2 * PAGE)];
    const [s0, s1, s2, s3] = states as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
    const first = await archive(bench, s0, { technique: "diff" });
    // Nothing to differ from: stored whole, and called so.
    expect(imageOf(first)).toMatchObject({ technique: "full", newBytes: FIRST_STORED });
    expect(imageOf(first).baseId).toBeUndefined();
    const second = await archive(bench, s1, { technique: "diff", base: "previous" });
    const third = await archive(bench, s2, { technique: "diff", base: "first" });
    expect(imageOf(third)).toMatchObject({ baseId: first.id, newBytes: 2 * BLOCK });
    const clone = await archive(bench, s3, { technique: "diff", base: third.id }, "pc-02");
    expect(imageOf(clone)).toMatchObject({ baseId: third.id, newBytes: BLOCK });
    await bench.reopen();
    await expectWhole(bench, [
      [first, s0],
      [second, s1],
      [third, s2],
      [clone, s3],
    ]);
  });

  test("TQ-3: partitions grow, shrink and gain fill between base and diff", async () => {
    const bench = await newBench(512);
    const contents: [SnapshotRecord, Uint8Array][] = [];
    const longer = joined(FIRST, noise(PAGE, 5));
    const emptied = joined(new Uint8Array(2 * PAGE), longer.subarray(2 * PAGE));
    for (const bytes of [FIRST, longer, emptied, FIRST.subarray(0, PAGE + 100), longer])
      contents.push([await archive(bench, bytes, { technique: "diff" }), bytes]);
    await expectWhole(bench, contents);
  });

  test("TQ-5: techniques follow each other in one lineage; unchanged pages cost nothing", async () => {
    const bench = await newBench();
    const contents: [SnapshotRecord, Uint8Array][] = [];
    const bytes = changed(FIRST, 3 * PAGE - 1);
    contents.push([await archive(bench, FIRST, { technique: "full" }), FIRST]);
    contents.push([await archive(bench, bytes, { technique: "repository", patches: false }), bytes]);
    expect(contents.map(([snapshot]) => imageOf(snapshot).newBytes)).toEqual([FIRST_STORED, PAGE]);
    contents.push([await archive(bench, bytes, { technique: "diff" }), bytes]);
    contents.push([await archive(bench, bytes, { technique: "repository" }), bytes]);
    expect(contents.slice(2).map(([snapshot]) => imageOf(snapshot).newBytes)).toEqual([0, 0]);
    await expectWhole(bench, contents);
    const stats = await bench.repository.stats();
    expect(stats.techniques.map(({ technique, imageCount }) => [technique, imageCount])).toEqual([
      ["full", 1],
      ["diff", 1],
      ["repository", 2],
    ]);
  });

  test("TQ-3, PT-2: a diff against a patched page stores the blocks that differ, and takes the rest over with its patch", async () => {
    const bench = await newBench();
    const contents: [SnapshotRecord, Uint8Array][] = [];
    const patched = changed(FIRST, 3 * PAGE - 1, 3 * PAGE - 5000, 3 * PAGE - 9000);
    const bytes = changed(patched, 3 * PAGE - 20_000);
    contents.push([await archive(bench, FIRST, { technique: "repository" }), FIRST]);
    contents.push([await archive(bench, patched, { technique: "repository" }), patched]);
    contents.push([await archive(bench, bytes, { technique: "diff" }), bytes]);
    expect(contents.slice(1).map(([snapshot]) => imageOf(snapshot).newBytes)).toEqual([13, 4096]);
    await expectWhole(bench, contents);
  });

  test("TQ-4: a base whose manifest cannot be read is no base: the image is stored whole", async () => {
    const bench = await newBench();
    await archive(bench, FIRST, { technique: "full" });
    await bench.repository.close();
    for (const file of await bench.storage.list("nodes")) await bench.storage.remove(file.name);
    await bench.reopen();
    const healed = await archive(bench, FIRST, { technique: "diff" });
    expect(imageOf(healed)).toMatchObject({ technique: "full", newBytes: FIRST_STORED });
    expect(Buffer.compare(await bench.restored(healed), FIRST)).toBe(0);
  });
});

describe("what does not fit is refused before anything is read", () => {
  test("TQ-6: an unknown base, one without the partition, a base without diff, an impossible compression", async () => {
    const bench = await newBench();
    const made = await bench.archive(FIRST, "pc-01", "sda7");
    const refused = (choice: StorageChoice, code: string) =>
      expect(archive(bench, FIRST, choice)).rejects.toMatchObject({ code });
    await refused({ technique: "diff", base: "snap_no" }, "snapshot-unknown");
    await refused({ technique: "diff", base: made.id }, "input-invalid");
    await refused({ technique: "full", base: "first" }, "input-invalid");
    await refused({ base: "first" }, "input-invalid");
    await refused({ compression: { codec: "zstd", level: 99 } }, "input-invalid");
    expect(bench.repository.snapshots().length).toBe(1);
  });
});

describe("compression", () => {
  const text = new Uint8Array(PAGE).map((_, index) => (index * index) % 61);
  for (const technique of ["full", "diff", "repository"] as const) {
    test(`TQ-7: ${technique} comes back from every compression; none is larger`, async () => {
      const stored: number[] = [];
      for (const name of ["none", "gzip", "gzip:9", "zstd", "zstd:19"]) {
        const bench = await newBench();
        const snapshot = await archive(bench, text, { technique, compression: compressionOf(name) });
        await bench.reopen();
        await expectWhole(bench, [[snapshot, text]]);
        stored.push(imageOf(snapshot).storedBytes);
      }
      expect(stored[0]).toBeGreaterThan(0.9 * PAGE);
      for (const smaller of stored.slice(1)) expect(smaller).toBeLessThan(PAGE / 2);
    });
  }
});

test("TQ-8: the repository's own technique is kept in config, and used when none is named", async () => {
  const storage = memoryStorage();
  await createRepository({ storage, technique: "full" });
  const repository = await openRepository({ storage, access: "write", threads: 0 });
  expect(repository.info.technique).toBe("full");
  const session = await repository.beginArchive({ node: "pc-01" });
  const plain = await session.archiveSource({ partition: "sda1" }, sourceOf(FIRST));
  const own = await session.archiveSource({ partition: "sda2", technique: "repository" }, sourceOf(FIRST));
  expect([plain.technique, own.technique]).toEqual(["full", "repository"]);
  await session.commit();
  await repository.close();
});
