// Every order in which an archive's steps and those of prune and GC can meet: begin, deduplicate, commit; ledger, snapshot file,
// mark, condemn, rewrite, replace, delete. Whatever the order, what was committed restores, and in the end nothing dead is left.
//
// The engine itself runs, not a model of it. Each storage call that a step consists of waits for the schedule; schedules
// are enumerated, depth first, until there is none left. Calls that nobody else can see or be hurt by do not wait: reading
// the lock, growing a file under tmp/, and all but the first read of one file by the same actor.
import { AsyncLocalStorage } from "node:async_hooks";
import { expect, test } from "vitest";
import { CodedError } from "#lib/model/errors.ts";
import { createRepository, openRepository } from "./repository.ts";
import { type MemoryStorage, memoryStorage } from "./storage/memory.ts";
import type { Storage } from "./storage/storage.ts";
import { joined, noise, sourceOf, targetOf } from "./test-bench.ts";
import type { ArchiveSession, Repository, SnapshotRecord } from "./types.ts";

const SIZE = 20_480;
const OLD = noise(SIZE, 1);
const STAYS = noise(SIZE, 2);
/** Half of it is pc-1's: when that is pruned, its pack is needed in part. */
const HALF = joined(OLD.subarray(0, 8192), noise(SIZE - 8192, 4));
const FRESH = noise(SIZE, 3);
const TIMEOUT_MS = 300_000;

class Actor {
  #resume: (() => void) | null = null;
  #stopped: () => void = () => undefined;
  isDone = false;

  /** Called inside the actor's work: waits for its turn. */
  pause(): Promise<void> {
    const turn = new Promise<void>((resolve) => {
      this.#resume = resolve;
    });
    this.#stopped();
    return turn;
  }

  /** Runs until the next pause or the end. */
  step(): Promise<void> {
    const stopped = new Promise<void>((resolve) => {
      this.#stopped = resolve;
    });
    this.#resume?.();
    return stopped;
  }

  start(work: () => Promise<void>): Promise<void> {
    const whole = current.run(this, async () => {
      await this.pause();
      try {
        await work();
      } finally {
        this.isDone = true;
        this.#stopped();
      }
    });
    return whole;
  }
}

const current = new AsyncLocalStorage<Actor>();

/** The steps that others can see or be hurt by. Reading the lock is none, nor the index cache, which nobody here writes before all
 *  have ended; of a file's reads the first stands for all. */
function scheduled(inner: Storage): Storage {
  const seen = new Map<Actor, Set<string>>();
  const turn = async (what: string) => {
    const actor = current.getStore();
    if (actor === undefined) return;
    const before = seen.get(actor) ?? new Set();
    seen.set(actor, before);
    if (before.has(what)) return;
    if (what.startsWith("read ")) before.add(what);
    await actor.pause();
  };
  const after = async <Value>(what: string, work: () => Promise<Value>) => {
    await turn(what);
    return work();
  };
  return {
    description: inner.description,
    list: (folder) => inner.list(folder),
    readFile: (name) => inner.readFile(name),
    readAt: (name, at, into) => {
      const read = () => inner.readAt(name, at, into);
      return name.startsWith("index/") ? read() : after(`read ${name}`, read);
    },
    size: (name) => inner.size(name),
    createFile: () => inner.createFile(),
    writeFile: (name, bytes) => after(`write ${name}`, () => inner.writeFile(name, bytes)),
    createExclusive: (name, bytes) => inner.createExclusive(name, bytes),
    remove: (name) => after(`remove ${name}`, () => inner.remove(name)),
    close: () => inner.close(),
  };
}

/** Two snapshots without a common block, closed in order, so that nothing is in memory. */
async function base(): Promise<{ disk: MemoryStorage; oldId: string }> {
  const disk = memoryStorage();
  await createRepository({ storage: disk.connect() });
  const repository = await open(disk.connect());
  const old = await archived(await repository.beginArchive({ node: "pc-1" }), OLD);
  await archived(await repository.beginArchive({ node: "pc-2" }), STAYS);
  await repository.close();
  return { disk, oldId: old.id };
}

function open(storage: Storage): Promise<Repository> {
  return openRepository({ storage, access: "write", threads: 0 });
}

async function archived(session: ArchiveSession, bytes: Uint8Array): Promise<SnapshotRecord> {
  await session.archiveSource({ partition: "sda1" }, sourceOf(bytes));
  return session.commit();
}

async function restored(repository: Repository, snapshot: SnapshotRecord): Promise<Uint8Array> {
  const target = targetOf(new Uint8Array(SIZE));
  await repository.restore(snapshot.id, "sda1", target);
  return target.bytes;
}

/** As above, and a third snapshot that needs a part of what is pruned: its pack is rewritten. */
async function raggedBase(): Promise<{ disk: MemoryStorage; oldId: string }> {
  const { disk, oldId } = await base();
  const repository = await open(disk.connect());
  await archived(await repository.beginArchive({ node: "pc-4" }), HALF);
  await repository.close();
  return { disk, oldId };
}

type Contents = ReadonlyMap<string, Uint8Array>;

async function expectAllRight(repository: Repository, contents: Contents, where: string): Promise<void> {
  expect((await repository.verify()).findings, where).toEqual([]);
  for (const snapshot of repository.snapshots()) {
    const expected = contents.get(snapshot.id) ?? bytesOfNode(snapshot.node);
    expect(Buffer.compare(await restored(repository, snapshot), expected), where).toBe(0);
  }
}

