// Steps of a long life: snapshots are pinned and pruned, and what only they needed is freed, beside archives and on failing disks.
// The judge forgets what was pruned; everything else must still restore.
import { diffsAgainst } from "#lib/model/snapshot.ts";
import { FAIL_WHENS } from "../storage/faulty.ts";
import type { SnapshotRecord } from "../types.ts";
import { abandon, archiveNext, archiveNode, beginArchive, commitArchive } from "./archiving.ts";
import { claim, type ModelSnapshot } from "./model-repository.ts";
import { outcomeOf, type World } from "./world.ts";

/** Some snapshots, mostly old ones, never all. */
function anyToPrune(world: World): readonly ModelSnapshot[] {
  const { chance, model } = world;
  const candidates = model.snapshots.slice(0, -1);
  const chosen = chance.shuffled(candidates).slice(0, chance.between(0, Math.ceil(candidates.length / 2)));
  return withoutBases(world, chosen);
}

/** Bases of diffs that stay must stay, and so must theirs. */
function withoutBases(world: World, chosen: readonly ModelSnapshot[]): readonly ModelSnapshot[] {
  const leaving = new Set(chosen.map(({ id }) => id));
  const staying = world.repository.snapshots().filter(({ id }) => !leaving.has(id));
  const left = chosen.filter(({ id }) => diffsAgainst(staying, id).length === 0);
  return left.length === chosen.length ? left : withoutBases(world, left);
}

/** All but the newest `kept`, without the bases of diffs that stay. */
export function oldestWithoutDiffs(snapshots: readonly SnapshotRecord[], kept: number): string[] {
  const leaving = new Set(snapshots.slice(0, -kept).map(({ id }) => id));
  for (let before = -1; before !== leaving.size; ) {
    before = leaving.size;
    const staying = snapshots.filter(({ id }) => !leaving.has(id));
    for (const id of leaving) if (diffsAgainst(staying, id).length > 0) leaving.delete(id);
  }
  return [...leaving];
}

export async function prune(world: World): Promise<string> {
  const chosen = anyToPrune(world);
  await pruneChosen(world, chosen);
  world.model.checkListing(world.repository.snapshots());
  return `${chosen.length} snapshots`;
}

async function pruneChosen(world: World, chosen: readonly ModelSnapshot[]): Promise<void> {
  world.model.beginPrune(chosen);
  const { removedIds } = await world.repository.prune({ snapshotIds: chosen.map(({ id }) => id) });
  claim(removedIds.length === chosen.length, `${removedIds.length} of ${chosen.length} were pruned`);
  world.model.endPrune(world.repository.snapshots());
}

export async function pinAndPrune(world: World): Promise<string> {
  const [first] = world.chance.shuffled(world.model.snapshots);
  if (first === undefined) return "nothing to pin";
  await world.repository.pin(first.id, "simulated");
  if (world.chance.happens(0.3)) await world.reopen();
  const outcome = await outcomeOf(() => world.repository.prune({ snapshotIds: [first.id] }));
  claim("failure" in outcome && outcome.failure.code === "snapshot-pinned", "a pinned snapshot was pruned");
  claim(await world.repository.unpin(first.id), "a pin was lost");
  return "refused";
}

/** Prune and GC in order: afterwards nothing dead is left, and what is freed is not found any more. */
export async function collect(world: World): Promise<string> {
  await pruneChosen(world, anyToPrune(world));
  const report = await world.repository.collectGarbage();
  claim(report.isFinished, "GC without a budget did not finish");
  const plan = await world.repository.planGc();
  claim(plan.deadPackCount === 0, `${plan.deadPackCount} dead packs are left after GC`);
  world.model.forgetFreedBlocks();
  await world.assertSnapshotsRestore();
  if (world.chance.happens(0.2)) await world.assertSound();
  return `${report.removedPackCount} packs freed`;
}

/** On a sound disk scrub finds nothing, and in the end has looked at every pack. */
export async function scrub(world: World): Promise<string> {
  const deep = world.chance.happens(0.5);
  const some = await world.repository.scrub({ deep, secondsMax: 0 });
  const all = await world.repository.scrub({ deep });
  claim(some.findings.length + all.findings.length === 0, `scrub finds ${JSON.stringify(all.findings)}`);
  claim(all.uncheckedPackCount === 0, `${all.uncheckedPackCount} packs were never looked at`);
  return `${all.checkedPackCount} packs`;
}

/** An archive is under way, has begun before the prune or after it, and commits in the end. */
export async function collectBeside(world: World): Promise<string> {
  const { chance } = world;
  const early = await beginArchive(world, chance.pick(world.nodes));
  if (chance.happens(0.5)) await archiveNext(world, early, "source");
  const chosen = anyToPrune(world);
  world.model.beginPrune(chosen);
  // Refused when the archive's parent is among them: then the model keeps what is still listed.
  await outcomeOf(() => world.repository.prune({ snapshotIds: chosen.map(({ id }) => id) }));
  world.model.endPrune(world.repository.snapshots());
  world.findsEveryBlock = false;
  const working = (async () => {
    while (early.left.length > 0) await archiveNext(world, early, "source");
  })();
  const [report] = await Promise.all([world.repository.collectGarbage(), working]);
  if (chance.happens(0.8)) await commitArchive(world, early);
  else await abandon(early);
  await world.repository.collectGarbage();
  world.model.forgetFreedBlocks();
  await world.assertSnapshotsRestore();
  return `${report.removedPackCount} packs freed`;
}

