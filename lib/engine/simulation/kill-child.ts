// The process that killing.ts kills: it works on a real folder until it dies. It archives by every technique, two sessions at
// once now and then, pins, prunes, collects garbage and scrubs, also beside archives.
//
// Each snapshot's comment is the seed of its contents, so that anyone can check it. It tells on stdout what it begins; each
// commit once it has been acknowledged, which must never be lost after that; and what it is about to prune.

import { Chance } from "#lib/model/chance.ts";
import { TECHNIQUES } from "#lib/model/snapshot.ts";
import { openRepository } from "../repository.ts";
import { openLocalDisk } from "../storage/local-disk.ts";
import { sourceOf } from "./disk.ts";
import { killTestDisk } from "./kill-contents.ts";
import { oldestWithoutDiffs } from "./upkeep.ts";

const SNAPSHOTS_KEPT = 3;

const [folder = "", firstSeed = "0"] = process.argv.slice(2);
// Without a folder it only fills the cache of compiled code, which a killed process never does.
if (folder === "") process.exit(0);
const chance = new Chance(Number(firstSeed));
let seed = Number(firstSeed);
const repository = await openRepository({
  storage: await openLocalDisk(folder),
  access: "write",
  owner: `kill test ${process.pid}`,
  threads: chance.pick([0, 0, 1]),
});

// A process that was killed between pin and unpin has left its pin.
for (const id of repository.pins().keys()) await repository.unpin(id);

async function archive(): Promise<void> {
  seed += 1;
  const bytes = killTestDisk(seed);
  const technique = chance.pick(TECHNIQUES);
  const session = await repository.beginArchive({ node: `pc-${seed % 3}`, comment: String(seed), technique });
  await session.archiveSource({ partition: "sda1" }, sourceOf(bytes));
  const record = await session.commit();
  console.log(`committed ${record.id}`);
}

async function prune(): Promise<void> {
  const ids = oldestWithoutDiffs(repository.snapshots(), SNAPSHOTS_KEPT);
  console.log(`pruning ${ids.join(" ")}`);
  await repository.prune({ snapshotIds: ids });
}

async function pin(): Promise<void> {
  const newest = repository.snapshots().at(-1);
  if (newest === undefined) return;
  await repository.pin(newest.id, "for a moment");
  await repository.unpin(newest.id);
}

const deeds: readonly (() => Promise<unknown>)[] = [
  archive,
  archive,
  () => Promise.all([archive(), archive()]),
  prune,
  () => repository.collectGarbage(),
  () => Promise.all([archive(), repository.collectGarbage()]),
  () => repository.scrub({ deep: chance.happens(0.5) }),
  () => repository.rebuildIndex(),
  pin,
];

for (;;) {
  console.log("working");
  if (repository.snapshots().length > 2 * SNAPSHOTS_KEPT) await prune();
  await chance.pick(deeds)();
}
