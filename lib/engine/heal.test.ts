// Heal: what is still somewhere comes back under the ids it had, proved; what is not is told; nothing that could be read becomes
// unreadable. Crashes are in crash-upkeep.test.ts, chance in the simulation.
import { expect, test } from "vitest";
import { hashPage } from "#lib/page/page.ts";
import { openRepository } from "./repository.ts";
import { type Bench, joined, newBench, noise, PAGE, TEST_KEY } from "./test-bench.ts";
import type { SnapshotRecord } from "./types.ts";

const FIRST = joined(noise(2 * PAGE, 1), new Uint8Array(PAGE), noise(PAGE + 5000, 2));

function expectSame(actual: Uint8Array, expected: Uint8Array): void {
  expect(Buffer.compare(actual, expected)).toBe(0);
}

async function onlyPack(bench: Bench): Promise<string> {
  const files = await bench.storage.list("packs");
  expect(files).toHaveLength(1);
  return files[0]?.name ?? "";
}

async function packNames(bench: Bench): Promise<string[]> {
  return (await bench.storage.list("packs")).map(({ name }) => name);
}

async function expectAllWell(bench: Bench, records: readonly (readonly [SnapshotRecord, Uint8Array])[]) {
  const check = async () => {
    for (const [record, bytes] of records) expectSame(await bench.restored(record), bytes);
    expect((await bench.repository.verify()).findings).toEqual([]);
    expect((await bench.repository.scrub({ deep: true })).findings).toEqual([]);
    expect(await bench.repository.damagedSnapshots()).toEqual(new Set());
  };
  await check();
  await bench.reopen();
  await check();
  await bench.repository.rebuildIndex();
  await check();
  await bench.repository.collectGarbage();
  await check();
}

/** Each way a pack goes bad, and what makes the repository know. */
const WAYS: readonly (readonly [string, (bench: Bench, pack: string) => Promise<void>])[] = [
  [
    "a bit of its content flips",
    async (bench, pack) => {
      bench.storage.flipBit(pack, 8 * 3000);
      await bench.repository.scrub();
    },
  ],
  [
    "its footer cannot be read",
    async (bench, pack) => {
      const size = (await bench.storage.size(pack)) ?? 0;
      bench.storage.flipBit(pack, 8 * (size - 20));
      await bench.repository.close();
      await bench.storage.remove("index/cache");
      await bench.reopen();
    },
  ],
  [
    "somebody removes it",
    async (bench, pack) => {
      await bench.repository.close();
      await bench.storage.remove(pack);
      await bench.reopen();
    },
  ],
];

for (const [way, goBad] of WAYS) {
  test(`HL-1: ${way}; the PC is archived again; the old snapshots are whole again`, async () => {
    const bench = await newBench();
    const first = await bench.archive(FIRST);
    const pack = await onlyPack(bench);
    await goBad(bench, pack);
    await expect(bench.restored(first)).rejects.toMatchObject({ code: /pack-corrupt|pack-missing/ });
    const again = await bench.archive(FIRST);
    const plan = await bench.repository.heal({ isPlan: true });
    expect(plan).toMatchObject({ isPlan: true, lostBlockCount: 0, writtenBytes: 0, isIncomplete: false });
    expect(plan.packs).toMatchObject([{ file: pack, affected: [{ snapshotId: first.id }] }]);
    await expect(bench.restored(first)).rejects.toThrow();
    const report = await bench.repository.heal();
    expect(report).toMatchObject({ lostBlockCount: 0, regainedBlockCount: plan.regainedBlockCount });
    expect(report.packs).toMatchObject([{ file: pack, affected: [] }]);
    expect(await packNames(bench)).not.toContain(pack);
    await expectAllWell(bench, [
      [first, FIRST],
      [again, FIRST],
    ]);
    expect(await bench.repository.heal()).toMatchObject({ packs: [], regainedBlockCount: 0 });
  });
}

