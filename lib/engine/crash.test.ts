// The crash test: an archive is cut off at every single storage call there is, before the call's effect, after
// it and in its middle; each time the next process must find every committed snapshot intact, nothing to
// complain about, and be able to do the same archive again.
import { describe, expect, test } from "vitest";
import { Chance } from "#lib/model/chance.ts";
import { CodedError } from "#lib/model/errors.ts";
import { createRepository, openRepository } from "./repository.ts";
import { changedDisk, newDisk, sourceOf, targetOf } from "./simulation/disk.ts";
import { FAIL_WHENS, type FailWhen, type FaultyStorage, faultyStorage } from "./storage/faulty.ts";
import { type MemoryStorage, memoryStorage } from "./storage/memory.ts";
import type { Storage } from "./storage/storage.ts";
import type { Repository, SnapshotRecord } from "./types.ts";

const CALLS_MAX = 2000;
const TIMEOUT_MS = 120_000;

type Disks = Readonly<Record<string, Uint8Array>>;

/** The same luck in every run: call n of one run is call n of the next. */
function contents(): { first: Disks; second: Disks } {
  const chance = new Chance(20_260_101);
  const first = { sda1: newDisk(chance, 700_001), sda2: newDisk(chance, 300_032) };
  const changed = (bytes: Uint8Array) =>
    changedDisk(changedDisk(bytes, chance, []), chance, Object.values(first));
  return { first, second: { sda1: changed(first.sda1), sda2: changed(first.sda2) } };
}

const { first: FIRST, second: SECOND } = contents();

/** Every process has its own luck: the same again would make the same snapshot id again. */
let processCount = 0;

function open(storage: Storage): Promise<Repository> {
  processCount += 1;
  const clock = { nowMs: () => Date.UTC(2026, 0, 1) };
  return openRepository({
    storage,
    access: "write",
    threads: 0,
    clock,
    random: new Chance(processCount),
    owner: "crash test",
  });
}

async function archive(repository: Repository, disks: Disks): Promise<SnapshotRecord> {
  const session = await repository.beginArchive({ node: "pc-1" });
  try {
    for (const [partition, bytes] of Object.entries(disks)) {
      // The second partition by another technique: full at first, then as a diff.
      const technique = partition === "sda2" ? "diff" : "repository";
      await session.archiveSource({ partition, technique }, sourceOf(bytes));
    }
    return await session.commit();
  } catch (error) {
    await session.abort().catch(expectCoded);
    throw error;
  }
}

/** A repository with one committed snapshot, closed in order. */
async function repositoryWithOneSnapshot(): Promise<MemoryStorage> {
  const memory = memoryStorage();
  await createRepository({ storage: memory.connect(), blockSize: 512, random: new Chance(5) });
  const repository = await open(memory.connect());
  await archive(repository, FIRST);
  await repository.close();
  return memory;
}

async function callCountOf(work: (storage: FaultyStorage) => Promise<unknown>): Promise<number> {
  const storage = faultyStorage((await repositoryWithOneSnapshot()).connect());
  await work(storage);
  expect(storage.callCount).toBeLessThan(CALLS_MAX);
  return storage.callCount;
}

/** One process: open, archive, close. Answers the committed record, or null when it did not get there. */
async function oneProcess(storage: Storage): Promise<SnapshotRecord | null> {
  const repository = await open(storage).catch(coded);
  if (repository === null) return null;
  const committed = await archive(repository, SECOND).catch(coded);
  await repository.close().catch(coded);
  return committed;
}

/** Failures with a name are expected here, bugs are not. */
function coded(error: unknown): null {
  expectCoded(error);
  return null;
}

function expectCoded(error: unknown): void {
  if (!(error instanceof CodedError)) throw error;
}

async function expectIntact(
  repository: Repository,
  committed: SnapshotRecord | null,
  where: string,
): Promise<void> {
  const [one, two, ...others] = repository.snapshots();
  expect(one, where).toBeDefined();
  expect(others, where).toEqual([]);
  if (committed !== null) expect(two, where).toEqual(committed);
  if (one !== undefined) await expectRestores(repository, one, FIRST, where);
  if (two !== undefined) await expectRestores(repository, two, SECOND, where);
}

async function expectRestores(repository: Repository, snapshot: SnapshotRecord, disks: Disks, where: string) {
  expect(snapshot.images.map((image) => image.partition).sort(), where).toEqual(Object.keys(disks).sort());
  for (const [partition, bytes] of Object.entries(disks)) {
    const target = targetOf(new Uint8Array(bytes.length));
    await repository.restore(snapshot.id, partition, target);
    expect(Buffer.compare(target.bytes, bytes), where).toBe(0);
  }
}

