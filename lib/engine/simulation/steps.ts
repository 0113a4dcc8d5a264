// What can happen in a simulated world, and how often. Each step does one thing, judges it, and answers with a
// line for the log. A step that breaks a promise throws.
import { TECHNIQUES } from "#lib/model/snapshot.ts";
import type { FaultPlan } from "../storage/faulty.ts";
import { FAIL_WHENS } from "../storage/faulty.ts";
import {
  abandon,
  archiveEntangled,
  archiveNext,
  archiveNode,
  beginArchive,
  claimIncompleteRefused,
  commitArchive,
} from "./archiving.ts";
import { damageRound } from "./damage.ts";
import { anyDiskSize, changedDisk, failingSourceOf, newDisk } from "./disk.ts";
import { lostFlushes } from "./lying.ts";
import { claim } from "./model-repository.ts";
import { evaluateAny, readRanges } from "./reading.ts";
import {
  readOnlyBeside,
  readSomePages,
  restoreInterrupted,
  restoreOver,
  restoreTooSmall,
} from "./restoring.ts";
import { reSegment } from "./rewriting.ts";
import {
  collect,
  collectBeside,
  collectFull,
  collectInterrupted,
  pinAndPrune,
  prune,
  scrub,
  scrubBeside,
  scrubInterrupted,
} from "./upkeep.ts";
import { outcomeOf, type SimulatedNode, type World } from "./world.ts";

interface Step {
  readonly name: string;
  /** How often, relative to the others. */
  readonly weight: number;
  readonly run: (world: World) => Promise<string>;
}

const STEPS: readonly Step[] = [
  { name: "live", weight: 14, run: live },
  { name: "archive", weight: 16, run: archive },
  { name: "archive unchanged", weight: 4, run: archiveUnchanged },
  { name: "archive two at once", weight: 4, run: archiveInterleaved },
  { name: "archive entangled", weight: 4, run: archiveEntangled },
  { name: "archive in parallel", weight: 3, run: archiveInParallel },
  { name: "abort", weight: 3, run: abort },
  { name: "bad source", weight: 2, run: archiveBadSource },
  { name: "incomplete image", weight: 1, run: incompleteImage },
  { name: "restore", weight: 12, run: restoreOver },
  { name: "restore interrupted", weight: 5, run: restoreInterrupted },
  { name: "restore too small", weight: 1, run: restoreTooSmall },
  { name: "read pages", weight: 5, run: readSomePages },
  { name: "crash", weight: 3, run: crash },
  { name: "crash in archive", weight: 9, run: crashInArchive },
  { name: "crash elsewhere", weight: 4, run: crashElsewhere },
  { name: "one failed call", weight: 6, run: oneFailedCall },
  { name: "disk full", weight: 4, run: diskFull },
  { name: "wrong read", weight: 3, run: wrongRead },
  { name: "damage", weight: 5, run: damageRound },
  { name: "prune", weight: 3, run: prune },
  { name: "scrub", weight: 2, run: scrub },
  { name: "pin", weight: 2, run: pinAndPrune },
  { name: "gc", weight: 4, run: collect },
  { name: "gc beside an archive", weight: 4, run: collectBeside },
  { name: "gc interrupted", weight: 5, run: collectInterrupted },
  { name: "re-segment", weight: 4, run: reSegment },
  { name: "gc on a full disk", weight: 3, run: collectFull },
  { name: "scrub beside", weight: 3, run: scrubBeside },
  { name: "scrub interrupted", weight: 4, run: scrubInterrupted },
  { name: "lost flushes", weight: 3, run: lostFlushes },
  { name: "read ranges", weight: 4, run: readRanges },
  { name: "evaluate", weight: 1, run: evaluateAny },
  { name: "lose index", weight: 3, run: loseIndex },
  { name: "rebuild index", weight: 3, run: rebuildIndex },
  { name: "reopen", weight: 4, run: reopen },
  { name: "read-only beside", weight: 4, run: readOnlyBeside },
  { name: "second writer", weight: 1, run: secondWriter },
  { name: "lock lost", weight: 1, run: lockLost },
  { name: "stats", weight: 2, run: stats },
  { name: "check all", weight: 2, run: checkAll },
];