test("HL-2: of a page that is nowhere any more, what is not damaged itself comes back; the rest is told", async () => {
  const bench = await newBench();
  const old = await bench.archive(FIRST);
  const pack = await onlyPack(bench);
  bench.storage.flipBit(pack, 8 * 3000);
  await bench.repository.scrub();
  const changed = FIRST.slice();
  changed.set(noise(4096, 77), 3 * PAGE); // The page is another, all its other blocks are the same.
  const young = await bench.archive(changed);
  const report = await bench.repository.heal();
  // The damaged segment is all there was; by their digests its blocks were found in the young snapshot's, but for the one that changed.
  expect(report).toMatchObject({ lostBlockCount: 1 });
  expect(report.packs).toMatchObject([
    { file: pack, affected: [{ snapshotId: old.id, pageCount: 1, firstPages: [3] }] },
  ]);
  expect(await packNames(bench)).toContain(pack);
  await expect(bench.restored(old)).rejects.toMatchObject({ code: "pack-corrupt" });
  expectSame(await bench.restored(young), changed);
  // The PC gets the old content once more, and now all of it is there.
  await bench.archive(FIRST, "pc-02");
  expect(await bench.repository.heal()).toMatchObject({ lostBlockCount: 0 });
  await expectAllWell(bench, [
    [old, FIRST],
    [young, changed],
  ]);
});

test("HL-2: nothing is written when nothing can be regained, and what was readable stays so", async () => {
  const bench = await newBench();
  const lost = await bench.archive(FIRST);
  const pack = await onlyPack(bench);
  const kept = await bench.archive(noise(3 * PAGE, 9), "pc-02");
  await bench.repository.close();
  await bench.storage.remove(pack);
  await bench.reopen();
  const before = await packNames(bench);
  const report = await bench.repository.heal();
  expect(report).toMatchObject({ regainedBlockCount: 0, writtenBytes: 0 });
  expect(report.packs).toMatchObject([{ file: pack, affected: [{ snapshotId: lost.id }] }]);
  expect(await packNames(bench)).toEqual(before);
  expectSame(await bench.restored(kept), noise(3 * PAGE, 9));
});

test("HL-2: a manifest that cannot be read keeps every bad pack where it is", async () => {
  const bench = await newBench();
  const first = await bench.archive(FIRST);
  const [nodes] = await bench.storage.list("nodes");
  await bench.archive(noise(3 * PAGE, 9), "pc-02");
  const pack = (await packNames(bench))[0] ?? "";
  bench.storage.flipBit(nodes?.name ?? "", 8 * 120);
  bench.storage.flipBit(pack, 8 * 3000);
  await bench.reopen();
  await bench.repository.scrub();
  await bench.archive(FIRST);
  await bench.archive(noise(3 * PAGE, 9), "pc-02");
  const report = await bench.repository.heal();
  expect(report.isIncomplete).toBe(true);
  expect(await packNames(bench)).toContain(pack);
  expect(report.packs.find(({ file }) => file === nodes?.name)?.affected).toMatchObject([
    { snapshotId: first.id, pageCount: 5 },
  ]);
});

test("HL-1: who only reads is told the same plan, and may not heal", async () => {
  const bench = await newBench();
  const first = await bench.archive(FIRST);
  bench.storage.flipBit(await onlyPack(bench), 8 * 3000);
  await bench.repository.scrub();
  await bench.archive(FIRST, "pc-02");
  const plan = await bench.repository.heal({ isPlan: true });
  const reader = await openRepository({ storage: bench.storage.connect(), access: "read", threads: 0 });
  const { seconds, ...same } = await reader.heal({ isPlan: true });
  expect(same).toEqual({ ...plan, seconds: undefined });
  expect(seconds).toBeGreaterThan(0);
  expect(same.packs).toMatchObject([{ affected: [{ snapshotId: first.id }] }]);
  await expect(reader.heal()).rejects.toMatchObject({ code: "input-invalid" });
  await reader.close();
});

