// The index cache: a shortcut that may be missing, damaged or old, and is never believed.
import { describe, expect, test } from "vitest";
import { CodedError } from "#lib/model/errors.ts";
import { isCacheDue } from "./cache-file.ts";
import { openRepository } from "./repository.ts";
import type { Storage } from "./storage/storage.ts";
import { joined, newBench, noise, PAGE } from "./test-bench.ts";

const CACHE = "index/cache";
const FILES = [CACHE, "index/fingerprints-data", "index/fingerprints-nodes"];
const disk = noise(3 * PAGE);

async function closedBench() {
  const bench = await newBench();
  const snapshot = await bench.archive(disk);
  await bench.repository.close();
  return { bench, snapshot };
}

/** All is found, deduplicated and restored as if nothing had happened. */
async function expectAllWell({ bench, snapshot }: Awaited<ReturnType<typeof closedBench>>) {
  await bench.reopen();
  const again = await bench.archive(joined(noise(4096, 9), disk), "pc-02");
  expect(again.images[0]?.newBytes).toBe(4096);
  expect(Buffer.compare(await bench.restored(snapshot), disk)).toBe(0);
  expect((await bench.repository.verify()).findings).toEqual([]);
}

/** Names of the files read from now on. */
function recordingReads(storage: Storage): string[] {
  const names: string[] = [];
  const readAt = storage.readAt.bind(storage);
  storage.readAt = (name, offsetBytes, into) => {
    names.push(name);
    return readAt(name, offsetBytes, into);
  };
  return names;
}

/** Fails the n-th write after `arm`, and everything after it. */
function crashingStorage(storage: Storage, failing: number) {
  let left = Number.POSITIVE_INFINITY;
  const step = () => {
    left -= 1;
    if (left > 0) return;
    throw new CodedError("storage-failed", "The disk is gone.");
  };
  const crashing: Storage = {
    description: storage.description,
    list: (folder) => storage.list(folder),
    readFile: (name) => storage.readFile(name),
    readAt: (name, offsetBytes, into) => storage.readAt(name, offsetBytes, into),
    size: (name) => storage.size(name),
    createFile: async () => {
      step();
      const file = await storage.createFile();
      return {
        append: async (bytes) => {
          step();
          await file.append(bytes);
        },
        seal: async (name) => {
          step();
          await file.seal(name);
        },
        discard: async () => undefined, // A process that is gone discards nothing.
      };
    },
    writeFile: (name, bytes) => storage.writeFile(name, bytes),
    createExclusive: (name, bytes) => storage.createExclusive(name, bytes),
    remove: (name) => storage.remove(name),
    close: () => storage.close(),
  };
  return {
    storage: crashing,
    arm: () => {
      left = failing;
    },
    hasFailed: () => left <= 0,
  };
}