async function expectClean(repository: Repository, where: string): Promise<void> {
  expect((await repository.verify()).findings, where).toEqual([]);
}

async function expectArchivesAgain(repository: Repository, where: string): Promise<void> {
  const again = await archive(repository, SECOND);
  await expectRestores(repository, again, SECOND, where);
}

function planFor(memory: MemoryStorage, failCall: number, failWhen: FailWhen, afterwards: "crash" | "go-on") {
  const chance = new Chance(failCall);
  const random = () => chance.float();
  return { failCall, failWhen, afterwards, random, onCrash: () => memory.crash(random) };
}

describe("an archive cut off at every storage call", () => {
  for (const when of FAIL_WHENS) {
    test(
      `COMMIT-1: after a crash ${when} (the effect of) call n every committed snapshot is intact`,
      async () => {
        const base = await repositoryWithOneSnapshot();
        const callCount = await callCountOf(oneProcess);
        for (let call = 1; call <= callCount; call++) {
          const where = `crash ${when} call ${call} of ${callCount}`;
          const memory = base.copy();
          const committed = await oneProcess(
            faultyStorage(memory.connect(), planFor(memory, call, when, "crash")),
          );
          const repository = await open(memory.connect());
          await expectIntact(repository, committed, where);
          await expectClean(repository, where);
          await expectArchivesAgain(repository, where);
          await repository.close();
        }
      },
      TIMEOUT_MS,
    );

    test(
      `SN-3: after one failure ${when} (the effect of) call n the same process goes on`,
      async () => {
        const base = await repositoryWithOneSnapshot();
        const callCount = await callCountOf(async (storage) => archive(await open(storage), SECOND));
        for (let call = 1; call <= callCount; call++) {
          await failOnceAndGoOn(base.copy(), call, when);
        }
      },
      TIMEOUT_MS,
    );
  }
});

async function failOnceAndGoOn(memory: MemoryStorage, call: number, when: FailWhen): Promise<void> {
  const where = `failure ${when} call ${call}`;
  const storage = faultyStorage(memory.connect(), planFor(memory, call, when, "go-on"));
  const repository = await open(storage).catch((error: unknown) => {
    expectCoded(error);
    return open(memory.connect());
  });
  const committed = await archive(repository, SECOND).catch((error: unknown) => expectCoded(error));
  await expectArchivesAgain(repository, where);
  await expectClean(repository, where);
  await repository.close();
  const next = await open(memory.connect());
  const snapshots = next.snapshots();
  expect(snapshots.length, where).toBeGreaterThanOrEqual(committed === undefined ? 2 : 3);
  for (const [index, snapshot] of snapshots.entries()) {
    await expectRestores(next, snapshot, index === 0 ? FIRST : SECOND, where);
  }
  await next.close();
}

test(
  "a repository whose creation was cut off at any call can be created again or opened",
  async () => {
    for (let call = 1; call < CALLS_MAX; call++) {
      for (const when of FAIL_WHENS) {
        const memory = memoryStorage();
        const storage = faultyStorage(memory.connect(), planFor(memory, call, when, "crash"));
        await createRepository({ storage, random: new Chance(5) }).catch(expectCoded);
        if (storage.callCount < call) return;
        await createRepository({ storage: memory.connect(), random: new Chance(6) }).catch(
          (error: unknown) => {
            if (!(error instanceof CodedError && error.code === "repository-exists")) throw error;
          },
        );
        const repository = await open(memory.connect());
        await expectArchivesAgain(repository, `creation, ${when} call ${call}`);
        await repository.close();
      }
    }
  },
  TIMEOUT_MS,
);

test(
  "SN-3: a disk that fills up at any write costs the archive, and nothing else; freed, the same archive succeeds",
  async () => {
    const base = await repositoryWithOneSnapshot();
    for (let fullFromWrite = 1; fullFromWrite < CALLS_MAX; fullFromWrite++) {
      const memory = base.copy();
      const storage = faultyStorage(memory.connect());
      const repository = await open(storage);
      storage.replan({ fullFromWrite });
      const outcome = await archive(repository, SECOND).catch((error: unknown) => error);
      const wasFull = storage.writeCount >= fullFromWrite;
      if (!wasFull) break;
      expect(outcome).toMatchObject({ code: "storage-full" });
      storage.free();
      await expectArchivesAgain(repository, `full from write ${fullFromWrite}`);
      await expectClean(repository, `full from write ${fullFromWrite}`);
      await repository.close();
    }
  },
  TIMEOUT_MS,
);
