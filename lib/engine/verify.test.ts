// Verifying: every byte is covered, every finding has a name, and rot is never an exception.
import { describe, expect, test } from "vitest";
import { changed, joined, newBench, noise, PAGE } from "./test-bench.ts";

const disk = joined(noise(2 * PAGE + 3000), new Uint8Array(PAGE));

async function twoSnapshots() {
  const bench = await newBench();
  const first = await bench.archive(disk);
  const second = await bench.archive(changed(disk, 5000));
  return { bench, first, second };
}

describe("verify", () => {
  test("finds nothing wrong with a good repository, and counts what it read", async () => {
    const { bench } = await twoSnapshots();
    const report = await bench.repository.verify();
    expect(report).toMatchObject({ snapshotCount: 2, imageCount: 2, packCount: 3, findings: [] });
    const stats = await bench.repository.stats();
    expect(report.checkedBytes).toBe(stats.dataPackBytes + stats.nodePackBytes + stats.snapshotBytes);
  });

  test("VF-1, VF-2: a flipped bit anywhere in config, packs or snapshots is found and its file named", async () => {
    const { bench } = await twoSnapshots();
    for (const file of await bench.storage.list("")) {
      if (file.name === "lock" || file.name.startsWith("index/")) continue;
      for (let bit = 0; bit < file.sizeBytes * 8; bit += Math.ceil(file.sizeBytes / 7) * 8 + 3) {
        bench.storage.flipBit(file.name, bit);
        const { findings } = await bench.repository.verify();
        expect(findings.map((finding) => finding.file)).toContain(file.name);
        bench.storage.flipBit(file.name, bit);
      }
    }
    expect((await bench.repository.verify()).findings).toEqual([]);
  });

  test("VF-3: rot in a block names the snapshots and partitions that need it", async () => {
    const { bench, first, second } = await twoSnapshots();
    const [pack] = (await bench.storage.list("packs")).sort((a, b) => b.sizeBytes - a.sizeBytes);
    if (pack === undefined) throw new Error("no pack");
    bench.storage.flipBit(pack.name, 8 * 500);
    const { findings } = await bench.repository.verify();
    const named = findings.filter((finding) => finding.file === pack.name && finding.code === "pack-corrupt");
    expect(named.map((finding) => finding.snapshotId)).toEqual(
      expect.arrayContaining([first.id, second.id, null]),
    );
    expect(named.find((finding) => finding.snapshotId === first.id)?.partition).toBe("sda1");
  });

  test("PK-4: a deleted pack is named, also after reopening, and other snapshots are restored", async () => {
    const { bench, first } = await twoSnapshots();
    const other = await bench.archive(noise(PAGE, 8), "pc-02");
    const [pack] = (await bench.storage.list("packs")).sort((a, b) => b.sizeBytes - a.sizeBytes);
    if (pack === undefined) throw new Error("no pack");
    await bench.storage.remove(pack.name);
    await bench.reopen();
    const { findings } = await bench.repository.verify();
    expect(findings).toContainEqual(
      expect.objectContaining({ code: "pack-missing", file: pack.name, snapshotId: first.id }),
    );
    await expect(bench.restored(first)).rejects.toMatchObject({
      code: "pack-missing",
      message: expect.stringContaining(pack.name),
    });
    expect(Buffer.compare(await bench.restored(other), noise(PAGE, 8))).toBe(0);
  });

  test("PK-2, PK-4: a pack cut off at any length is named by verify, and others stay readable", async () => {
    const { bench, first } = await twoSnapshots();
    const [pack] = (await bench.storage.list("packs")).sort((a, b) => b.sizeBytes - a.sizeBytes);
    if (pack === undefined) throw new Error("no pack");
    const whole = await bench.storage.readFile(pack.name);
    for (const length of [0, 1, 79, 200, pack.sizeBytes - 1]) {
      await bench.storage.writeFile(pack.name, (whole ?? new Uint8Array(0)).subarray(0, length));
      await bench.reopen();
      const { findings } = await bench.repository.verify();
      expect(findings).toContainEqual(expect.objectContaining({ code: "pack-corrupt", file: pack.name }));
      await expect(bench.restored(first)).rejects.toMatchObject({ code: "pack-corrupt" });
    }
  });

  test("SN-5: a damaged snapshot file is named; the others are listed", async () => {
    const { bench, first, second } = await twoSnapshots();
    const file = (await bench.storage.list("snapshots")).find((each) => each.name.includes(first.id));
    if (file === undefined) throw new Error("no file");
    bench.storage.flipBit(file.name, 8 * 100);
    await bench.reopen();
    expect(bench.repository.snapshots().map((snapshot) => snapshot.id)).toEqual([second.id]);
    expect(() => bench.repository.snapshot(first.id)).toThrow(
      expect.objectContaining({ code: "snapshot-corrupt" }),
    );
    const { findings } = await bench.repository.verify();
    expect(findings).toContainEqual(
      expect.objectContaining({ code: "snapshot-corrupt", file: file.name, snapshotId: first.id }),
    );
    expect(Buffer.compare(await bench.restored(second), changed(disk, 5000))).toBe(0);
  });

  test("one snapshot alone is verified with the packs it needs", async () => {
    const { bench } = await twoSnapshots();
    const other = await bench.archive(noise(PAGE, 8), "pc-02");
    const report = await bench.repository.verify({ snapshotId: other.id });
    expect(report).toMatchObject({ snapshotCount: 1, imageCount: 1, packCount: 2, findings: [] });
  });

  test("a verification that is cancelled says so", async () => {
    const { bench } = await twoSnapshots();
    const work = bench.repository.verify({ signal: AbortSignal.abort() });
    await expect(work).rejects.toMatchObject({ code: "job-cancelled" });
  });
});