/** The disk fails or the process dies anywhere in prune and GC; the next GC finishes. */
export async function collectInterrupted(world: World): Promise<string> {
  const afterwards = world.chance.happens(0.6) ? "crash" : "go-on";
  const failWhen = world.chance.pick(FAIL_WHENS);
  const failCall = world.chance.smallBetween(1, 60);
  const chosen = anyToPrune(world);
  world.model.beginPrune(chosen);
  const outcome = await world.withFaults({ failCall, failWhen, afterwards }, async () => {
    await world.repository.prune({ snapshotIds: chosen.map(({ id }) => id) });
    return world.repository.collectGarbage();
  });
  // After a failure only the next open knows which of them are gone.
  if ("failure" in outcome) await world.reopen();
  world.model.endPrune(world.repository.snapshots());
  await world.assertSnapshotsRestore();
  const report = await world.repository.collectGarbage();
  claim(report.isFinished, "GC without a budget did not finish");
  world.model.forgetFreedBlocks();
  await archiveNode(world, world.chance.pick(world.nodes), "source");
  if (world.chance.happens(0.2)) await world.assertSound();
  return `${afterwards} ${failWhen} call ${failCall}, then ${report.removedPackCount} packs freed`;
}

/** GC on a disk that fills up at any write: with the reserve, or room, it ends; without, it fails by name and the next one ends. */
export async function collectFull(world: World): Promise<string> {
  const fullFromWrite = world.chance.smallBetween(1, 12);
  const chosen = anyToPrune(world);
  world.model.beginPrune(chosen);
  const outcome = await world.withFaults({ fullFromWrite }, async () => {
    await world.repository.prune({ snapshotIds: chosen.map(({ id }) => id) });
    return world.repository.collectGarbage();
  });
  if ("failure" in outcome) {
    claim(outcome.failure.code === "storage-full", `a full disk is called ${outcome.failure.code}`);
  }
  world.model.endPrune(world.repository.snapshots());
  const report = await world.repository.collectGarbage();
  claim(report.isFinished, "GC without a budget did not finish");
  world.model.forgetFreedBlocks();
  await world.assertSnapshotsRestore();
  return `full from write ${fullFromWrite}: ${"failure" in outcome ? outcome.failure.code : "done"}`;
}

/** Scrub reads while packs are sealed, listed and freed: none of that is a finding. */
export async function scrubBeside(world: World): Promise<string> {
  const { chance } = world;
  const chosen = anyToPrune(world);
  world.model.beginPrune(chosen);
  await outcomeOf(() => world.repository.prune({ snapshotIds: chosen.map(({ id }) => id) }));
  world.model.endPrune(world.repository.snapshots());
  world.findsEveryBlock = false;
  const works = [
    world.repository.scrub({ deep: chance.happens(0.5) }),
    world.repository.collectGarbage(),
    archiveNode(world, chance.pick(world.nodes), "source"),
  ] as const;
  // All must have ended, also when one fails: what goes on would disturb a later step.
  await Promise.allSettled(works);
  const [report] = await Promise.all(works);
  claim(report.findings.length === 0, `scrub beside GC finds ${JSON.stringify(report.findings)}`);
  world.model.forgetFreedBlocks();
  await world.assertSnapshotsRestore();
  return `${report.checkedPackCount} packs`;
}

/** Scrub on a disk that fails, dies, fills up or delivers a wrong bit: at worst it names a pack, and looked at again it is well. */
export async function scrubInterrupted(world: World): Promise<string> {
  const { chance } = world;
  const call = chance.smallBetween(1, 60);
  const plan = chance.pick([
    { failCall: call, failWhen: chance.pick(FAIL_WHENS), afterwards: "crash" },
    { failCall: call, failWhen: chance.pick(FAIL_WHENS), afterwards: "go-on" },
    { flipCall: call },
    { fullFromWrite: call },
  ] as const);
  const deep = chance.happens(0.5);
  const outcome = await world.withFaults(plan, () => world.repository.scrub({ deep }));
  await archiveNode(world, chance.pick(world.nodes), "source");
  const again = await world.repository.scrub({ deep });
  claim(again.findings.length === 0, `on a sound disk scrub finds ${JSON.stringify(again.findings)}`);
  await world.assertSnapshotsRestore();
  const found = "value" in outcome ? `${outcome.value.findings.length} findings` : outcome.failure.code;
  return `${JSON.stringify(plan)}: ${found}`;
}
