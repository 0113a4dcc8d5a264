// A step on a disk that lies: it answers every flush and keeps nothing. When the power fails, files are as they were at
// any moment since it began to lie, each for itself: renames out of order, contents torn, removals undone.
//
// Nobody can keep a promise of durability on such a disk. What must hold all the same: the repository opens; whatever is
// listed restores rightly or fails by name; verify tells of all that fails; what was there before the lie, and was neither
// pruned nor touched by GC, is whole; and after a scrub the next archive is whole, too.
//
// It is played on a copy of the world's disk, so that nothing of it is left for the steps that follow.
import { openRepository } from "../repository.ts";
import { faultyStorage } from "../storage/faulty.ts";
import type { MemoryStorage } from "../storage/memory.ts";
import type { Storage } from "../storage/storage.ts";
import type { Repository } from "../types.ts";
import { changedDisk, sourceOf, targetOf } from "./disk.ts";
import { claim } from "./model-repository.ts";
import { claimSame, outcomeOf, type World } from "./world.ts";

/** Images by partition, under the snapshot's id. */
type Contents = Map<string, ReadonlyMap<string, Uint8Array>>;

interface Life {
  readonly world: World;
  readonly disk: MemoryStorage;
  readonly before: Contents;
  /** Committed on the lying disk. */
  readonly since: Contents;
  collected: boolean;
}

export async function lostFlushes(world: World): Promise<string> {
  // What may or may not be there cannot be judged.
  if (world.model.uncertainCount > 0) await world.reopen();
  const disk = world.disk.copy();
  await disk.remove("lock");
  const before: Contents = new Map(world.model.snapshots.map(({ id, images }) => [id, images]));
  const life: Life = { world, disk, before, since: new Map(), collected: false };
  await liveOnLies(life);
  const lost = await judgeSurvivors(life);
  return `${life.since.size} made, ${lost} of all lost${life.collected ? ", after GC" : ""}`;
}

function open(life: Life, storage: Storage): Promise<Repository> {
  return openRepository({ ...life.world.surroundings(), storage, access: "write", owner: "simulation" });
}

/** Some work, and in the middle of it, or at its end, the power fails. */
async function liveOnLies(life: Life): Promise<void> {
  const { chance } = life.world;
  const storage = faultyStorage(life.disk.connect(), {
    failCall: chance.happens(0.5) ? chance.smallBetween(10, 300) : undefined,
    failWhen: "torn",
    afterwards: "crash",
    random: () => chance.float(),
  });
  const repository = await outcomeOf(() => open(life, storage));
  life.disk.lie();
  if ("value" in repository) {
    await outcomeOf(() => work(life, repository.value));
    storage.crash();
    await outcomeOf(() => repository.value.close());
  }
  life.disk.crash(() => chance.float());
}

async function work(life: Life, repository: Repository): Promise<void> {
  const { chance } = life.world;
  for (let count = chance.between(1, 4); count > 0; count--) {
    const deed = chance.pick(["archive", "archive", "prune", "gc", "scrub"] as const);
    if (deed === "archive") await archiveAny(life, repository);
    if (deed === "scrub") await repository.scrub({ deep: chance.happens(0.5) });
    if (deed === "prune") await pruneSome(life, repository);
    if (deed === "gc") {
      life.collected = true;
      await repository.collectGarbage();
    }
  }
}

async function archiveAny(life: Life, repository: Repository): Promise<string> {
  const { chance, nodes } = life.world;
  const node = chance.pick(nodes);
  const images = new Map([...node.partitions].map(([name, bytes]) => [name, changedDisk(bytes, chance, [])]));
  const session = await repository.beginArchive({ node: node.name });
  try {
    for (const [partition, bytes] of images) await session.archiveSource({ partition }, sourceOf(bytes));
    // Also one whose commit fails may be there afterwards.
    life.since.set(session.snapshotId, images);
    return (await session.commit()).id;
  } catch (error) {
    await outcomeOf(() => session.abort());
    throw error;
  }
}

async function pruneSome(life: Life, repository: Repository): Promise<void> {
  const ids = repository.snapshots().map(({ id }) => id);
  const snapshotIds = life.world.chance.shuffled(ids).slice(0, 2);
  await outcomeOf(() => repository.prune({ snapshotIds }));
  for (const id of snapshotIds) forget(life, id);
}

/** Pruned, so it may be gone; listed all the same, it is judged like those made on the lying disk. */
function forget(life: Life, id: string): void {
  const images = life.before.get(id);
  if (images !== undefined) life.since.set(id, images);
  life.before.delete(id);
}

/** Answers how many snapshots are not there, or not whole. */
async function judgeSurvivors(life: Life): Promise<number> {
  const repository = await open(life, life.disk.connect());
  const report = await repository.verify();
  const listed = new Set(repository.snapshots().map(({ id }) => id));
  let lost = 0;
  for (const [id, images] of [...life.before, ...life.since]) {
    const isWhole = listed.has(id) && (await restoresRightly(repository, id, images));
    if (isWhole) continue;
    lost += 1;
    const mayBeLost = life.since.has(id) || life.collected;
    claim(mayBeLost, `a snapshot of before the lie is ${listed.has(id) ? "broken" : "gone"}: ${id}`);
    claim(!listed.has(id) || report.findings.length > 0, `${id} does not restore, and verify finds nothing`);
  }
  await expectArchivesAgain(life, repository);
  await repository.close();
  return lost;
}

/** False when it fails by name; wrong bytes are never an answer. */
async function restoresRightly(
  repository: Repository,
  id: string,
  images: ReadonlyMap<string, Uint8Array>,
): Promise<boolean> {
  for (const [partition, bytes] of images) {
    const target = targetOf(new Uint8Array(bytes.length));
    const outcome = await outcomeOf(() => repository.restore(id, partition, target));
    if ("failure" in outcome) return false;
    claimSame(target.bytes, bytes, `${partition} of ${id} after lost flushes`);
  }
  return true;
}

async function expectArchivesAgain(life: Life, repository: Repository): Promise<void> {
  await repository.scrub({ deep: true });
  const id = await archiveAny(life, repository);
  const whole = await restoresRightly(repository, id, life.since.get(id) ?? new Map());
  claim(whole, "an archive made after a scrub is not whole");
}
