// Prune, pins and GC: what may go, what must stay, and what is told. Crashes and interleavings have files of their own.
import { expect, test } from "vitest";
import { createRepository, openRepository } from "./repository.ts";
import { faultyStorage } from "./storage/faulty.ts";
import { memoryStorage } from "./storage/memory.ts";
import { type Bench, changed, joined, newBench, noise, PAGE, sourceOf } from "./test-bench.ts";
import { renewReserve } from "./upkeep/reserve.ts";

const OLD = noise(4 * PAGE, 1);
const NEW = noise(4 * PAGE, 2);

async function packNames(bench: Bench): Promise<string[]> {
  const files = [...(await bench.storage.list("packs")), ...(await bench.storage.list("nodes"))];
  return files.map(({ name }) => name);
}

async function expectSound(bench: Bench): Promise<void> {
  expect((await bench.repository.verify()).findings).toEqual([]);
}

/** Two snapshots with nothing in common, the first one pruned. */
async function prunedBench(): Promise<Bench> {
  const bench = await newBench();
  const old = await bench.archive(OLD);
  await bench.archive(NEW);
  await bench.repository.prune({ snapshotIds: [old.id] });
  return bench;
}

test("PR-1: prune removes the snapshot and not one pack", async () => {
  const bench = await newBench();
  const old = await bench.archive(OLD);
  const kept = await bench.archive(NEW);
  const packs = await packNames(bench);
  expect(await bench.repository.prune({ snapshotIds: [old.id] })).toEqual({ removedIds: [old.id] });
  expect(await packNames(bench)).toEqual(packs);
  await bench.reopen();
  expect(bench.repository.snapshots().map(({ id }) => id)).toEqual([kept.id]);
  await expectSound(bench);
});

test("PR-2: sequence numbers and ids are not handed out again when the newest snapshot was pruned", async () => {
  const bench = await newBench();
  const kept = await bench.archive(OLD);
  const newest = await bench.archive(NEW, "pc-02");
  await bench.repository.prune({ snapshotIds: [newest.id] });
  await bench.repository.collectGarbage();
  await bench.reopen();
  const next = await bench.archive(noise(PAGE, 3), "pc-03");
  expect(next.sequence).toBe(newest.sequence + 1);
  const file = Buffer.from((await bench.storage.readFile(`snapshots/000000000003-${next.id}.json`)) ?? []);
  const content = JSON.parse(file.toString().split("\n").slice(1, -2).join("\n")) as {
    packs: { kind: string; firstId: number }[];
    nextBlockId: number;
  };
  // 4 pages of 64 blocks each in kept and in the pruned one.
  const first = content.packs.find(({ kind }) => kind === "data")?.firstId ?? 0;
  expect(first).toBeGreaterThanOrEqual(2 * 4 * 64);
  expect(await bench.restored(kept)).toEqual(OLD);
});

test("PR-3: a pinned snapshot is not pruned, also by the next process, and then is", async () => {
  const bench = await newBench();
  const old = await bench.archive(OLD);
  await bench.archive(NEW);
  await bench.repository.pin(old.id, "master for the exam");
  await bench.reopen();
  expect(bench.repository.pins().get(old.id)?.reason).toBe("master for the exam");
  await expect(bench.repository.prune({ snapshotIds: [old.id] })).rejects.toMatchObject({
    code: "snapshot-pinned",
    message: expect.stringContaining("master for the exam"),
  });
  expect(await bench.repository.unpin(old.id)).toBe(true);
  expect(await bench.repository.unpin(old.id)).toBe(false);
  await bench.repository.prune({ snapshotIds: [old.id] });
  expect(bench.repository.snapshots()).toHaveLength(1);
});

test("PR-3: a pin that cannot be read still pins, and verify names it", async () => {
  const bench = await newBench();
  const old = await bench.archive(OLD);
  await bench.repository.pin(old.id, "keep");
  bench.storage.flipBit(`pins/${old.id}.json`, 400);
  await bench.reopen();
  await expect(bench.repository.prune({ snapshotIds: [old.id] })).rejects.toMatchObject({
    code: "snapshot-pinned",
  });
  const { findings } = await bench.repository.verify();
  expect(findings.map(({ file }) => file)).toEqual([`pins/${old.id}.json`]);
});