function bytesOfNode(node: string): Uint8Array {
  if (node === "pc-4") return HALF;
  return node === "pc-2" ? STAYS : OLD;
}

/** Plays one schedule: `choices` says who goes on at each point; answers how many could have. */
async function play(
  start: { disk: MemoryStorage; oldId: string },
  archive: (repository: Repository, committed: Map<string, Uint8Array>) => Promise<void>,
  choices: readonly number[],
): Promise<number[]> {
  const disk = start.disk.copy();
  const repository = await open(scheduled(disk.connect()));
  const committed = new Map<string, Uint8Array>();
  const prune = async () => {
    await repository.prune({ snapshotIds: [start.oldId] }).catch(expectRefused);
    await repository.collectGarbage();
  };
  const actors = [new Actor(), new Actor()];
  const works = [() => archive(repository, committed), prune];
  const running = actors.map((actor, index) => actor.start(works[index] as () => Promise<void>));
  const widths: number[] = [];
  for (let point = 0; ; point++) {
    const ready = actors.filter((actor) => !actor.isDone);
    if (ready.length === 0) break;
    widths.push(ready.length);
    await ready[choices[point] ?? 0]?.step();
  }
  await Promise.all(running);
  const where = `schedule ${widths.map((_, point) => choices[point] ?? 0).join("")}`;
  await expectAllRight(repository, committed, where);
  await repository.close();
  const next = await open(disk.connect());
  for (const id of committed.keys()) expect(next.snapshot(id).id, where).toBe(id);
  await next.collectGarbage();
  expect((await next.planGc()).deadPackCount, where).toBe(0);
  await expectAllRight(next, committed, where);
  await next.close();
  return widths;
}

function expectRefused(error: unknown): void {
  const expected = ["snapshot-in-use", "snapshot-pinned"];
  if (!(error instanceof CodedError && expected.includes(error.code))) throw error;
}

/** All schedules, each once. */
async function playAll(archive: Parameters<typeof play>[1], make = base): Promise<number> {
  const start = await make();
  let choices: number[] = [];
  for (let count = 1; ; count++) {
    const widths = await play(start, archive, choices);
    const taken = widths.map((_, point) => choices[point] ?? 0);
    const last = taken.findLastIndex((choice, point) => choice + 1 < (widths[point] ?? 0));
    if (last < 0) return count;
    choices = [...taken.slice(0, last), (taken[last] ?? 0) + 1];
  }
}

test(
  "GC-2: an archive that deduplicates against what is being pruned and freed, in every order",
  async () => {
    const count = await playAll(async (repository, committed) => {
      const record = await archived(await repository.beginArchive({ node: "pc-3" }), OLD);
      committed.set(record.id, OLD);
    });
    expect(count).toBeGreaterThan(100);
  },
  TIMEOUT_MS,
);

test(
  "PR-5: an archive whose parent is being pruned and freed, in every order",
  async () => {
    const count = await playAll(async (repository, committed) => {
      const record = await archived(await repository.beginArchive({ node: "pc-1" }), OLD);
      committed.set(record.id, OLD);
    });
    expect(count).toBeGreaterThan(10);
  },
  TIMEOUT_MS,
);

test(
  "GC-3: an archive that is aborted, and one of new blocks, beside GC in every order",
  async () => {
    const count = await playAll(async (repository, committed) => {
      const session = await repository.beginArchive({ node: "pc-3" });
      await session.archiveSource({ partition: "sda1" }, sourceOf(OLD));
      await session.abort();
      const record = await archived(await repository.beginArchive({ node: "pc-3" }), FRESH);
      committed.set(record.id, FRESH);
    });
    expect(count).toBeGreaterThan(100);
  },
  TIMEOUT_MS,
);

test(
  "RP-2: an archive that deduplicates against a pack that is being rewritten, in every order",
  async () => {
    const count = await playAll(async (repository, committed) => {
      const record = await archived(await repository.beginArchive({ node: "pc-3" }), OLD);
      committed.set(record.id, OLD);
    }, raggedBase);
    expect(count).toBeGreaterThan(100);
  },
  TIMEOUT_MS,
);

test(
  "PR-3: a snapshot that is pinned while it is being pruned and freed, in every order: the pin holds, or it came too late",
  async () => {
    const count = await playAll(async (repository) => {
      const old = repository.snapshots().find(({ node }) => node === "pc-1");
      if (old === undefined) return; // Pruned before.
      await repository.pin(old.id, "in every order");
      // Pruning may have begun before: then the snapshot goes, and its pin speaks of nothing.
      const isThere = repository.snapshots().some(({ id }) => id === old.id);
      if (isThere) expect(Buffer.compare(await restored(repository, old), OLD)).toBe(0);
    });
    expect(count).toBeGreaterThan(10);
  },
  TIMEOUT_MS,
);

test(
  "PR-5, GC-1: a reader that is open while its snapshot is being pruned and freed, in every order",
  async () => {
    const count = await playAll(async (repository) => {
      const old = repository.snapshots().find(({ node }) => node === "pc-1");
      if (old === undefined) return; // Pruned before.
      const reader = await repository.openImage(old.id, "sda1");
      try {
        // Whoever could open it reads it to the end, whatever is pruned and freed meanwhile.
        await reader.readPages([0], async (_record, bytes) => {
          expect(Buffer.compare(bytes, OLD)).toBe(0);
        });
      } finally {
        reader.close();
      }
    });
    expect(count).toBeGreaterThan(5);
  },
  TIMEOUT_MS,
);
