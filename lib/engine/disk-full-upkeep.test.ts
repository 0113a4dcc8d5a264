// The disk is full from any one write on while packs are rewritten: nothing is lost, nothing is left under tmp/, the error has a
// name and a hint, and the next run, with space, finishes.
import { expect, test } from "vitest";
import { CodedError } from "#lib/model/errors.ts";
import { createRepository, openRepository, type Storage } from "./repository.ts";
import { faultyStorage } from "./storage/faulty.ts";
import { type MemoryStorage, memoryStorage } from "./storage/memory.ts";
import { joined, noise, sourceOf, targetOf } from "./test-bench.ts";
import type { Repository } from "./types.ts";

const GOES = noise(81_920, 1);
const STAYS = noise(20_480, 2);
/** Needs a part of what goes: its pack is rewritten. */
const RAGGED = joined(noise(4096, 3), GOES.subarray(0, 20_480));
const CONTENTS: ReadonlyMap<string, Uint8Array> = new Map([
  ["goes", GOES],
  ["stays", STAYS],
  ["ragged", RAGGED],
]);

function open(storage: Storage): Promise<Repository> {
  return openRepository({ storage, access: "write", threads: 0 });
}

async function raggedBase(): Promise<MemoryStorage> {
  const memory = memoryStorage();
  await createRepository({ storage: memory.connect() });
  const repository = await open(memory.connect());
  for (const [node, bytes] of CONTENTS) {
    const session = await repository.beginArchive({ node });
    await session.archiveSource({ partition: "sda1" }, sourceOf(bytes));
    await session.commit();
  }
  const goes = repository.snapshots().filter(({ node }) => node === "goes");
  await repository.prune({ snapshotIds: goes.map(({ id }) => id) });
  await repository.close();
  return memory;
}

async function expectSound(repository: Repository, where: string): Promise<void> {
  expect((await repository.verify()).findings, where).toEqual([]);
  expect(
    repository.snapshots().map(({ node }) => node),
    where,
  ).toEqual(["stays", "ragged"]);
  for (const { id, node } of repository.snapshots()) {
    const bytes = CONTENTS.get(node) ?? GOES;
    const target = targetOf(new Uint8Array(bytes.length));
    await repository.restore(id, "sda1", target);
    expect(Buffer.compare(target.bytes, bytes), where).toBe(0);
  }
}

type Work = (repository: Repository) => Promise<{ readonly isFinished: boolean }>;

/** Plays `work` with a full disk from write 1, 2, 3, … on; answers how many writes it has. */
async function fullFromEveryWrite(work: Work): Promise<number> {
  const start = await raggedBase();
  for (let write = 1; ; write++) {
    const where = `full from write ${write} on`;
    const memory = start.copy();
    const storage = faultyStorage(memory.connect());
    const repository = await open(storage);
    storage.replan({ fullFromWrite: write });
    const outcome = await work(repository).catch((error: unknown) => error);
    if (storage.writeCount < write) {
      expect(outcome, where).toMatchObject({ isFinished: true });
      await repository.close();
      return write - 1;
    }
    if (outcome instanceof CodedError) {
      expect(outcome, where).toMatchObject({ code: "storage-full" });
      expect(outcome.hint, where).toBeTruthy();
    } else {
      expect(outcome, where).toMatchObject({ isFinished: false });
    }
    expect(await memory.connect().list("tmp"), where).toEqual([]);
    await expectSound(repository, where);
    storage.free();
    expect(await work(repository), where).toMatchObject({ isFinished: true });
    await repository.collectGarbage();
    expect(await repository.planGc(), where).toMatchObject({ deadPackCount: 0, repackPackCount: 0 });
    await expectSound(repository, where);
    await repository.close();
    const next = await open(memory.connect());
    await expectSound(next, where);
    await next.close();
  }
}

test("RP-5: a disk that fills up while GC rewrites packs costs nothing, and the next run finishes", async () => {
  expect(await fullFromEveryWrite((repository) => repository.collectGarbage())).toBeGreaterThan(5);
});

test("RP-5: a disk that fills up while packs are re-segmented costs nothing, and the next run finishes", async () => {
  expect(await fullFromEveryWrite((repository) => repository.reSegment())).toBeGreaterThan(2);
});