test("PR-4: one refused snapshot keeps the others of the same request", async () => {
  const bench = await newBench();
  const one = await bench.archive(OLD);
  const two = await bench.archive(NEW);
  await bench.archive(NEW);
  await bench.repository.pin(two.id, "keep");
  await expect(bench.repository.prune({ snapshotIds: [one.id, two.id] })).rejects.toThrow();
  expect(bench.repository.snapshots()).toHaveLength(3);
});

test("PR-5: a snapshot that is read, restored or archived against is refused until that has ended", async () => {
  const bench = await newBench();
  const old = await bench.archive(OLD);
  const prune = () => bench.repository.prune({ snapshotIds: [old.id] });
  const reader = await bench.repository.openImage(old.id, "sda1");
  await expect(prune()).rejects.toMatchObject({ code: "snapshot-in-use", retry: "later" });
  reader.close();
  const session = await bench.repository.beginArchive({ node: "pc-01" });
  await expect(prune()).rejects.toMatchObject({ code: "snapshot-in-use" });
  await session.abort();
  await prune();
  expect(bench.repository.snapshots()).toEqual([]);
});

test("PR-7: the base of a diff that stays is refused by name; together they go, and without it nothing is lost", async () => {
  const bench = await newBench();
  const base = await bench.archive(OLD);
  const session = await bench.repository.beginArchive({ node: "pc-01", technique: "diff" });
  await session.archiveSource({ partition: "sda1" }, sourceOf(NEW));
  const diff = await session.commit();
  const last = await bench.archive(NEW);
  const prune = (...snapshotIds: string[]) => bench.repository.prune({ snapshotIds });
  await expect(prune(base.id)).rejects.toMatchObject({
    code: "snapshot-is-base",
    message: expect.stringContaining(diff.id),
  });
  expect(bench.repository.snapshots()).toHaveLength(3);
  await prune(base.id, diff.id);
  await bench.repository.collectGarbage();
  expect(await bench.restored(last)).toEqual(NEW);
  await expectSound(bench);
});

test("PR-5: a snapshot named as base is held from the archive's beginning", async () => {
  const bench = await newBench();
  const base = await bench.archive(OLD, "master");
  await bench.archive(NEW, "master");
  const session = await bench.repository.beginArchive({ node: "pc-01", technique: "diff", base: base.id });
  const prune = () => bench.repository.prune({ snapshotIds: [base.id] });
  await expect(prune()).rejects.toMatchObject({ code: "snapshot-in-use" });
  await session.abort();
  await prune();
});

test("GC-1: packs that nothing needs are gone, and what is needed is there", async () => {
  const bench = await prunedBench();
  const before = await packNames(bench);
  const report = await bench.repository.collectGarbage();
  const after = await packNames(bench);
  expect(before).toHaveLength(4);
  expect(after).toHaveLength(2);
  expect(report).toMatchObject({ removedPackCount: 2, isFinished: true });
  expect(report.freedBytes).toBe(report.plan?.deadPackBytes);
  expect(report.freedBytes).toBeGreaterThan(OLD.length / 3);
  await expectSound(bench);
  await bench.reopen();
  await expectSound(bench);
  const [kept] = bench.repository.snapshots();
  if (kept === undefined) throw new Error("nothing kept");
  expect(await bench.restored(kept)).toEqual(NEW);
});

test("GC-1: without anything to free GC changes no file", async () => {
  const bench = await newBench();
  await bench.archive(OLD);
  await bench.archive(changed(OLD, 5));
  const before = await bench.storage.list("");
  const report = await bench.repository.collectGarbage();
  expect(report).toMatchObject({ removedPackCount: 0, freedBytes: 0, isFinished: true });
  expect(await bench.storage.list("")).toEqual(before);
});

test("GC-1: what was freed is stored again when it comes again, with and without the index cache", async () => {
  for (const withCache of [true, false]) {
    const bench = await prunedBench();
    await bench.repository.collectGarbage();
    if (withCache) await bench.reopen();
    const again = await bench.archive(OLD, "pc-07");
    expect(again.images[0]?.newBytes).toBe(OLD.length);
    expect(await bench.restored(again)).toEqual(OLD);
    await bench.reopen();
    await expectSound(bench);
  }
});

test("GC-1: blocks shared with a snapshot that stays are kept", async () => {
  const bench = await newBench();
  const old = await bench.archive(OLD);
  const kept = await bench.archive(joined(OLD.subarray(0, PAGE), NEW), "pc-02");
  await bench.repository.prune({ snapshotIds: [old.id] });
  const plan = await bench.repository.planGc();
  expect(plan.mixedDeadBytes).toBeGreaterThan(0);
  await bench.repository.collectGarbage();
  expect(await bench.restored(kept)).toEqual(joined(OLD.subarray(0, PAGE), NEW));
  await expectSound(bench);
});

