// Heal cut off at every single storage call: what could be read still can be, and the next process heals to the end.
import { expect, test } from "vitest";
import { Chance } from "#lib/model/chance.ts";
import { CodedError } from "#lib/model/errors.ts";
import { createRepository, openRepository } from "./repository.ts";
import { FAIL_WHENS, type FailWhen, faultyStorage } from "./storage/faulty.ts";
import { type MemoryStorage, memoryStorage } from "./storage/memory.ts";
import type { Storage } from "./storage/storage.ts";
import { joined, noise, sourceOf, targetOf } from "./test-bench.ts";
import type { Repository } from "./types.ts";

const BYTES = joined(noise(20_480, 1), noise(4096, 2));
const TIMEOUT_MS = 120_000;

function open(storage: Storage): Promise<Repository> {
  return openRepository({ storage, access: "write", threads: 0 });
}

async function archive(repository: Repository, node: string): Promise<void> {
  const session = await repository.beginArchive({ node });
  await session.archiveSource({ partition: "sda1" }, sourceOf(BYTES));
  await session.commit();
}

/** One pack has rotted, another is gone; what they held was archived again. */
async function damagedBase(): Promise<MemoryStorage> {
  const memory = memoryStorage();
  await createRepository({ storage: memory.connect() });
  let repository = await open(memory.connect());
  await archive(repository, "old");
  const [rotten] = await memory.list("packs");
  memory.flipBit(rotten?.name ?? "", 8 * 1000);
  await repository.scrub();
  await archive(repository, "younger");
  const gone = (await memory.list("packs")).find(({ name }) => name !== rotten?.name);
  await repository.close();
  await memory.remove(gone?.name ?? "");
  repository = await open(memory.connect());
  await archive(repository, "youngest");
  await repository.close();
  return memory;
}

async function restores(repository: Repository, id: string): Promise<boolean> {
  const target = targetOf(new Uint8Array(BYTES.length));
  try {
    await repository.restore(id, "sda1", target);
  } catch (error) {
    if (error instanceof CodedError) return false;
    throw error;
  }
  expect(Buffer.compare(target.bytes, BYTES)).toBe(0);
  return true;
}

async function oneProcess(storage: Storage): Promise<void> {
  try {
    const repository = await open(storage);
    await repository.heal().catch(coded);
    await repository.close();
  } catch (error) {
    coded(error);
  }
}

function coded(error: unknown): void {
  if (!(error instanceof CodedError)) throw error;
}

function planFor(memory: MemoryStorage, failCall: number, failWhen: FailWhen, afterwards: "crash" | "go-on") {
  const chance = new Chance(failCall);
  const random = () => chance.float();
  return { failCall, failWhen, afterwards, random, onCrash: () => memory.crash(random) };
}

for (const when of FAIL_WHENS) {
  for (const afterwards of ["crash", "go-on"] as const) {
    test(
      `HL-3: ${afterwards} ${when} (the effect of) call n: nothing is lost, and the next process finishes`,
      async () => {
        const start = await damagedBase();
        const counting = faultyStorage(start.copy().connect());
        await oneProcess(counting);
        expect(counting.callCount).toBeGreaterThan(30);
        for (let call = 1; call <= counting.callCount; call++) {
          const where = `call ${call} of ${counting.callCount}`;
          const memory = start.copy();
          await oneProcess(faultyStorage(memory.connect(), planFor(memory, call, when, afterwards)));
          const repository = await open(memory.connect());
          const ids = repository.snapshots().map(({ id }) => id);
          expect(ids, where).toHaveLength(3);
          expect(await restores(repository, ids[2] ?? ""), where).toBe(true);
          expect(await repository.heal(), where).toMatchObject({ lostBlockCount: 0 });
          for (const id of ids) expect(await restores(repository, id), where).toBe(true);
          await repository.collectGarbage();
          expect((await repository.verify()).findings, where).toEqual([]);
          await repository.close();
          expect(await memory.list("tmp"), where).toEqual([]);
        }
      },
      TIMEOUT_MS,
    );
  }
}
