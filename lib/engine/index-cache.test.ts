// The index cache: a shortcut that may be missing, damaged or old, and is never believed.
import { describe, expect, test } from "vitest";
import { joined, newBench, noise, PAGE } from "./test-bench.ts";

const CACHE = "index/cache";
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

  test("IX-2: damaged or cut off anywhere, it is ignored", async () => {
    const closed = await closedBench();
    const { storage } = closed.bench;
    const whole = (await storage.readFile(CACHE)) ?? new Uint8Array(0);
    for (let at = 0; at < whole.length; at += Math.ceil(whole.length / 9)) {
      await storage.writeFile(
        CACHE,
        whole.map((byte, index) => (index === at ? byte ^ 0x40 : byte)),
      );
      await closed.bench.reopen();
      expect(Buffer.compare(await closed.bench.restored(closed.snapshot), disk)).toBe(0);
      await storage.writeFile(CACHE, whole.subarray(0, at));
      await closed.bench.reopen();
      expect(Buffer.compare(await closed.bench.restored(closed.snapshot), disk)).toBe(0);
    }
    await expectAllWell(closed);
  });

  test("IX-2: older than the newest packs, it is completed from their footers", async () => {
    const closed = await closedBench();
    const { bench } = closed;
    const old = (await bench.storage.readFile(CACHE)) ?? new Uint8Array(0);
    await bench.reopen();
    const second = await bench.archive(noise(2 * PAGE, 5), "pc-03");
    await bench.repository.close();
    await bench.storage.writeFile(CACHE, old);
    await bench.reopen();
    expect(Buffer.compare(await bench.restored(second), noise(2 * PAGE, 5))).toBe(0);
    await expectAllWell(closed);
  });

  test("IX-2: naming a pack that is gone, it is not believed about the others either", async () => {
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