test("GC-2: a pack an open session has deduplicated against stays until that session has ended", async () => {
  const bench = await prunedBench();
  const session = await bench.repository.beginArchive({ node: "pc-09" });
  await session.archiveSource({ partition: "sda1" }, sourceOf(OLD));
  // Its data pack is used; the old manifest's leaf, being of equal bytes, too.
  const during = await bench.repository.collectGarbage();
  expect(during).toMatchObject({ removedPackCount: 0, plan: { deadPackCount: 0, inUsePackCount: 2 } });
  const record = await session.commit();
  expect(record.images[0]?.newBytes).toBe(0);
  await bench.repository.collectGarbage();
  expect(await bench.restored(record)).toEqual(OLD);
  await expectSound(bench);
});

test("GC-2: a session that began later and used nothing holds nothing up", async () => {
  const bench = await prunedBench();
  const session = await bench.repository.beginArchive({ node: "pc-09" });
  const report = await bench.repository.collectGarbage();
  expect(report.removedPackCount).toBe(2);
  await session.archiveSource({ partition: "sda1" }, sourceOf(OLD));
  const record = await session.commit();
  expect(await bench.restored(record)).toEqual(OLD);
});

test("GC-3: what an aborted archive left is freed, once no session is open that may use it", async () => {
  const bench = await newBench();
  const other = await bench.repository.beginArchive({ node: "pc-02" });
  const session = await bench.repository.beginArchive({ node: "pc-01" });
  await session.archiveSource({ partition: "sda1" }, sourceOf(OLD));
  await session.abort();
  await bench.repository.collectGarbage();
  await other.abort();
  await bench.reopen();
  expect(await packNames(bench)).toHaveLength(1);
  await bench.repository.collectGarbage();
  expect(await packNames(bench)).toEqual([]);
  await bench.archive(OLD);
  await expectSound(bench);
});

test("GC-4: the budget bounds a run, and the next one goes on", async () => {
  const bench = await newBench();
  const ids: string[] = [];
  for (const seed of [1, 2, 3]) ids.push((await bench.archive(noise(PAGE, seed), `pc-${seed}`)).id);
  await bench.repository.prune({ snapshotIds: ids });
  let runs = 0;
  for (let finished = false; !finished; runs++) {
    const report = await bench.repository.collectGarbage({ bytesMax: 1 });
    expect(report.removedPackCount).toBe(1);
    finished = report.isFinished;
  }
  expect(runs).toBe(6);
  expect(await packNames(bench)).toEqual([]);
  const outOfTime = await bench.repository.collectGarbage({ secondsMax: 0 });
  expect(outOfTime.removedPackCount).toBe(0);
});

test("GC-5: GC frees nothing while a snapshot or a manifest cannot be read", async () => {
  const bench = await prunedBench();
  const [snapshot] = await bench.storage.list("snapshots");
  if (snapshot === undefined) throw new Error("no snapshot");
  bench.storage.flipBit(snapshot.name, 99);
  await bench.reopen();
  await expect(bench.repository.collectGarbage()).rejects.toMatchObject({ code: "snapshot-corrupt" });
  bench.storage.flipBit(snapshot.name, 99);
  for (const file of await bench.storage.list("nodes")) bench.storage.flipBit(file.name, 8 * 100);
  await bench.reopen();
  await expect(bench.repository.collectGarbage()).rejects.toMatchObject({ code: "pack-corrupt" });
  expect(await packNames(bench)).toHaveLength(4);
});

test("GC-6: a pack that cannot be read is left where it is: what lies in it is unknown", async () => {
  const bench = await prunedBench();
  await bench.reopen();
  for (const { name, sizeBytes } of await bench.storage.list("packs")) {
    bench.storage.flipBit(name, 8 * sizeBytes - 1);
  }
  await bench.repository.close();
  await bench.storage.remove("index/cache");
  await bench.reopen();
  await bench.repository.collectGarbage();
  expect(await bench.storage.list("packs")).toHaveLength(2);
});

