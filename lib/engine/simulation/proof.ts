// npm run proof -- [--kills N] [--flips N] [--seed S] [--stride N] [--work DIR]: proves what the engine promises of crashes and
// rot, on a real disk and in memory, and prints a line of counts for each. Exit code 0: all held; 1: one was broken, and
// the line says with which seed to see it again; 2: wrong usage.
import { randomInt } from "node:crypto";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { faultEverywhere } from "./faulting.ts";
import { flipEverywhere } from "./flipping.ts";
import { killAtRandom } from "./killing.ts";

const USAGE = "Usage: npm run proof -- [--kills N] [--flips N] [--seed S] [--stride N] [--work DIR]";
const TOLD_EVERY = 100;

function wholeNumber(text: string | undefined, fallback: number): number {
  const value = text === undefined ? fallback : Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  console.error(`"${text}" is not a whole number. ${USAGE}`);
  process.exit(2);
}

const { values } = parseArgs({
  options: {
    kills: { type: "string" },
    flips: { type: "string" },
    seed: { type: "string" },
    stride: { type: "string" },
    work: { type: "string" },
  },
});
const kills = wholeNumber(values.kills, 1000);
const flips = wholeNumber(values.flips, 2000);
const seed = wholeNumber(values.seed, randomInt(2 ** 20));
/** 0: no fault positions in memory. */
const stride = wholeNumber(values.stride, 1);
const work = values.work ?? tmpdir();

async function proved(what: string, prove: (folder: string) => Promise<string>): Promise<void> {
  await mkdir(work, { recursive: true });
  const folder = await mkdtemp(join(work, "sheepfold-proof-"));
  const startedMs = performance.now();
  const seconds = () => `${Math.round((performance.now() - startedMs) / 1000)} s`;
  try {
    console.log(`${what}: ${await prove(folder)} (${seconds()})`);
  } catch (error) {
    console.error(`${what}: BROKEN after ${seconds()}, seed ${seed}`);
    console.error(error);
    process.exitCode = 1;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function progress(what: string, total: number): (count: number) => void {
  return (count) => {
    if (count % TOLD_EVERY === 0) console.error(`  ${what} ${count} of ${total}`);
  };
}

console.log(`Seed ${seed}`);
if (stride > 0) {
  await proved("Faults", async () => {
    const report = await faultEverywhere({ stride });
    return `${report.crashCount} crashes at ${report.callCount} storage calls (stride ${stride}), ${report.fullCount} full disks; no committed snapshot lost, verify clean, ${report.restoredCount} restores equal`;
  });
}
if (flips > 0) {
  await proved("Flips", async (folder) => {
    const report = await flipEverywhere({ folder, flips, seed, onFlip: progress("flip", flips) });
    return `${report.flipCount} flipped bits, ${report.namedCount} named, ${report.harmlessCount} harmless (caches, reserve); ${report.rightRestoreCount} restores equal, ${report.refusedRestoreCount} refused by name, none wrong`;
  });
}
if (kills > 0) {
  await proved("Kills", async (folder) => {
    const report = await killAtRandom({ folder, kills, seed, onKill: progress("kill", kills) });
    return `${report.killCount} kills, ${report.committedCount} commits acknowledged, none lost, ${report.prunedCount} pruned, ${report.unacknowledgedCount} found committed without having been acknowledged; verify clean each time, ${report.restoredCount} restores equal`;
  });
}
