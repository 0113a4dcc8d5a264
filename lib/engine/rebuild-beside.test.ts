// The index is rebuilt while GC rewrites packs, and while they are re-segmented, begun at every single storage call of theirs: whoever
// comes second waits, and no pack that was put in the place of another is lost from the tables.
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { createRepository, openRepository } from "./repository.ts";
import { type MemoryStorage, memoryStorage } from "./storage/memory.ts";
import type { Storage } from "./storage/storage.ts";
import { joined, noise, sourceOf, targetOf } from "./test-bench.ts";
import type { Repository } from "./types.ts";

const GOES = noise(81_920, 1);
const KEPT = joined(noise(4096, 3), GOES.subarray(0, 20_480));
/** How long a call is held up for the other work, which goes on as far as it can. */
const HELD_MS = 15;
const TIMEOUT_MS = 120_000;

interface Watched extends Storage {
  /** Called before every call, once there is one. */
  onCall: (() => Promise<void>) | null;
}

function watched(inner: Storage): Watched {
  const after = async <Value>(work: () => Promise<Value>) => {
    await storage.onCall?.();
    return work();
  };
  const storage: Watched = {
    onCall: null,
    description: inner.description,
    list: (folder) => after(() => inner.list(folder)),
    readFile: (name) => inner.readFile(name),
    readAt: (name, at, into) => after(() => inner.readAt(name, at, into)),
    size: (name) => inner.size(name),
    createFile: () => after(() => inner.createFile()),
    writeFile: (name, bytes) => after(() => inner.writeFile(name, bytes)),
    createExclusive: (name, bytes) => inner.createExclusive(name, bytes),
    remove: (name) => after(() => inner.remove(name)),
    close: () => inner.close(),
  };
  return storage;
}

function open(storage: Storage): Promise<Repository> {
  return openRepository({ storage, access: "write", threads: 0 });
}

async function archive(repository: Repository, node: string, bytes: Uint8Array): Promise<number> {
  const session = await repository.beginArchive({ node });
  await session.archiveSource({ partition: "sda1" }, sourceOf(bytes));
  return (await session.commit()).images[0]?.newBytes ?? Number.NaN;
}

async function raggedBase(): Promise<MemoryStorage> {
  const memory = memoryStorage();
  await createRepository({ storage: memory.connect() });
  const repository = await open(memory.connect());
  await archive(repository, "goes", GOES);
  await archive(repository, "kept", KEPT);
  await repository.prune({ snapshotIds: [repository.snapshots()[0]?.id ?? ""] });
  await repository.close();
  return memory;
}

type Work = (repository: Repository) => Promise<unknown>;

/** Begins `second` at each call of `first`; answers how many there are. */
async function atEveryCall(first: Work, second: Work): Promise<number> {
  const start = await raggedBase();
  for (let call = 1; ; call++) {
    const storage = watched(start.copy().connect());
    const repository = await open(storage);
    let count = 0;
    let begun: Promise<unknown> | null = null;
    storage.onCall = async () => {
      count += 1;
      if (begun !== null || count !== call) return;
      begun = second(repository);
      await Promise.race([begun, delay(HELD_MS)]);
    };
    await first(repository);
    storage.onCall = null;
    if (begun === null) {
      await repository.close();
      return call - 1;
    }
    await begun;
    await expectAllThere(repository, `second work begun at call ${call}`);
    await repository.close();
  }
}

async function expectAllThere(repository: Repository, where: string): Promise<void> {
  expect((await repository.verify()).findings, where).toEqual([]);
  const target = targetOf(new Uint8Array(KEPT.length));
  await repository.restore(repository.snapshots()[0]?.id ?? "", "sda1", target);
  expect(Buffer.compare(target.bytes, KEPT), where).toBe(0);
  // The fingerprints are those of the packs there are: all of it is found, in what was rewritten, too.
  expect(await archive(repository, "again", KEPT), where).toBe(0);
  expect((await repository.verify()).findings, where).toEqual([]);
}

const gc: Work = (repository) => repository.collectGarbage();
const reSegment: Work = (repository) => repository.reSegment();
const rebuild: Work = (repository) => repository.rebuildIndex();

test.each([
  { what: "rebuilding while GC rewrites packs", first: gc, second: rebuild },
  { what: "GC rewriting packs while the index is rebuilt", first: rebuild, second: gc },
  { what: "rebuilding while packs are re-segmented", first: reSegment, second: rebuild },
  { what: "re-segmenting while the index is rebuilt", first: rebuild, second: reSegment },
])(
  "IX-4: $what",
  async ({ first, second }) => {
    expect(await atEveryCall(first, second)).toBeGreaterThan(3);
  },
  TIMEOUT_MS,
);
