// Every single fault there can be in a whole life: the scenario below is played again and again, and each time another storage
// call is the one at which the process dies (before the call's effect, after it, in its middle), or from which on the disk
// is full. Afterwards the next process finds every committed snapshot whole and verify clean, and goes on to archive,
// prune and collect garbage.

import { Chance } from "#lib/model/chance.ts";
import { createRepository, openRepository } from "../repository.ts";
import { FAIL_WHENS, type FaultPlan, type FaultyStorage, faultyStorage } from "../storage/faulty.ts";
import { type MemoryStorage, memoryStorage } from "../storage/memory.ts";
import type { Storage } from "../storage/storage.ts";
import type { Repository, Technique } from "../types.ts";
import { changedDisk, newDisk, sourceOf, targetOf } from "./disk.ts";
import { claim } from "./model-repository.ts";
import { claimSame, outcomeOf } from "./world.ts";

export interface FaultRequest {
  /** 1: at every call; n: at every n-th. */
  readonly stride: number;
  readonly onFault?: (count: number) => void;
}

export interface FaultReport {
  /** Of the scenario without a fault. */
  readonly callCount: number;
  readonly crashCount: number;
  readonly fullCount: number;
  readonly restoredCount: number;
}

const DISK_BYTES = 60_000;
const CHANGES = 6;

/** Contents by number: each a little later than the one before. */
const DISKS: readonly Uint8Array[] = (() => {
  const chance = new Chance(31);
  const disks = [newDisk(chance, DISK_BYTES)];
  disks[0]?.set(chance.text(20_000), 4096);
  for (let count = 1; count < CHANGES; ) {
    const next = changedDisk(disks.at(-1) as Uint8Array, chance, []);
    if (next.length !== DISK_BYTES) continue;
    disks.push(next);
    count += 1;
  }
  return disks;
})();

/** What one life has told its judge. The comment of a snapshot is the number of its contents. */
interface Told {
  readonly committed: Set<string>;
  readonly leaving: Set<string>;
}

function open(storage: Storage): Promise<Repository> {
  return openRepository({ storage, access: "write", threads: 0 });
}

function diskOf(comment: string): Uint8Array {
  return DISKS[Number(comment)] as Uint8Array;
}

async function archive(repository: Repository, number: number, technique: Technique, told: Told | null) {
  const session = await repository.beginArchive({ node: "pc-1", comment: String(number), technique });
  try {
    await session.archiveSource({ partition: "sda1" }, sourceOf(diskOf(String(number))));
    const record = await session.commit();
    told?.committed.add(record.id);
    return record;
  } catch (error) {
    await outcomeOf(() => session.abort());
    throw error;
  }
}

/** Everything there is to do to a repository, once. */
async function wholeLife(storage: Storage, told: Told): Promise<void> {
  const repository = await open(storage);
  try {
    const first = await archive(repository, 0, "repository", told);
    await archive(repository, 1, "full", told);
    await archive(repository, 2, "diff", told);
    await twoAtOnce(repository, told);
    await repository.pin(first.id, "for a moment");
    await repository.scrub({ deep: true });
    await repository.unpin(first.id);
    told.leaving.add(first.id);
    await repository.prune({ snapshotIds: [first.id] });
    await repository.collectGarbage();
    await archive(repository, 5, "repository", told);
    await repository.rebuildIndex();
    await repository.verify();
    await repository.scrub();
  } finally {
    await repository.close();
  }
}

async function twoAtOnce(repository: Repository, told: Told): Promise<void> {
  const works = [archive(repository, 3, "repository", told), archive(repository, 4, "repository", told)];
  for (const end of await Promise.allSettled(works)) if (end.status === "rejected") throw end.reason;
}

/** The life on a faulty disk; what survives is judged. Answers how many images were restored. */
async function playFault(start: MemoryStorage, plan: FaultPlan, where: string): Promise<number> {
  const memory = start.copy();
  const chance = new Chance((plan.failCall ?? 0) + 1000 * (plan.fullFromWrite ?? 0));
  const random = () => chance.float();
  const storage = faultyStorage(memory.connect(), { ...plan, random, onCrash: () => memory.crash(random) });
  const told: Told = { committed: new Set(), leaving: new Set() };
  await outcomeOf(() => wholeLife(storage, told));
  // On a full disk the process ends by name; after a crash its last calls have come too late.
  const repository = await open(memory.connect());
  const restored = await judge(repository, told, where);
  await goOn(repository, where);
  await repository.close();
  return restored;
}

async function judge(repository: Repository, told: Told, where: string): Promise<number> {
  const listed = repository.snapshots();
  const ids = new Set(listed.map(({ id }) => id));
  for (const id of told.committed) {
    claim(ids.has(id) || told.leaving.has(id), `${where}: committed snapshot ${id} is lost`);
  }
  const { findings } = await repository.verify();
  claim(findings.length === 0, `${where}: verify finds ${JSON.stringify(findings)}`);
  for (const record of listed) {
    const target = targetOf(new Uint8Array(DISK_BYTES));
    await repository.restore(record.id, "sda1", target);
    claimSame(target.bytes, diskOf(record.comment), `${where}: ${record.id}`);
  }
  return listed.length;
}

async function goOn(repository: Repository, where: string): Promise<void> {
  const record = await archive(repository, CHANGES - 1, "repository", null);
  const target = targetOf(new Uint8Array(DISK_BYTES));
  await repository.restore(record.id, "sda1", target);
  claimSame(target.bytes, diskOf(record.comment), `${where}: the archive after it`);
  const report = await repository.collectGarbage();
  claim(report.isFinished, `${where}: GC did not finish`);
}

/** Throws at the first broken promise. */
export async function faultEverywhere({ stride, onFault }: FaultRequest): Promise<FaultReport> {
  const start = memoryStorage();
  await createRepository({ storage: start.connect(), blockSize: 512 });
  const { callCount, writeCount } = await countsOf(start);
  const report = { callCount, crashCount: 0, fullCount: 0, restoredCount: 0 };
  for (let failCall = 1; failCall <= callCount; failCall += stride) {
    for (const failWhen of FAIL_WHENS) {
      const where = `crash ${failWhen} call ${failCall} of ${callCount}`;
      report.restoredCount += await playFault(start, { failCall, failWhen, afterwards: "crash" }, where);
      report.crashCount += 1;
      onFault?.(report.crashCount);
    }
  }
  for (let fullFromWrite = 1; fullFromWrite <= writeCount; fullFromWrite += stride) {
    report.restoredCount += await playFault(start, { fullFromWrite }, `full from write ${fullFromWrite}`);
    report.fullCount += 1;
  }
  return report;
}

async function countsOf(start: MemoryStorage): Promise<Pick<FaultyStorage, "callCount" | "writeCount">> {
  const storage = faultyStorage(start.copy());
  await wholeLife(storage, { committed: new Set(), leaving: new Set() });
  return { callCount: storage.callCount, writeCount: storage.writeCount };
}
