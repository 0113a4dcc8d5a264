// Files as sources and targets, and archiving in worker threads that read by themselves.
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openFileSource, openFileTarget } from "./repository.ts";
import { joined, newBench, noise, PAGE } from "./test-bench.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sheepfold-file-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const disk = joined(noise(20 * PAGE), new Uint8Array(8 * PAGE), noise(700, 2));
function fileOf(name: string, bytes: Uint8Array): string {
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
}

describe("files", () => {
  test("AR-5, PG-3: a source that ends early is a changed source, not zeros", async () => {
    const path = fileOf("short", disk);
    const source = await openFileSource(path);
    truncateSync(path, 1000);
    await expect(source.read(0, new Uint8Array(2000))).rejects.toMatchObject({ code: "source-changed-size" });
    await source.close();
    await expect(openFileSource(join(folder, "nothing"))).rejects.toMatchObject({ code: "source-missing" });
    await expect(openFileSource(folder)).rejects.toMatchObject({ code: "source-missing" });
  });

  test("a new target is all zeros and never an existing file", async () => {
    const path = join(folder, "new");
    const target = await openFileTarget(path, { create: 3 * PAGE });
    expect(target.isBlank).toBe(true);
    await target.write(PAGE, noise(PAGE));
    expect(target.isBlank).toBe(false);
    await target.zero(PAGE + 10, 20);
    await target.flush();
    await target.close();
    const expected = joined(new Uint8Array(PAGE), noise(PAGE), new Uint8Array(PAGE));
    expected.fill(0, PAGE + 10, PAGE + 30);
    expect(Buffer.compare(readFileSync(path), expected)).toBe(0);
    await expect(openFileTarget(path, { create: 10 })).rejects.toMatchObject({
      code: "target-other-purpose",
    });
    await expect(openFileTarget(join(folder, "nothing"))).rejects.toMatchObject({ code: "target-missing" });
  });

  test("large zero ranges read as zeros and take no room where holes can be made", async () => {
    const path = fileOf("holes", noise(16 * PAGE));
    const target = await openFileTarget(path);
    expect(target.isBlank).toBe(false);
    await target.zero(PAGE, 14 * PAGE);
    await target.flush();
    await target.close();
    const expected = noise(16 * PAGE).fill(0, PAGE, 15 * PAGE);
    expect(Buffer.compare(readFileSync(path), expected)).toBe(0);
    expect(statSync(path).size).toBe(16 * PAGE);
  });
});

describe("threads", () => {
  test("archive, restore and verify in threads give what one thread gives", async () => {
    const alone = await newBench();
    const inThreads = await newBench(4096, { threads: 2 });
    const expected = await alone.archive(disk);
    const source = await openFileSource(fileOf("disk", disk));
    const session = await inThreads.repository.beginArchive({ node: "pc-01" });
    const image = await session.archiveSource({ partition: "sda1" }, source);
    await source.close();
    const snapshot = await session.commit();
    expect(image).toEqual(expected.images[0]);
    expect(Buffer.compare(await inThreads.restored(snapshot, noise(disk.length, 4)), disk)).toBe(0);
    expect((await inThreads.repository.verify()).findings).toEqual([]);
    await inThreads.repository.close();
  });

  test("AR-5: a source that shrinks or is replaced while threads read it fails the archive by name", async () => {
    const bench = await newBench(4096, { threads: 1 });
    const path = fileOf("shrinking", disk);
    const source = await openFileSource(path);
    truncateSync(path, 10 * PAGE);
    const session = await bench.repository.beginArchive({ node: "pc-01" });
    await expect(session.archiveSource({ partition: "sda1" }, source)).rejects.toMatchObject({
      code: "source-changed-size",
    });
    rmSync(path);
    const missing = session.archiveSource({ partition: "sda2" }, source);
    await expect(missing).rejects.toMatchObject({ code: "source-missing" });
    await source.close();
    await session.abort();
    expect((await bench.archive(noise(3 * PAGE, 77))).images[0]?.newBytes).toBe(3 * PAGE);
    await bench.repository.close();
  });

  test("SEG-4: rot in a pack read by a thread is named", async () => {
    const bench = await newBench(4096, { threads: 1 });
    const snapshot = await bench.archive(noise(3 * PAGE));
    const [pack] = await bench.storage.list("packs");
    bench.storage.flipBit(pack?.name ?? "", 8 * 3000);
    await expect(bench.restored(snapshot)).rejects.toMatchObject({ code: "pack-corrupt" });
    expect((await bench.repository.verify()).findings.map((finding) => finding.code)).toContain(
      "pack-corrupt",
    );
    await bench.repository.close();
  });
});
