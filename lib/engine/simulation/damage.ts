// Steps of rot: a bit flips in some file of the store, a file is cut short, or is gone. Verify must find it and
// name the file; a restore gives the right bytes or fails by name; and when the damage is undone, all is well,
// whatever happened meanwhile.
import { archiveNode } from "./archiving.ts";
import { targetOf } from "./disk.ts";
import { claim } from "./model-repository.ts";
import { anyImage } from "./restoring.ts";
import { claimSame, outcomeOf, type World } from "./world.ts";

const DAMAGES = ["flip", "flip", "flip", "cut", "lose"] as const;
type Damage = (typeof DAMAGES)[number];

export async function damageRound(world: World): Promise<string> {
  // A snapshot that may or may not exist cannot be judged while files are missing.
  if (world.model.uncertainCount > 0) await world.reopen();
  const name = await anyDurableFile(world);
  if (name === null) return "nothing to damage";
  const damage = world.chance.pick(DAMAGES);
  const heal = await inflict(world, name, damage);
  world.findsEveryBlock = false;
  const openBefore = world.chance.happens(0.5);
  const opened = openBefore ? await reopenDamaged(world, name) : true;
  // Of a snapshot file that was lost before it was read nothing is left that could be named.
  const isForgotten = openBefore && damage === "lose" && /^(snapshots|pins)\/|^ledger$/.test(name);
  if (opened && !isForgotten) await liveWithDamage(world, name, openBefore && damage === "lose");
  if (opened) await world.close();
  await heal();
  await world.open();
  // What was found bad is trusted again when it was looked at again.
  await world.repository.scrub();
  await world.assertSnapshotsRestore();
  if (world.chance.happens(0.3)) await world.assertSound();
  return `${damage} ${name}${openBefore ? ", reopened" : ""}${opened ? "" : ", refused"}`;
}

async function anyDurableFile(world: World): Promise<string | null> {
  const files = await world.disk.list("");
  const durable = files.filter(
    (file) => !file.name.startsWith("tmp/") && !isLock(file.name) && file.sizeBytes > 0,
  );
  if (durable.length === 0) return null;
  // Folders first: there are many packs and few other files.
  const folder = world.chance.pick([...new Set(durable.map((file) => file.name.split("/")[0]))]);
  return world.chance.pick(durable.filter((file) => file.name.split("/")[0] === folder)).name;
}

function isLock(name: string): boolean {
  return name.includes("lock");
}

/** What is not missed: index and scrub results are caches, which the engine heals by itself, without a finding; the
 *  reserve has no content. */
export function isExpendable(name: string): boolean {
  return name.startsWith("index/") || name.startsWith("scrub/") || name === "reserve";
}

/** Damages the file and answers how to undo it. A file the engine itself replaced meanwhile stays as it is. */
async function inflict(world: World, name: string, damage: Damage): Promise<() => Promise<void>> {
  const { disk, chance } = world;
  const whole = (await disk.readFile(name)) ?? new Uint8Array(0);
  if (damage === "flip") disk.flipBit(name, chance.between(0, whole.length * 8 - 1));
  if (damage === "cut") await disk.writeFile(name, whole.slice(0, chance.between(0, whole.length - 1)));
  if (damage === "lose") await disk.remove(name);
  const damaged = await disk.readFile(name);
  return async () => {
    const now = await disk.readFile(name);
    const isOurs = now === null || damaged === null ? now === damaged : Buffer.compare(now, damaged) === 0;
    if (isOurs) await disk.writeFile(name, whole);
  };
}

/** Whether the damaged repository opens at all. Refusing is allowed only by name. */
async function reopenDamaged(world: World, name: string): Promise<boolean> {
  await world.close();
  const outcome = await outcomeOf(() => world.openUnjudged());
  world.findsEveryBlock = false;
  if (!("failure" in outcome)) return true;
  claim(!isExpendable(name), `a damaged cache ${name} keeps the repository shut: ${outcome.failure.message}`);
  return false;
}

async function liveWithDamage(world: World, name: string, wasLost: boolean): Promise<void> {
  const report = await outcomeOf(() => world.repository.verify());
  if ("value" in report && !isExpendable(name)) {
    const named = report.value.findings.map((finding) => finding.file);
    // What a rewrite wrote before it was cut off is in no list. Gone, nobody can know of it; then nobody may need it either.
    if (wasLost && named.length === 0) await world.assertSnapshotsRestore();
    else
      claim(
        named.includes(name),
        `verify does not name ${name} but ${JSON.stringify(report.value.findings)}`,
      );
  }
  claim("value" in report || !isExpendable(name), "verify fails on a damaged cache");
  if (/^(packs|nodes)\//.test(name) && (await world.disk.size(name)) !== null) {
    const deep = world.chance.happens(0.5);
    const { findings } = await world.repository.scrub({ deep });
    claim(
      findings.some(({ file }) => file === name),
      `scrub does not name ${name} but ${JSON.stringify(findings)}`,
    );
  }
  for (let round = 0; round < 3; round++) await restoreNeverWrong(world);
  // New snapshots made meanwhile must be right once the damage is undone.
  if (world.chance.happens(0.5)) {
    const node = world.chance.pick(world.nodes);
    await outcomeOf(() => archiveNode(world, node, world.chance.happens(0.5) ? "source" : "agent"));
  }
  if (world.chance.happens(0.5)) await healed(world, name);
}

/** HL: nothing wrong is ever read, what is said to be whole is, and what heal has put in place outlives the damage's undoing. */
async function healed(world: World, name: string): Promise<void> {
  const outcome = await outcomeOf(() => world.repository.heal());
  world.model.forgetFreedBlocks(); // A bad pack that went had blocks nobody needs.
  for (let round = 0; round < 3; round++) await restoreNeverWrong(world);
  if ("failure" in outcome) return;
  const { packs, isIncomplete } = outcome.value;
  const pack = packs.find(({ file }) => file === name);
  const isWhole = !isIncomplete && packs.every(({ affected }) => affected.length === 0);
  if (name.startsWith("packs/") && pack !== undefined && isWhole) await world.assertSnapshotsRestore();
}

async function restoreNeverWrong(world: World): Promise<void> {
  const wanted = anyImage(world);
  if (wanted === null) return;
  const target = targetOf(new Uint8Array(wanted.bytes.length));
  const outcome = await outcomeOf(() =>
    world.repository.restore(wanted.snapshot.id, wanted.partition, target),
  );
  if (!("failure" in outcome))
    claimSame(target.bytes, wanted.bytes, `${wanted.partition} from a damaged store`);
}
