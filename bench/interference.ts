// The set interference: how much an archive is delayed by GC and scrub that run all the time, in one repository opened
// for writing in one process, as the worker has it. Rounds alone and rounds beside upkeep take turns, and take turns at
// going first, so that a machine that changes its speed meets both alike.
//
// Each round archives a fresh image, then the same unchanged, and prunes both, so that GC always finds packs to free.
// The scrub is deep, and as fast as it can be unless --scrub-rate gives it a budget. GC pauses for a second after each
// run: one that finds nothing is over in milliseconds, and would only measure itself.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import {
  createRepository,
  openFileSource,
  openLocalDisk,
  openRepository,
  type Repository,
} from "#lib/engine/repository.ts";
import { CodedError } from "#lib/model/errors.ts";
import type { Panel } from "./chart.ts";
import { type Claim, claimTable, ratio, times } from "./claim.ts";
import { readThrough } from "./limits.ts";
import { machineLine } from "./machine.ts";
import { type Bench, emptyFolder } from "./measure-tool.ts";
import { waitForQuiet } from "./run-measured.ts";
import { writeFreshImage } from "./sets/fresh-image.ts";
import { inMegabytes, inMegabytesPerSecond, inSeconds } from "./table.ts";

export interface InterferenceRequest {
  readonly repositories: string;
  readonly sizeBytes: number;
  readonly roundCount: number;
  /** Budget of the scrub in bytes a second; null: none. */
  readonly scrubRate: number | null;
}

interface Round {
  readonly freshSeconds: number;
  readonly againSeconds: number;
}

interface Upkeep {
  gcCount: number;
  freedBytes: number;
  scrubbedBytes: number;
}

const PARTITION = "sda1";
/** Images that stay, so that scrub has something to read and GC to mark. */
const STAYING_IMAGES = 2;
const GC_PAUSE_MS = 1000;

export async function benchInterference(
  bench: Bench,
  { repositories, sizeBytes, roundCount, scrubRate }: InterferenceRequest,
): Promise<{ markdown: string; panels: Panel[] }> {
  if (roundCount < 1) throw new Error("--rounds 0: give at least one.");
  const folder = join(repositories, "interference");
  await emptyFolder(folder);
  const storage = await openLocalDisk(folder);
  await createRepository({ storage });
  const repository = await openRepository({ storage, access: "write", owner: "bench" });
  const image = join(bench.work, "fresh.img");
  const alone: Round[] = [];
  const beside: Round[] = [];
  const upkeep: Upkeep = { gcCount: 0, freedBytes: 0, scrubbedBytes: 0 };
  try {
    for (let index = 0; index < STAYING_IMAGES; index += 1) {
      await writeFreshImage(image, `staying ${index}`, sizeBytes);
      await archive(repository, `pc-${index}`, image);
    }
    for (let index = 0; index < roundCount; index += 1) {
      const measureAlone = async () => {
        alone.push(await oneRound(repository, image, `alone ${index}`, sizeBytes, bench));
      };
      if (index % 2 === 0) await measureAlone();
      const stop = new AbortController();
      const running = keepUp(repository, upkeep, scrubRate, stop.signal);
      try {
        beside.push(await oneRound(repository, image, `beside ${index}`, sizeBytes, bench));
      } finally {
        stop.abort();
        await running;
      }
      if (index % 2 === 1) await measureAlone();
    }
  } finally {
    await repository.close();
    await rm(image, { force: true });
  }
  return {
    markdown: markdownOf({ alone, beside, upkeep, sizeBytes, scrubRate }),
    panels: panelsOf(alone, beside),
  };
}

async function oneRound(
  repository: Repository,
  image: string,
  name: string,
  sizeBytes: number,
  { patience, say }: Bench,
): Promise<Round> {
  await waitForQuiet(patience);
  await writeFreshImage(image, name, sizeBytes);
  await readThrough(image);
  const fresh = await archive(repository, "measured", image);
  const again = await archive(repository, "measured", image);
  await repository.prune({ snapshotIds: [fresh.snapshotId, again.snapshotId] });
  say(`${name}: ${inSeconds(fresh.seconds)} fresh, ${inSeconds(again.seconds)} unchanged`);
  return { freshSeconds: fresh.seconds, againSeconds: again.seconds };
}

