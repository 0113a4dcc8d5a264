// Steps of packs being rewritten: compressed anew beside an archive, or on a disk that fails meanwhile. Nothing that was committed may
// change by it, and nothing that could be found before is lost.
import { FAIL_WHENS } from "../storage/faulty.ts";
import { abandon, archiveNext, beginArchive, commitArchive } from "./archiving.ts";
import { claim } from "./model-repository.ts";
import type { World } from "./world.ts";

export async function reSegment(world: World): Promise<string> {
  return world.chance.happens(0.5) ? beside(world) : interrupted(world);
}

async function beside(world: World): Promise<string> {
  const { chance } = world;
  const open = await beginArchive(world, chance.pick(world.nodes));
  if (chance.happens(0.5)) await archiveNext(world, open, "source");
  const working = (async () => {
    while (open.left.length > 0) await archiveNext(world, open, "source");
  })();
  const level = chance.pick([1, 4, 9]);
  const [report] = await Promise.all([world.repository.reSegment({ level }), working]);
  if (chance.happens(0.8)) await commitArchive(world, open);
  else await abandon(open);
  await world.repository.reSegment({ level });
  await world.assertSnapshotsRestore();
  if (chance.happens(0.2)) await world.assertSound();
  return `level ${level}: ${report.packCount} packs beside ${open.node.name}`;
}

async function interrupted(world: World): Promise<string> {
  const afterwards = world.chance.happens(0.6) ? "crash" : "go-on";
  const failWhen = world.chance.pick(FAIL_WHENS);
  const failCall = world.chance.smallBetween(1, 60);
  await world.withFaults({ failCall, failWhen, afterwards }, () => world.repository.reSegment({ level: 5 }));
  await world.assertSnapshotsRestore();
  const report = await world.repository.collectGarbage();
  claim(report.isFinished, "GC without a budget did not finish");
  world.model.forgetFreedBlocks();
  const again = await world.repository.reSegment({ level: 5 });
  claim(again.isFinished, `${again.leftPackCount} packs are left after re-segmenting without a budget`);
  await world.assertSnapshotsRestore();
  return `${afterwards} ${failWhen} call ${failCall}, then ${again.packCount} packs`;
}