/** One step, by chance; the line says what happened. */
export async function takeStep(world: World): Promise<string> {
  const step = pickWeighted(world.chance.float());
  try {
    return `${step.name}: ${await step.run(world)}`;
  } catch (error) {
    throw new Error(`in step "${step.name}": ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
}

function pickWeighted(luck: number): Step {
  let left = luck * STEPS.reduce((sum, step) => sum + step.weight, 0);
  for (const step of STEPS) {
    left -= step.weight;
    if (left < 0) return step;
  }
  throw new Error("Bug: luck is 1 or more");
}

async function live(world: World): Promise<string> {
  const node = world.chance.pick(world.nodes);
  changeNode(world, node);
  return `${node.name} works`;
}

function changeNode(world: World, node: SimulatedNode): void {
  for (const [partition, bytes] of node.partitions) {
    if (world.chance.happens(0.7)) {
      node.partitions.set(partition, changedDisk(bytes, world.chance, world.allDisks()));
    }
  }
  if (!world.chance.happens(0.05)) return;
  if (node.partitions.has("sdb1")) node.partitions.delete("sdb1");
  else node.partitions.set("sdb1", newDisk(world.chance));
}

function anyWay(world: World): "source" | "agent" {
  return world.chance.happens(0.5) ? "source" : "agent";
}

async function archive(world: World): Promise<string> {
  const node = world.chance.pick(world.nodes);
  if (world.chance.happens(0.6)) changeNode(world, node);
  return archiveNode(world, node, anyWay(world));
}

/** A second archive of the same bytes adds no block and says so. */
async function archiveUnchanged(world: World): Promise<string> {
  const node = world.chance.pick(world.nodes);
  await archiveNode(world, node, anyWay(world));
  const technique = world.chance.pick(["repository", "diff"] as const);
  await archiveNode(world, node, anyWay(world), { technique });
  const record = world.repository.snapshots().at(-1);
  for (const image of record?.images ?? []) {
    claim(image.newBytes === 0, `an unchanged ${image.partition} has ${image.newBytes} new bytes`);
    claim(
      image.unchangedBytes + image.fillBytes >= image.sizeBytes,
      `only ${image.unchangedBytes} bytes of an unchanged ${image.partition} are called unchanged`,
    );
  }
  return node.name;
}

async function archiveInterleaved(world: World): Promise<string> {
  const open = [
    await beginArchive(world, world.chance.pick(world.nodes)),
    await beginArchive(world, world.chance.pick(world.nodes)),
  ];
  const lines = [];
  while (open.length > 0) {
    const one = world.chance.pick(open);
    if (one.left.length > 0) {
      await archiveNext(world, one, anyWay(world));
      continue;
    }
    open.splice(open.indexOf(one), 1);
    if (world.chance.happens(0.8)) lines.push(await commitArchive(world, one));
    else lines.push(await one.session.abort().then(() => "aborted"));
  }
  return lines.join(", ");
}

function lineOf(end: PromiseSettledResult<string>): string {
  if (end.status === "rejected") throw end.reason;
  return end.value;
}

async function archiveInParallel(world: World): Promise<string> {
  // All must have ended, also when one fails: an archive that goes on would commit in the middle of a later step.
  const ends = await Promise.allSettled(world.nodes.map((node) => archiveNode(world, node, anyWay(world))));
  return ends.map(lineOf).join(", ");
}

async function abort(world: World): Promise<string> {
  const before = world.repository.snapshots().length;
  const open = await beginArchive(world, world.chance.pick(world.nodes));
  if (world.chance.happens(0.8)) await archiveNext(world, open, anyWay(world));
  await open.session.abort();
  await open.session.abort();
  claim(world.repository.snapshots().length === before, "an aborted session left a snapshot");
  const outcome = await outcomeOf(() => open.session.commit());
  claim("failure" in outcome, "an aborted session was committed");
  return open.node.name;
}

/** A source that breaks in mid-read fails the archive by the source's own name and leaves nothing. */
async function archiveBadSource(world: World): Promise<string> {
  const node = world.chance.pick(world.nodes);
  const open = await beginArchive(world, node, { technique: world.chance.pick(TECHNIQUES) });
  const bytes = newDisk(world.chance, anyDiskSize(world.chance));
  const bad = failingSourceOf(bytes, world.chance.between(0, bytes.length - 1));
  const outcome = await outcomeOf(() => open.session.archiveSource({ partition: "bad" }, bad));
  claim("failure" in outcome, "a source that could not be read was archived");
  claim(outcome.failure.code === "source-read-failed", `a bad source failed with ${outcome.failure.code}`);
  await open.session.abort();
  return open.node.name;
}

async function incompleteImage(world: World): Promise<string> {
  await claimIncompleteRefused(world, world.chance.pick(world.nodes));
  return "refused";
}

async function crash(world: World): Promise<string> {
  const open = world.chance.happens(0.7) ? await beginArchive(world, world.chance.pick(world.nodes)) : null;
  if (open !== null && world.chance.happens(0.7)) await archiveNext(world, open, anyWay(world));
  await world.crash();
  await world.assertSnapshotsRestore();
  return open === null ? "idle" : `while archiving ${open.node.name}`;
}

/** The call to hit: mostly one of the first hundred, sometimes far in. */
function anyFault(world: World, afterwards: "crash" | "go-on"): FaultPlan {
  return {
    failCall: world.chance.smallBetween(1, 200),
    failWhen: world.chance.pick(FAIL_WHENS),
    afterwards,
  };
}

async function crashInArchive(world: World): Promise<string> {
  const plan = anyFault(world, "crash");
  const outcome = await world.withFaults(plan, () => archive(world));
  await world.assertSnapshotsRestore();
  return `${plan.failWhen} call ${plan.failCall}: ${"failure" in outcome ? outcome.failure.code : "survived"}`;
}

/** Any other work, on a disk about to fail. */
function anyWork(world: World): { readonly name: string; readonly run: () => Promise<unknown> } {
  return world.chance.pick([
    { name: "archive", run: () => archive(world) },
    { name: "archive in parallel", run: () => archiveInParallel(world) },
    { name: "restore", run: () => restoreOver(world) },
    { name: "read pages", run: () => readSomePages(world) },
    { name: "read ranges", run: () => readRanges(world) },
    { name: "verify", run: () => world.repository.verify() },
    { name: "plan gc", run: () => world.repository.planGc() },
    { name: "rebuild index", run: () => world.repository.rebuildIndex() },
    { name: "stats", run: () => world.repository.stats() },
  ]);
}

async function crashElsewhere(world: World): Promise<string> {
  const closing = { name: "close", run: () => world.repository.close() };
  const work = world.chance.happens(0.3) ? closing : anyWork(world);
  const plan = anyFault(world, "crash");
  const outcome = await world.withFaults(plan, work.run);
  if (work === closing && !("failure" in outcome)) await world.openAfterCrash();
  await world.assertSnapshotsRestore();
  return `${work.name}, ${plan.failWhen} call ${plan.failCall}`;
}

/** One call fails and the disk is sound again: the work may fail by name, the repository goes on. */
async function oneFailedCall(world: World): Promise<string> {
  const work = anyWork(world);
  const plan = anyFault(world, "go-on");
  const outcome = await world.withFaults(plan, work.run);
  if (world.chance.happens(0.5)) await archiveNode(world, world.chance.pick(world.nodes), anyWay(world));
  world.model.checkListing(world.repository.snapshots());
  return `${work.name}, ${plan.failWhen} call ${plan.failCall}: ${"failure" in outcome ? outcome.failure.code : "no harm"}`;
}

async function diskFull(world: World): Promise<string> {
  const fullFromWrite = world.chance.smallBetween(1, 100);
  const outcome = await world.withFaults({ fullFromWrite }, () => archive(world));
  if ("failure" in outcome) {
    claim(outcome.failure.code === "storage-full", `a full disk is called ${outcome.failure.code}`);
    claim(outcome.failure.hint !== null, "a full disk comes without a hint");
  }
  await archiveNode(world, world.chance.pick(world.nodes), anyWay(world));
  return "failure" in outcome ? `full from write ${fullFromWrite}` : "enough space";
}

/** A read that delivers a wrong bit once: right bytes or a named failure, never wrong bytes. */
async function wrongRead(world: World): Promise<string> {
  const work = anyWork(world);
  const flipCall = world.chance.smallBetween(1, 40);
  const outcome = await world.withFaults({ flipCall }, work.run);
  return `${work.name}, call ${flipCall}: ${"failure" in outcome ? outcome.failure.code : "no harm"}`;
}

async function loseIndex(world: World): Promise<string> {
  await world.close();
  for (const file of await world.disk.list("index")) await world.disk.remove(file.name);
  await world.open();
  return archiveNode(world, world.chance.pick(world.nodes), anyWay(world));
}

async function rebuildIndex(world: World): Promise<string> {
  const { packCount, blockCount } = await world.repository.rebuildIndex();
  const known = await world.repository.stats();
  claim(blockCount === known.blockCount, `rebuilt ${blockCount} blocks, stats say ${known.blockCount}`);
  await archiveUnchanged(world);
  return `${packCount} packs, ${blockCount} blocks`;
}

async function reopen(world: World): Promise<string> {
  const open = world.chance.happens(0.3) ? await beginArchive(world, world.chance.pick(world.nodes)) : null;
  if (open !== null) await archiveNext(world, open, anyWay(world));
  const old = world.repository;
  await world.reopen();
  const leftovers = await world.disk.list("tmp");
  claim(leftovers.length === 0, `${leftovers.length} files are left in tmp/ after an open`);
  const outcome = await outcomeOf(() => old.beginArchive({ node: "late" }));
  claim("failure" in outcome && outcome.failure.code === "repository-closed", "a closed repository archives");
  if (open !== null) await abandon(open);
  return `${world.repository.snapshots().length} snapshots`;
}

async function secondWriter(world: World): Promise<string> {
  const outcome = await outcomeOf(() => world.openSecondWriter());
  claim("failure" in outcome && outcome.failure.code === "repository-locked", "two writers are open at once");
  return "refused";
}

/** Somebody else took the lock (an operator deleted it, another host came): nothing is committed, nothing removed. */
async function lockLost(world: World): Promise<string> {
  const foreign = {
    token: "other",
    owner: "somebody",
    hostname: "elsewhere",
    bootId: "",
    pid: 1,
    startTime: "",
  };
  await world.disk.writeFile("lock", Buffer.from(JSON.stringify(foreign)));
  const before = world.repository.snapshots().map(({ id }) => id);
  const outcome = await outcomeOf(() => archive(world));
  claim(
    "failure" in outcome && outcome.failure.code === "repository-lock-lost",
    "a writer that lost its lock committed",
  );
  const pruned = await outcomeOf(() => world.repository.prune({ snapshotIds: before.slice(0, 1) }));
  claim("failure" in pruned || before.length === 0, "a writer that lost its lock pruned");
  await world.close();
  await world.disk.remove("lock");
  await world.open();
  const after = world.repository.snapshots().map(({ id }) => id);
  claim(after.join() === before.join(), "a writer that lost its lock changed the list of snapshots");
  return "nothing committed";
}

async function stats(world: World): Promise<string> {
  const sizes = await world.repository.stats();
  const files = (await world.disk.list("")).filter((file) => !file.name.startsWith("tmp/"));
  const stored = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  if (world.model.uncertainCount === 0) {
    claim(
      sizes.snapshotCount === world.model.snapshots.length,
      `stats count ${sizes.snapshotCount} snapshots`,
    );
    claim(sizes.logicalBytes === world.model.logicalBytes, `stats say ${sizes.logicalBytes} logical bytes`);
  }
  claim(
    Math.abs(sizes.storedBytes - stored) <= stored * 0.01 + 4096,
    `${stored} stored, stats say ${sizes.storedBytes}`,
  );
  return `${sizes.logicalBytes} bytes in ${sizes.storedBytes}`;
}

async function checkAll(world: World): Promise<string> {
  await world.assertSound();
  return `${world.model.snapshots.length} snapshots`;
}
