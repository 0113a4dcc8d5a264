// Scrub: what it finds, whom it says it costs, and that a budget's worth at a time gets round.
import { expect, test } from "vitest";
import { type Bench, joined, newBench, noise, PAGE } from "./test-bench.ts";

const FIRST = joined(noise(2 * PAGE, 1), new Uint8Array(PAGE), noise(PAGE, 2));

async function damage(bench: Bench, folder: "packs" | "nodes"): Promise<string> {
  const [file] = await bench.storage.list(folder);
  if (file === undefined) throw new Error("no pack");
  bench.storage.flipBit(file.name, 8 * 120);
  return file.name;
}

test("SC-1: a sound repository has no findings, light or deep", async () => {
  const bench = await newBench();
  await bench.archive(FIRST);
  for (const deep of [false, true]) {
    const report = await bench.repository.scrub({ deep });
    expect(report).toMatchObject({ packCount: 2, checkedPackCount: 2, uncheckedPackCount: 0, findings: [] });
  }
});

test("SC-1: one flipped bit in a pack is found, light and deep, with snapshots, partitions and pages", async () => {
  for (const deep of [false, true]) {
    const bench = await newBench();
    const first = await bench.archive(FIRST);
    const second = await bench.archive(noise(2 * PAGE, 1), "pc-02", "sdb7");
    await bench.archive(noise(PAGE, 9), "pc-03");
    const name = (await bench.storage.list("packs")).map((file) => file.name);
    const packOfFirst = await packFirstWritten(bench, name);
    bench.storage.flipBit(packOfFirst, 8 * 120);
    const { findings } = await bench.repository.scrub({ deep });
    expect(findings.map(({ file }) => file)).toEqual([packOfFirst]);
    expect(findings[0]?.affected).toEqual([
      { snapshotId: first.id, partition: "sda1", pageCount: 3, firstPages: [0, 1, 3] },
      { snapshotId: second.id, partition: "sdb7", pageCount: 2, firstPages: [0, 1] },
    ]);
  }
});

/** The largest: three pages of noise. */
async function packFirstWritten(bench: Bench, names: readonly string[]): Promise<string> {
  let largest = "";
  let largestBytes = 0;
  for (const name of names) {
    const size = (await bench.storage.size(name)) ?? 0;
    if (size <= largestBytes) continue;
    largest = name;
    largestBytes = size;
  }
  return largest;
}

test("SC-1: a damaged pack of manifest nodes costs all pages below them", async () => {
  const bench = await newBench();
  const first = await bench.archive(FIRST);
  const name = await damage(bench, "nodes");
  await bench.reopen();
  const { findings } = await bench.repository.scrub();
  expect(findings).toMatchObject([
    { file: name, affected: [{ snapshotId: first.id, partition: "sda1", pageCount: 4 }] },
  ]);
});

test("SC-2: each run goes on with what was never looked at, also in the next process", async () => {
  const bench = await newBench();
  for (const seed of [1, 2, 3]) await bench.archive(noise(PAGE, seed), `pc-${seed}`);
  for (let unchecked = 5; unchecked >= 0; unchecked--) {
    const report = await bench.repository.scrub({ secondsMax: 0 });
    expect(report).toMatchObject({ packCount: 6, checkedPackCount: 1, uncheckedPackCount: unchecked });
    await bench.reopen();
  }
  const deep = await bench.repository.scrub({ deep: true, secondsMax: 0 });
  expect(deep.uncheckedPackCount).toBe(5);
});

test("SC-3: what was bad is looked at first, and is well again when the file was put back", async () => {
  const bench = await newBench();
  for (const seed of [1, 2, 3]) await bench.archive(noise(PAGE, seed), `pc-${seed}`);
  const name = await damage(bench, "packs");
  expect((await bench.repository.scrub()).findings).toHaveLength(1);
  for (let round = 0; round < 2; round++) {
    const report = await bench.repository.scrub({ secondsMax: 0 });
    expect(report.findings.map(({ file }) => file)).toEqual([name]);
  }
  bench.storage.flipBit(name, 8 * 120);
  expect((await bench.repository.scrub({ secondsMax: 0 })).findings).toEqual([]);
  expect((await bench.repository.scrub()).findings).toEqual([]);
});

test("SC-5: what scrub found bad is stored again by the next archive, though nothing changed on the PC", async () => {
  for (const reopened of [false, true]) {
    const bench = await newBench();
    await bench.archive(FIRST);
    await damage(bench, "packs");
    await bench.repository.scrub();
    if (reopened) await bench.reopen();
    const healed = await bench.archive(FIRST);
    expect(healed.images[0]?.newBytes).toBe(3 * PAGE);
    expect(await bench.restored(healed)).toEqual(FIRST);
    const next = await bench.archive(FIRST);
    expect(next.images[0]?.newBytes).toBe(0);
    expect(await bench.restored(next)).toEqual(FIRST);
  }
});

test("SC-2: results that are damaged or lost are only forgotten", async () => {
  const bench = await newBench();
  await bench.archive(FIRST);
  await bench.repository.scrub();
  bench.storage.flipBit("scrub/results", 200);
  expect((await bench.repository.scrub({ secondsMax: 0 })).uncheckedPackCount).toBe(1);
  expect((await bench.repository.verify()).findings).toEqual([]);
});

test("SC-4: no faster than it was told, and stopped at once", async () => {
  const bench = await newBench();
  await bench.archive(FIRST);
  const { checkedBytes } = await bench.repository.scrub();
  const report = await bench.repository.scrub({ bytesPerSecond: 4 * checkedBytes });
  expect(report.seconds).toBeGreaterThan(0.2);
  const stop = new AbortController();
  const slow = bench.repository.scrub({ bytesPerSecond: 1, signal: stop.signal });
  setTimeout(() => stop.abort(), 20);
  await expect(slow).rejects.toMatchObject({ code: "job-cancelled" });
});
