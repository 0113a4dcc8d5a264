// Prune and GC cut off at every single storage call: what was not pruned restores, what was pruned is there or not, and the
// next process finishes the work and finds nothing to complain about.
import { describe, expect, test } from "vitest";
import { Chance } from "#lib/model/chance.ts";
import { CodedError } from "#lib/model/errors.ts";
import { createRepository, openRepository } from "./repository.ts";
import { FAIL_WHENS, type FailWhen, faultyStorage } from "./storage/faulty.ts";
import { type MemoryStorage, memoryStorage } from "./storage/memory.ts";
import type { Storage } from "./storage/storage.ts";
import { joined, noise, sourceOf, targetOf } from "./test-bench.ts";
import type { Repository, SnapshotRecord } from "./types.ts";

const SIZE = 20_480;
const GOES = noise(SIZE, 1);
const STAYS = joined(noise(SIZE, 2), GOES.subarray(0, 4096));
/** Shares blocks with what goes, here and there: its packs are needed in part. */
const RAGGED = joined(noise(4096, 4), GOES.subarray(4096, 8192), GOES.subarray(12_288, 16_384));
const NEXT = joined(GOES, noise(4096, 3));
const CONTENTS: ReadonlyMap<string, Uint8Array> = new Map([
  ["goes", GOES],
  ["stays", STAYS],
  ["ragged", RAGGED],
  ["next", NEXT],
]);
const TIMEOUT_MS = 120_000;

function open(storage: Storage): Promise<Repository> {
  return openRepository({ storage, access: "write", threads: 0 });
}

async function archive(repository: Repository, node: string): Promise<SnapshotRecord> {
  const session = await repository.beginArchive({ node });
  try {
    await session.archiveSource({ partition: "sda1" }, sourceOf(CONTENTS.get(node) ?? GOES));
    return await session.commit();
  } catch (error) {
    await session.abort();
    throw error;
  }
}

async function base(): Promise<MemoryStorage> {
  const memory = memoryStorage();
  await createRepository({ storage: memory.connect() });
  const repository = await open(memory.connect());
  await archive(repository, "stays");
  await archive(repository, "goes");
  await archive(repository, "ragged");
  await repository.close();
  return memory;
}

/** One process: prunes, frees, rewrites, archives again what it has just freed, frees once more. */
async function oneProcess(storage: Storage): Promise<void> {
  const repository = await open(storage).catch(coded);
  if (repository === null) return;
  try {
    await upkeep(repository);
    await archive(repository, "next");
    await repository.collectGarbage();
  } catch (error) {
    coded(error);
  }
  await repository.close().catch(coded);
}

/** Prune, GC, and GC once more with all that is left compressed anew: packs are rewritten both ways. */
async function upkeep(repository: Repository): Promise<void> {
  const gone = repository.snapshots().filter(({ node }) => node === "goes");
  for (const { id } of gone) await repository.unpin(id);
  for (const { id } of gone) await repository.pin(id, "for a moment");
  for (const { id } of gone) await repository.unpin(id);
  await repository.prune({ snapshotIds: gone.map(({ id }) => id) });
  await repository.collectGarbage();
  await repository.reSegment();
}

/** Failures with a name are expected here, bugs are not. */
function coded(error: unknown): null {
  if (!(error instanceof CodedError)) throw error;
  return null;
}

async function expectSound(repository: Repository, where: string): Promise<void> {
  expect((await repository.verify()).findings, where).toEqual([]);
  expect(repository.snapshots()[0]?.node, where).toBe("stays");
  for (const { id, node } of repository.snapshots()) {
    const bytes = CONTENTS.get(node) ?? GOES;
    const target = targetOf(new Uint8Array(bytes.length));
    await repository.restore(id, "sda1", target);
    expect(Buffer.compare(target.bytes, bytes), where).toBe(0);
  }
}

async function expectFinishes(repository: Repository, where: string): Promise<void> {
  await upkeep(repository);
  expect(
    repository.snapshots().some(({ node }) => node === "goes"),
    where,
  ).toBe(false);
  const report = await repository.collectGarbage();
  expect(report.plan?.deadPackCount, where).toBe(0);
  expect(report.plan?.repackPackCount, where).toBe(0);
  expect(report.isFinished, where).toBe(true);
  await archive(repository, "next");
  await expectSound(repository, where);
}

async function callCount(): Promise<number> {
  const storage = faultyStorage((await base()).connect());
  await oneProcess(storage);
  return storage.callCount;
}

function planFor(memory: MemoryStorage, failCall: number, failWhen: FailWhen, afterwards: "crash" | "go-on") {
  const chance = new Chance(failCall);
  const random = () => chance.float();
  return { failCall, failWhen, afterwards, random, onCrash: () => memory.crash(random) };
}

describe("prune and GC cut off at every storage call", () => {
  for (const when of FAIL_WHENS) {
    test(
      `GC-8: after a crash ${when} (the effect of) call n nothing is lost and the next process finishes`,
      async () => {
        const start = await base();
        const calls = await callCount();
        expect(calls).toBeGreaterThan(50);
        for (let call = 1; call <= calls; call++) {
          const where = `crash ${when} call ${call} of ${calls}`;
          const memory = start.copy();
          await oneProcess(faultyStorage(memory.connect(), planFor(memory, call, when, "crash")));
          const repository = await open(memory.connect());
          await expectSound(repository, where);
          await expectFinishes(repository, where);
          await repository.close();
        }
      },
      TIMEOUT_MS,
    );

    test(
      `GC-8: after one failure ${when} (the effect of) call n the same process goes on`,
      async () => {
        const start = await base();
        const calls = await callCount();
        for (let call = 1; call <= calls; call++) {
          const where = `failure ${when} call ${call} of ${calls}`;
          const memory = start.copy();
          const storage = faultyStorage(memory.connect());
          const repository = await open(storage);
          storage.replan(planFor(memory, call, when, "go-on"));
          await upkeep(repository).catch(coded);
          await archive(repository, "next").catch(coded);
          await repository.collectGarbage().catch(coded);
          storage.replan({});
          await expectFinishes(repository, where);
          await repository.close();
          const next = await open(memory.connect());
          await expectSound(next, where);
          await next.close();
        }
      },
      TIMEOUT_MS,
    );
  }
});
