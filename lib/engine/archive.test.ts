// Archiving: what is stored, what is shared, what is refused. In memory, in this thread.
import { describe, expect, test } from "vitest";
import { contentRootOf } from "#lib/page/content-root.ts";
import { hashPage } from "#lib/page/page.ts";
import { changed, joined, KIB, newBench, noise, PAGE, sourceOf } from "./test-bench.ts";
import type { ImageRecord, SnapshotRecord } from "./types.ts";

function hashesOf(bytes: Uint8Array): Uint8Array {
  const hashes: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += PAGE) hashes.push(hashPage(bytes.subarray(at, at + PAGE)));
  return joined(...hashes);
}

function imageOf(snapshot: SnapshotRecord): ImageRecord {
  const [image] = snapshot.images;
  if (image === undefined) throw new Error("no image");
  return image;
}

describe("sizes", () => {
  for (const size of [1, 511, 512, 4095, 4097, PAGE - 1, PAGE, PAGE + 1, 64 * PAGE + 5]) {
    test(`PG-1, SEG-3: an image of ${size} bytes comes back byte for byte`, async () => {
      const bench = await newBench();
      const bytes = noise(size);
      const snapshot = await bench.archive(bytes);
      expect(imageOf(snapshot).contentRoot).toBe(
        Buffer.from(contentRootOf(hashesOf(bytes), size)).toString("hex"),
      );
      expect(Buffer.compare(await bench.restored(snapshot), bytes)).toBe(0);
      expect((await bench.repository.verify()).findings).toEqual([]);
    });
  }

  test("a partition of 0 bytes is refused", async () => {
    const bench = await newBench();
    await expect(bench.archive(new Uint8Array(0))).rejects.toMatchObject({ code: "input-invalid" });
  });

  for (const blockSize of [512, 1024, 65536]) {
    test(`PG-5: blocks of ${blockSize} bytes give the same contentRoot as any other`, async () => {
      const bytes = joined(noise(PAGE + 777), new Uint8Array(PAGE), noise(3000, 2));
      const small = await newBench(blockSize);
      const snapshot = await small.archive(bytes);
      const usual = await (await newBench()).archive(bytes);
      expect(imageOf(snapshot).contentRoot).toBe(imageOf(usual).contentRoot);
      expect(Buffer.compare(await small.restored(snapshot), bytes)).toBe(0);
    });
  }
});