test("GC-7: a full disk can still be emptied: the reserve is given up first", async () => {
  const memory = memoryStorage();
  await createRepository({ storage: memory, reserveBytes: 100_000 });
  expect(await memory.size("reserve")).toBe(100_000);
  const disk = faultyStorage(memory.connect());
  const storage = {
    ...bound(disk),
    remove: async (name: string) => {
      await disk.remove(name);
      if (name === "reserve") disk.free();
    },
  };
  const repository = await openRepository({ storage, access: "write", threads: 0 });
  const session = await repository.beginArchive({ node: "pc-01" });
  await session.archiveSource({ partition: "sda1" }, sourceOf(OLD));
  const record = await session.commit();
  disk.fill();
  await repository.prune({ snapshotIds: [record.id] });
  expect(await memory.size("reserve")).toBeNull();
  expect((await repository.collectGarbage()).removedPackCount).toBe(2);
  // There is room again, and so is the reserve; nothing is left that speaks of it.
  expect(await memory.size("reserve")).toBe(100_000);
  expect(await memory.size("reserve-wanted")).toBeNull();
  await repository.close();
});

test("GC-7: a reserve given up stays wanted over a restart, and is not made on a disk that is still full", async () => {
  const memory = memoryStorage();
  await createRepository({ storage: memory, reserveBytes: 100_000 });
  await memory.remove("reserve");
  await memory.writeFile("reserve-wanted", new TextEncoder().encode("100000"));
  const full = faultyStorage(memory.connect());
  const first = await openRepository({ storage: memory.connect(), access: "read", threads: 0 });
  expect(await memory.size("reserve"), "a reader makes none").toBeNull();
  await first.close();
  full.fill();
  await renewReserve(full);
  expect(await memory.size("reserve")).toBeNull();
  expect(await memory.size("reserve-wanted")).toBe(6);
  const second = await openRepository({ storage: memory.connect(), access: "write", threads: 0 });
  expect(await memory.size("reserve")).toBe(100_000);
  await second.close();
});

test.each(["", "-5", "99999999999999", "0x10", "4096 and more"])(
  "a note of %j reserves nothing",
  async (note) => {
    const memory = memoryStorage();
    await memory.writeFile("reserve-wanted", new TextEncoder().encode(note));
    await renewReserve(memory);
    expect(await memory.size("reserve")).toBeNull();
    expect(await memory.size("reserve-wanted")).toBeNull();
  },
);

/** The methods of a storage as own properties, so that one can be put in place of another. */
function bound(storage: ReturnType<typeof faultyStorage>) {
  return {
    description: storage.description,
    list: storage.list.bind(storage),
    readFile: storage.readFile.bind(storage),
    readAt: storage.readAt.bind(storage),
    size: storage.size.bind(storage),
    createFile: storage.createFile.bind(storage),
    writeFile: storage.writeFile.bind(storage),
    createExclusive: storage.createExclusive.bind(storage),
    remove: storage.remove.bind(storage),
    close: storage.close.bind(storage),
  };
}

test("a reader in another process plans GC but may not do it", async () => {
  const bench = await prunedBench();
  const reader = await openRepository({ storage: bench.storage.connect(), access: "read", threads: 0 });
  expect((await reader.planGc()).deadPackCount).toBe(2);
  await expect(reader.collectGarbage()).rejects.toMatchObject({ code: "input-invalid" });
  await expect(reader.prune({ snapshotIds: [] })).rejects.toMatchObject({ code: "input-invalid" });
  await reader.close();
});

test("VF-1: a damaged ledger is named, opens all the same, and is written anew by the next prune", async () => {
  const bench = await prunedBench();
  bench.storage.flipBit("ledger", 300);
  expect((await bench.repository.verify()).findings.map(({ file }) => file)).toEqual(["ledger"]);
  await bench.reopen();
  expect((await bench.repository.verify()).findings.map(({ file }) => file)).toEqual(["ledger"]);
  await bench.repository.collectGarbage();
  await expectSound(bench);
});

test("GC says how far its marking is, over the bytes of all snapshots", async () => {
  const bench = await newBench();
  await bench.archive(OLD);
  await bench.archive(NEW, "pc-02");
  const seen: number[] = [];
  await bench.repository.collectGarbage({
    onProgress: ({ doneBytes, totalBytes }) => {
      expect(totalBytes).toBe(OLD.length + NEW.length);
      seen.push(doneBytes);
    },
  });
  expect(seen).toHaveLength(2);
  expect(seen.at(-1)).toBe(OLD.length + NEW.length);
});