test("HL-1: packs that only a lost ledger called removed are called so again", async () => {
  const bench = await newBench();
  const first = await bench.archive(FIRST);
  const replaced = await onlyPack(bench);
  await bench.repository.reSegment(); // The snapshot still lists the pack that is gone now.
  await bench.repository.close();
  bench.storage.flipBit("ledger", 200);
  await bench.reopen();
  expect((await bench.repository.verify()).findings.map(({ file }) => file)).toContain(replaced);
  const report = await bench.repository.heal();
  expect(report).toMatchObject({ regainedBlockCount: 0, lostBlockCount: 0, isIncomplete: false });
  expect(report.packs.map(({ file }) => file)).toContain(replaced);
  await expectAllWell(bench, [[first, FIRST]]);
});

test("HL-1: a session that is open goes on; a bad pack it may be using stays until GC", async () => {
  const bench = await newBench();
  const first = await bench.archive(FIRST);
  const pack = await onlyPack(bench);
  const session = await bench.repository.beginArchive({ node: "pc-09" });
  const writer = await session.beginImage({ partition: "sda1", sizeBytes: PAGE });
  const page = noise(2 * PAGE, 1).subarray(0, PAGE);
  expect(writer.offer(0, hashPage(page))).toEqual([0]);
  await writer.put(0, page); // Found in the pack.
  bench.storage.flipBit(pack, 8 * 3000);
  await bench.repository.scrub();
  await bench.archive(FIRST, "pc-02");
  expect(await bench.repository.heal()).toMatchObject({ lostBlockCount: 0 });
  expect(await packNames(bench)).toContain(pack);
  await writer.finish();
  const record = await session.commit();
  expectSame(await bench.restored(record), page);
  await bench.repository.collectGarbage();
  expect(await packNames(bench)).not.toContain(pack);
  await expectAllWell(bench, [
    [first, FIRST],
    [record, page],
  ]);
});

test("HL-1: an encrypted repository heals, too, and a patched page from its whole donor", async () => {
  for (const key of [undefined, TEST_KEY]) {
    const bench = await newBench(4096, key === undefined ? {} : { key });
    const first = await bench.archive(FIRST);
    const pack = await onlyPack(bench);
    const patched = FIRST.slice();
    for (let at = 100; at < 2 * PAGE; at += 4096) patched.set([1, 2, 3], at);
    const second = await bench.archive(patched);
    await bench.repository.close();
    await bench.storage.remove(pack);
    await bench.reopen(key === undefined ? {} : { key });
    await bench.archive(patched, "pc-05");
    // The blocks below the patches are nowhere in the patched page.
    const partly = await bench.repository.heal();
    expect(partly.lostBlockCount).toBeGreaterThan(0);
    await bench.archive(FIRST, "pc-06");
    expect(await bench.repository.heal()).toMatchObject({ lostBlockCount: 0 });
    expectSame(await bench.restored(first), FIRST);
    expectSame(await bench.restored(second), patched);
    expect((await bench.repository.verify()).findings).toEqual([]);
  }
});

test("HL-1: a rewritten pack that cannot be opened stays until what it held is back", async () => {
  const bench = await newBench();
  const record = await bench.archive(FIRST);
  await bench.repository.reSegment({ level: 1 });
  const pack = await onlyPack(bench);
  const whole = (await bench.storage.readFile(pack)) ?? new Uint8Array();
  await bench.repository.close();
  await bench.storage.writeFile(pack, whole.slice(0, whole.length - 20));
  await bench.reopen();
  const { packs, lostBlockCount } = await bench.repository.heal();
  expect(lostBlockCount).toBeGreaterThan(0);
  expect(packs).toMatchObject([{ file: pack, regainedBlockCount: 0, affected: [{ snapshotId: record.id }] }]);
  expect(await packNames(bench)).toEqual([pack]);
  const again = await bench.archive(FIRST);
  expect(await bench.repository.heal()).toMatchObject({ lostBlockCount: 0 });
  expect(await packNames(bench)).not.toContain(pack);
  await expectAllWell(bench, [
    [record, FIRST],
    [again, FIRST],
  ]);
});