describe("what is stored", () => {
  test("MF-2: an unchanged image adds nothing but its snapshot file", async () => {
    const bench = await newBench();
    const bytes = noise(5 * PAGE + 100);
    await bench.archive(bytes);
    const before = await bench.storage.list("");
    const again = imageOf(await bench.archive(bytes));
    const added = (await bench.storage.list("")).filter(
      (file) => !before.some((old) => old.name === file.name),
    );
    expect(again).toMatchObject({ newBytes: 0, storedBytes: 0, unchangedBytes: bytes.length });
    expect(added.map((file) => file.name.split("/")[0])).toEqual(["snapshots"]);
  });

  test("PG-4, PT-1: one changed byte stores that byte", async () => {
    const bench = await newBench();
    const bytes = noise(70 * PAGE);
    await bench.archive(bytes);
    const second = await bench.archive(changed(bytes, 3 * PAGE + 5000));
    expect(imageOf(second)).toMatchObject({ newBytes: 4, unchangedBytes: bytes.length - PAGE });
    expect(imageOf(second).storedBytes).toBeLessThan(16 * KIB);
    expect(Buffer.compare(await bench.restored(second), changed(bytes, 3 * PAGE + 5000))).toBe(0);
  });

  test("PG-2: pages and blocks of one repeated byte are never stored", async () => {
    const bench = await newBench();
    const bytes = joined(
      new Uint8Array(PAGE),
      new Uint8Array(PAGE).fill(0xff),
      noise(4096),
      new Uint8Array(PAGE).fill(9),
    );
    const snapshot = await bench.archive(bytes);
    expect(imageOf(snapshot).newBytes).toBe(4096);
    expect(imageOf(snapshot).fillBytes).toBe(2 * PAGE + 4096);
    expect(Buffer.compare(await bench.restored(snapshot), bytes)).toBe(0);
  });

  test("SEG-1: blocks that move, and blocks of other nodes, are found again", async () => {
    const bench = await newBench();
    const bytes = noise(4 * PAGE);
    await bench.archive(bytes, "pc-01");
    const moved = joined(bytes.subarray(2 * PAGE), new Uint8Array(4096), bytes.subarray(0, 2 * PAGE));
    expect(imageOf(await bench.archive(moved, "pc-02")).newBytes).toBe(0);
    await bench.reopen();
    expect(imageOf(await bench.archive(joined(noise(4096, 7), bytes), "pc-03")).newBytes).toBe(4096);
  });

  test("SN-4: archives side by side store what they share once, and each commit stands alone", async () => {
    const bench = await newBench();
    const bytes = noise(6 * PAGE + 4096 * 3);
    const sessions = await Promise.all(
      ["a", "b", "c"].map((node) => bench.repository.beginArchive({ node })),
    );
    await Promise.all(
      sessions.map((session) => session.archiveSource({ partition: "sda1" }, sourceOf(bytes))),
    );
    await sessions[0]?.abort();
    const snapshot = await sessions[1]?.commit();
    await bench.reopen();
    expect((await bench.repository.stats()).uniqueBytes).toBeLessThan(1.5 * bytes.length);
    expect(bench.repository.snapshots()).toHaveLength(1);
    if (snapshot === undefined) throw new Error("no snapshot");
    expect(Buffer.compare(await bench.restored(snapshot), bytes)).toBe(0);
    expect((await bench.repository.verify()).findings).toEqual([]);
  });

  test("SN-4: a commit makes the growing segment of another session durable, which it refers to", async () => {
    const bench = await newBench();
    const bytes = noise(3 * 4096);
    const writer = await bench.repository.beginArchive({ node: "a" });
    const image = await writer.beginImage({ partition: "sda1", sizeBytes: 2 * PAGE });
    const page = joined(bytes, new Uint8Array(PAGE - bytes.length));
    image.offer(0, hashPage(page));
    await image.put(0, page);
    const snapshot = await bench.archive(bytes, "b");
    expect(imageOf(snapshot).newBytes).toBe(0);
    await writer.abort();
    await bench.reopen();
    expect(Buffer.compare(await bench.restored(snapshot), bytes)).toBe(0);
  });

  test("PG-4: partitions of one node archived in separate snapshots each have their own parent", async () => {
    const { repository } = await newBench();
    const archive = async (partition: string, bytes: Uint8Array) => {
      const session = await repository.beginArchive({ node: "pc" });
      const image = await session.archiveSource({ partition }, sourceOf(bytes));
      await session.commit();
      return image;
    };
    const [system, data] = [noise(3 * PAGE, 1), noise(2 * PAGE, 2)];
    await archive("p1", system);
    await archive("p2", data);
    expect(await archive("p1", system)).toMatchObject({ unchangedBytes: 3 * PAGE, storedBytes: 0 });
    expect(await archive("p2", data)).toMatchObject({ unchangedBytes: 2 * PAGE, storedBytes: 0 });
  });

  test("AR-4: a partition may grow and shrink", async () => {
    const bench = await newBench();
    const bytes = noise(66 * PAGE + 999);
    const first = await bench.archive(bytes);
    const grown = joined(bytes, noise(3 * PAGE, 5));
    const second = await bench.archive(grown);
    const shrunk = bytes.slice(0, 2 * PAGE + 17);
    const third = await bench.archive(shrunk);
    expect(imageOf(second).unchangedBytes).toBe(66 * PAGE);
    expect(imageOf(third).unchangedBytes).toBe(2 * PAGE);
    for (const [snapshot, wanted] of [
      [first, bytes],
      [second, grown],
      [third, shrunk],
    ] as const) {
      expect(Buffer.compare(await bench.restored(snapshot), wanted)).toBe(0);
    }
    expect((await bench.repository.verify()).findings).toEqual([]);
  });

  test("AR-6: a parent that cannot be read is no parent, and what it lost is stored again", async () => {
    const bench = await newBench();
    const bytes = noise(2 * PAGE);
    await bench.archive(bytes);
    for (const file of await bench.storage.list("")) {
      if (/^(packs|nodes|index)\//.test(file.name)) await bench.storage.remove(file.name);
    }
    await bench.reopen();
    const healed = await bench.archive(bytes);
    expect(imageOf(healed).newBytes).toBe(bytes.length);
    expect(Buffer.compare(await bench.restored(healed), bytes)).toBe(0);
  });
});

describe("offered pages", () => {
  const bytes = joined(noise(PAGE), new Uint8Array(PAGE), noise(PAGE), noise(1000, 9));

  async function offering() {
    const bench = await newBench();
    const session = await bench.repository.beginArchive({ node: "pc-01" });
    const image = await session.beginImage({ partition: "sda1", sizeBytes: bytes.length });
    const put = (page: number) => image.put(page, bytes.subarray(page * PAGE, (page + 1) * PAGE));
    return { bench, session, image, put };
  }

  test("AR-1: zeros, the parent's pages and pages of this archive need not be sent", async () => {
    const { bench, session, image, put } = await offering();
    expect(image.pageCount).toBe(4);
    expect(image.offer(0, hashesOf(bytes).subarray(0, 64))).toEqual([0]);
    await put(0);
    expect(image.offer(2, hashesOf(bytes).subarray(64))).toEqual([3]);
    await put(3);
    const record = await image.finish();
    expect(record.newBytes).toBe(PAGE + 1000);
    await session.commit();
    const next = await bench.repository.beginArchive({ node: "pc-01" });
    const again = await next.beginImage({ partition: "sda1", sizeBytes: bytes.length });
    expect(again.offer(0, hashesOf(bytes))).toEqual([]);
    expect((await again.finish()).contentRoot).toBe(record.contentRoot);
    expect(Buffer.compare(await bench.restored(await next.commit()), bytes)).toBe(0);
  });

  test("AR-1: the hash of another node's page gives nothing", async () => {
    const { bench, session, image, put } = await offering();
    expect(image.offer(0, hashesOf(bytes))).toEqual([0, 2, 3]);
    for (const page of [0, 2, 3]) await put(page);
    await image.finish();
    await session.commit();
    const other = await bench.repository.beginArchive({ node: "pc-02" });
    const otherImage = await other.beginImage({ partition: "sda1", sizeBytes: bytes.length });
    expect(otherImage.offer(0, hashesOf(bytes))).toEqual([0, 2, 3]);
  });

  test("AR-2: a page with another hash is refused and may be sent again", async () => {
    const { image, put } = await offering();
    image.offer(0, hashesOf(bytes));
    await expect(image.put(0, noise(PAGE, 3))).rejects.toMatchObject({ code: "page-hash-mismatch" });
    await put(0);
    await put(0);
    await put(3);
  });

  test("AR-3: what is missing, unknown or contradictory is named", async () => {
    const { session, image, put } = await offering();
    await expect(put(0)).rejects.toMatchObject({ code: "protocol-violation" });
    image.offer(0, hashesOf(bytes));
    await expect(image.put(0, noise(100))).rejects.toMatchObject({ code: "protocol-violation" });
    await put(0);
    await expect(image.finish()).rejects.toMatchObject({
      code: "protocol-violation",
      message: expect.stringContaining("page 2"),
    });
    expect(() => image.offer(0, hashPage(noise(PAGE, 3)))).toThrow(/two different contents/);
    expect(() => image.offer(3, new Uint8Array(64))).toThrow(/4 pages/);
    await expect(session.commit()).rejects.toMatchObject({ code: "protocol-violation" });
  });

  test("pages may come in any order and at once", async () => {
    const { bench, session, image } = await offering();
    const disk = noise(130 * PAGE + 10, 4);
    const big = await session.beginImage({ partition: "sda2", sizeBytes: disk.length });
    const wanted = big.offer(0, hashesOf(disk)).reverse();
    await Promise.all(wanted.map((page) => big.put(page, disk.subarray(page * PAGE, (page + 1) * PAGE))));
    await big.finish();
    image.offer(0, hashesOf(bytes));
    for (const page of [3, 0, 2]) await image.put(page, bytes.subarray(page * PAGE, (page + 1) * PAGE));
    await image.finish();
    const snapshot = await session.commit();
    expect(Buffer.compare(await bench.restored(snapshot, undefined, "sda2"), disk)).toBe(0);
    expect(Buffer.compare(await bench.restored(snapshot), bytes)).toBe(0);
  });
});

describe("sessions", () => {
  test("SN-1: nothing of an aborted archive is visible, and what it stored is used again (PK-3)", async () => {
    const bench = await newBench();
    const bytes = noise(3 * PAGE);
    const session = await bench.repository.beginArchive({ node: "pc-01" });
    await session.archiveSource({ partition: "sda1" }, sourceOf(bytes));
    await session.abort();
    await expect(session.commit()).rejects.toMatchObject({ code: "protocol-violation" });
    await bench.reopen();
    expect(bench.repository.snapshots()).toEqual([]);
    expect(imageOf(await bench.archive(bytes)).newBytes).toBe(0);
  });

  test("AR-5: a source that fails fails the archive, and the repository goes on", async () => {
    const bench = await newBench();
    const session = await bench.repository.beginArchive({ node: "pc-01" });
    const broken = {
      ...sourceOf(noise(20 * PAGE)),
      read: async () => Promise.reject(new Error("unplugged")),
    };
    await expect(session.archiveSource({ partition: "sda1" }, broken)).rejects.toThrow("unplugged");
    await session.abort();
    expect(imageOf(await bench.archive(noise(100))).newBytes).toBe(100);
  });

  test("an archive that is cancelled says so", async () => {
    const bench = await newBench();
    const session = await bench.repository.beginArchive({ node: "pc-01" });
    const stop = new AbortController();
    const work = session.archiveSource({ partition: "sda1" }, sourceOf(noise(40 * PAGE)), {
      signal: stop.signal,
      onProgress: () => stop.abort(),
    });
    await expect(work).rejects.toMatchObject({ code: "job-cancelled" });
    await session.abort();
  });

  test("SN-6: names are bounded and printable", async () => {
    const bench = await newBench();
    for (const node of ["", "x".repeat(129), "a\nb", "\u0000"]) {
      await expect(bench.repository.beginArchive({ node })).rejects.toMatchObject({ code: "input-invalid" });
    }
    const session = await bench.repository.beginArchive({ node: "Raum 3, Gerät 1" });
    await expect(session.beginImage({ partition: "", sizeBytes: 1 })).rejects.toMatchObject({
      code: "input-invalid",
    });
    await session.beginImage({ partition: "sda1", sizeBytes: 1 });
    await expect(session.beginImage({ partition: "sda1", sizeBytes: 1 })).rejects.toMatchObject({
      code: "protocol-violation",
    });
    await session.abort();
  });

  test("ids may be shortened while they are unambiguous", async () => {
    const bench = await newBench();
    const first = await bench.archive(noise(10));
    await bench.archive(noise(20));
    expect(bench.repository.snapshot(first.id.slice(0, 20)).id).toBe(first.id);
    expect(() => bench.repository.snapshot("snap_")).toThrow(/2 snapshots begin/);
    expect(() => bench.repository.snapshot("nothing")).toThrow(/no snapshot/);
    expect(() => bench.repository.snapshot("")).toThrow(/no snapshot/);
    expect(bench.repository.snapshots().map((snapshot) => snapshot.sequence)).toEqual([1, 2]);
  });

  test("what is closed says so", async () => {
    const bench = await newBench();
    const session = await bench.repository.beginArchive({ node: "a" });
    await bench.repository.close();
    await bench.repository.close();
    await expect(session.commit()).rejects.toMatchObject({ code: "repository-closed" });
    expect(() => bench.repository.snapshots()).toThrow(/closed/);
  });
});

test("blocks that compress to nearly nothing fill a pack by their number, so that looking one up reads few digests", async () => {
  const bench = await newBench(512);
  const bytes = new Uint8Array(512 * (2 ** 18 + 1000));
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < bytes.length; at += 512) view.setUint32(at, at + 1);
  const record = await bench.archive(bytes);
  expect(await bench.storage.list("packs")).toHaveLength(2);
  expect(Buffer.compare(await bench.restored(record), bytes)).toBe(0);
});