async function archive(repository: Repository, node: string, image: string) {
  const source = await openFileSource(image);
  try {
    const startedMs = performance.now();
    const session = await repository.beginArchive({ node });
    await session.archiveSource({ partition: PARTITION }, source);
    const { id } = await session.commit();
    return { snapshotId: id, seconds: (performance.now() - startedMs) / 1000 };
  } finally {
    await source.close();
  }
}

/** GC after GC and scrub after scrub, side by side, until told to stop. */
async function keepUp(
  repository: Repository,
  upkeep: Upkeep,
  scrubRate: number | null,
  signal: AbortSignal,
): Promise<void> {
  const budget = scrubRate === null ? {} : { bytesPerSecond: scrubRate };
  await Promise.all([
    untilStopped(signal, async () => {
      const { freedBytes } = await repository.collectGarbage({ signal });
      upkeep.gcCount += 1;
      upkeep.freedBytes += freedBytes;
      await pause(GC_PAUSE_MS, null, { signal });
    }),
    untilStopped(signal, async () => {
      let doneBytes = 0;
      const onProgress = (progress: { readonly doneBytes: number }) => {
        upkeep.scrubbedBytes += progress.doneBytes - doneBytes;
        doneBytes = progress.doneBytes;
      };
      const { findings } = await repository.scrub({ ...budget, deep: true, signal, onProgress });
      if (findings.length > 0) throw new Error(`Scrub found damage: ${JSON.stringify(findings)}`);
    }),
  ]);
}

async function untilStopped(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  try {
    while (!signal.aborted) await work();
  } catch (error) {
    // Being stopped in the middle of it is how each of them ends.
    const isStopped =
      (error instanceof CodedError && error.code === "job-cancelled") ||
      (error instanceof Error && error.name === "AbortError");
    if (!(signal.aborted && isStopped)) throw error;
  }
}

function markdownOf(result: {
  alone: readonly Round[];
  beside: readonly Round[];
  upkeep: Upkeep;
  sizeBytes: number;
  scrubRate: number | null;
}): string {
  const { alone, beside, upkeep, sizeBytes, scrubRate } = result;
  const rate = scrubRate === null ? "as fast as it can" : `of ${inMegabytesPerSecond(scrubRate)}`;
  const line = (label: string, value: (round: Round) => number) => {
    const [a, b] = [median(alone.map(value)), median(beside.map(value))];
    return `| ${label} | ${inSeconds(a)} | ${inSeconds(b)} | ${(b / a).toFixed(2)} |`;
  };
  const claim = (text: string, value: (round: Round) => number): Claim => ({
    text,
    // Upkeep that got nothing done has delayed nobody, and proves nothing.
    value:
      upkeep.gcCount === 0 || upkeep.scrubbedBytes === 0
        ? null
        : ratio(median(beside.map(value)), median(alone.map(value))),
    atMost: 1.1,
    format: times,
  });
  return `${[
    "# Benchmark: interference",
    `Archives of an image of ${inMegabytes(sizeBytes)}, in one process, alone and beside GC (a second after the ` +
      `last) and deep scrub (${rate}) running all the time; medians of ${alone.length} rounds, taking turns.`,
    machineLine(),
    [
      "| | alone | beside GC and scrub | ratio |",
      "| --- | ---: | ---: | ---: |",
      line("archive a fresh image", freshOf),
      line("archive it unchanged again", againOf),
    ].join("\n"),
    `Meanwhile GC ran ${upkeep.gcCount} times and freed ${inMegabytes(upkeep.freedBytes)}; scrub checked ` +
      `${inMegabytes(upkeep.scrubbedBytes)}.`,
    `## Promises\n\n${claimTable([claim("fresh archive, to the same alone", freshOf), claim("unchanged archive, to the same alone", againOf)])}`,
  ].join("\n\n")}\n`;
}

function panelsOf(alone: readonly Round[], beside: readonly Round[]): Panel[] {
  const panel = (title: string, value: (round: Round) => number): Panel => ({
    title,
    format: inSeconds,
    bars: [
      { name: "alone", value: median(alone.map(value)) },
      { name: "beside", value: median(beside.map(value)) },
    ],
  });
  return [panel("Archive a fresh image", freshOf), panel("Archive it unchanged again", againOf)];
}

const freshOf = (round: Round) => round.freshSeconds;
const againOf = (round: Round) => round.againSeconds;

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.floor(sorted.length / 2)];
  if (value === undefined) throw new Error("Bug: a median of nothing.");
  return value;
}