describe("index cache", () => {
  test("IX-2: written on close, used on open", async () => {
    const closed = await closedBench();
    expect(await closed.bench.storage.size(CACHE)).toBeGreaterThan(0);
    await expectAllWell(closed);
  });

  test("IX-2: missing, it is not missed, neither by writers nor by readers", async () => {
    const closed = await closedBench();
    await closed.bench.storage.remove(CACHE);
    const reader = await closed.bench.reopen({ access: "read" });
    expect(reader.snapshots()).toHaveLength(1);
    expect(Buffer.compare(await closed.bench.restored(closed.snapshot), disk)).toBe(0);
    await expectAllWell(closed);
  });

  test.each(FILES)("IX-2: %s damaged or cut off anywhere, it is ignored", async (file) => {
    const closed = await closedBench();
    const { storage } = closed.bench;
    const whole = (await storage.readFile(file)) ?? new Uint8Array(0);
    expect(whole.length).toBeGreaterThan(64);
    for (let at = 0; at < whole.length; at += Math.ceil(whole.length / 9)) {
      await storage.writeFile(
        file,
        whole.map((byte, index) => (index === at ? byte ^ 0x40 : byte)),
      );
      await closed.bench.reopen();
      expect(Buffer.compare(await closed.bench.restored(closed.snapshot), disk)).toBe(0);
      await storage.writeFile(file, whole.subarray(0, at));
      await closed.bench.reopen();
      // Looks up a block that is there, and so needs the fingerprints.
      expect((await closed.bench.archive(joined(disk, disk), `pc-${10 + at}`)).images[0]?.newBytes).toBe(0);
      expect(Buffer.compare(await closed.bench.restored(closed.snapshot), disk)).toBe(0);
    }
    await expectAllWell(closed);
  });

  test("IX-2: older than the newest packs, it is completed from their footers", async () => {
    const closed = await closedBench();
    const { bench } = closed;
    const old = await Promise.all(
      FILES.map(async (file) => [file, (await bench.storage.readFile(file)) ?? new Uint8Array(0)] as const),
    );
    await bench.reopen();
    const second = await bench.archive(noise(2 * PAGE, 5), "pc-03");
    await bench.repository.close();
    for (const [file, bytes] of old) await bench.storage.writeFile(file, bytes);
    await bench.reopen();
    expect(Buffer.compare(await bench.restored(second), noise(2 * PAGE, 5))).toBe(0);
    expect((await bench.archive(noise(2 * PAGE, 5), "pc-05")).images[0]?.newBytes).toBe(0);
    await expectAllWell(closed);
  });

  test("IX-2: naming a pack that is gone, it is believed about the others", async () => {
    const closed = await closedBench();
    const { bench } = closed;
    await bench.reopen();
    await bench.archive(noise(PAGE, 5), "pc-03");
    await bench.repository.close();
    for (const file of await bench.storage.list("nodes")) await bench.storage.remove(file.name);
    await bench.reopen();
    await expect(bench.restored(closed.snapshot)).rejects.toMatchObject({ code: "pack-missing" });
    expect((await bench.archive(disk, "pc-04")).images[0]?.newBytes).toBe(0);
  });

  test("IX-7: who looks up no block reads no fingerprints, and what little is new is not written", async () => {
    const { bench } = await closedBench();
    await bench.reopen();
    const big = noise(64 * PAGE, 7);
    await bench.archive(big, "pc-07");
    await bench.repository.close();
    const before = await Promise.all(FILES.map((file) => bench.storage.readFile(file)));
    const reads = recordingReads(bench.storage);
    await bench.reopen();
    await bench.archive(big, "pc-07");
    await bench.repository.verify();
    await bench.repository.close();
    expect(reads).not.toContain("index/fingerprints-data");
    await bench.reopen();
    const little = await bench.archive(joined(big, noise(4096, 99)), "pc-07");
    expect(little.images[0]?.newBytes).toBe(4096);
    await bench.repository.close();
    expect(reads).toContain("index/fingerprints-data");
    const after = await Promise.all(FILES.map((file) => bench.storage.readFile(file)));
    expect(after[1]).toEqual(before[1]);
    await bench.reopen();
    expect((await bench.archive(noise(4096, 99), "pc-08")).images[0]?.newBytes).toBe(0);
  });

  test("IX-2: lost while the fingerprints are read, a pack is covered by no cache and found again when it is back", async () => {
    const { bench } = await closedBench();
    const [pack] = await bench.storage.list("packs");
    const bytes = (await bench.storage.readFile(pack?.name ?? "")) ?? new Uint8Array(0);
    for (const way of ["archive", "rebuild"] as const) {
      for (const file of FILES) await bench.storage.remove(file);
      await bench.reopen();
      await bench.storage.remove(pack?.name ?? "");
      if (way === "rebuild") await bench.repository.rebuildIndex();
      // Big enough for the caches to be written.
      else await bench.archive(joined(noise(4096, 9), noise(8 * PAGE, 11)), "pc-02");
      await bench.repository.close();
      await bench.storage.writeFile(pack?.name ?? "", bytes);
      await bench.reopen();
      expect((await bench.archive(joined(noise(4096, 9), disk), `pc-${way}`)).images[0]?.newBytes).toBe(0);
      expect((await bench.repository.verify()).findings).toEqual([]);
      await bench.repository.close();
    }
  });

  test("IX-7: packs rewritten before the fingerprints are read are found, and again in the next process", async () => {
    const bench = await newBench();
    await bench.archive(disk);
    await bench.repository.close();
    for (const file of [null, ...FILES]) {
      if (file !== null) await bench.storage.remove(file);
      await bench.reopen();
      await bench.repository.reSegment({ level: file === null ? 9 : 10 + FILES.indexOf(file) });
      for (const round of [1, 2]) {
        const twice = joined(noise(4096, 9), disk, disk);
        const node = `pc-${file ?? "all"}-${round}`.replaceAll("/", "-");
        const most = file === null && round === 1 ? 4096 : 0;
        expect((await bench.archive(twice, node)).images[0]?.newBytes).toBe(most);
        await bench.repository.close();
        await bench.reopen();
      }
    }
  });

  test("IX-2: a crash at any step of writing the caches costs nothing but the caches", async () => {
    for (let failing = 1; failing < 80; failing += 1) {
      const { bench, snapshot } = await closedBench();
      for (const file of FILES) await bench.storage.remove(file);
      const crash = crashingStorage(bench.storage, failing);
      const repository = await openRepository({ storage: crash.storage, access: "write", threads: 0 });
      crash.arm();
      await repository.rebuildIndex().catch(() => undefined);
      await repository.close().catch(() => undefined);
      await expectAllWell({ bench, snapshot });
      if (!crash.hasFailed()) return;
    }
    throw new Error("Writing the caches took more steps than were tried.");
  });

  test("a cache is written again when it lacks 2 % of the blocks or 64 packs", () => {
    const packs = (count: number, blockCount: number, from = 0) =>
      Array.from({ length: count }, (_, index) => ({ pack: { name: `p${from + index}` }, blockCount }));
    const names = (some: ReturnType<typeof packs>) => new Set(some.map(({ pack }) => pack.name));
    const known = packs(1000, 10_000);
    expect(isCacheDue(null, [])).toBe(false);
    expect(isCacheDue(null, packs(1, 1))).toBe(true);
    expect(isCacheDue(names(known), known)).toBe(false);
    expect(isCacheDue(names(known), [...known, ...packs(10, 10_000, 1000)])).toBe(false);
    expect(isCacheDue(names(known), [...known, ...packs(21, 10_000, 1000)])).toBe(true);
    expect(isCacheDue(names(known), [...known, ...packs(64, 1, 1000)])).toBe(false);
    expect(isCacheDue(names(known), [...known, ...packs(65, 1, 1000)])).toBe(true);
    expect(isCacheDue(names(known), known.slice(20))).toBe(false);
    expect(isCacheDue(names(known), known.slice(21))).toBe(true);
  });

  test("IX-4: rebuilt beside an archive, nothing is lost", async () => {
    const bench = await newBench();
    await bench.archive(noise(PAGE, 3));
    const session = await bench.repository.beginArchive({ node: "pc-09" });
    const source = {
      sizeBytes: disk.length,
      read: async (at: number, into: Uint8Array) => into.set(disk.subarray(at, at + into.length)),
    };
    const [, rebuilt] = await Promise.all([
      session.archiveSource({ partition: "sda1" }, source),
      bench.repository.rebuildIndex(),
    ]);
    expect(rebuilt.packCount).toBe(2);
    const snapshot = await session.commit();
    expect((await bench.archive(disk, "pc-10")).images[0]?.newBytes).toBe(0);
    expect(Buffer.compare(await bench.restored(snapshot), disk)).toBe(0);
  });
});
