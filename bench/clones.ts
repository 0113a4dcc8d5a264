// The set clones: what the master of a room costs, and then each PC made from it, in time and in bytes. A clone is made,
// archived by every tool as a node of its own, and removed before the next, so that disk use stays bounded.
//
// Tools that keep every image whole archive the master only: their cost for N clones is N times that, and the gzip image
// of the master is the measure the rest is held against.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Panel } from "./chart.ts";
import { type Claim, claimTable, ratio, times } from "./claim.ts";
import { measureLimits } from "./limits.ts";
import { limitLine, machineLine } from "./machine.ts";
import {
  archiveOnce,
  type Bench,
  emptyFolder,
  folderBytes,
  restoreOnce,
  shrink,
  type ToolResult,
} from "./measure-tool.ts";
import type { Measured } from "./run-measured.ts";
import { clones, makeClone } from "./sets/clones.ts";
import { type ImageSet, prepareImages } from "./sets/image-set.ts";
import { inMegabytes, inSeconds, maxOrNull, noiseLine, type Row, sum, tableOf } from "./table.ts";
import { type Choice, installedTools } from "./tools/installed.ts";
import type { Tool } from "./tools/tool.ts";

export interface ClonesRequest {
  readonly choice: Choice;
  readonly repositories: string;
  readonly images: string;
  readonly cloneCount: number;
  readonly sizeBytes: number | null;
}

interface CloneResult {
  readonly tool: Tool;
  readonly master: Measured;
  readonly masterBytes: number;
  /** The master again, nothing changed. */
  readonly again: Measured;
  readonly clones: Measured[];
  bytes: number;
  restored: Measured | null;
  shrunk: ToolResult["shrunk"];
}

export async function benchClones(
  bench: Bench,
  { choice, repositories, images: folder, cloneCount, sizeBytes }: ClonesRequest,
): Promise<{ markdown: string; panels: Panel[] }> {
  if (cloneCount < 1) throw new Error("--clones 0: give at least one.");
  const images = await prepareImages(clones, folder, sizeBytes ?? clones.sizeBytesDefault, bench.say);
  const { tools, missing } = await installedTools(repositories, choice);
  const limits = await measureLimits(images.first.path, images.sizeBytes, bench.work);
  await emptyFolder(repositories);
  const results: CloneResult[] = [];
  for (const tool of tools) results.push(await archiveMaster(tool, images, bench));
  await archiveClones(results, images, cloneCount, bench);
  for (const result of results) result.shrunk = await shrink(result.tool, bench);

  const markdown = [
    "# Benchmark: clones",
    `A master partition of ${inMegabytes(images.sizeBytes)}, of which the file system uses ${inMegabytes(images.usedBytes.first)}, ` +
      `and ${cloneCount} localized clones, each archived as a node of its own. Warm cache, one run. The last clone was ` +
      "restored and compared byte for byte.",
    `${machineLine()}\n${limitLine(limits, images.sizeBytes)}`,
    tableOf(rowsOf(cloneCount), results),
    "Ratio: Sheepfold to the best peer of the row; below 1.00 Sheepfold is better. Tools that keep images whole " +
      "archived the master only.",
    `## Promises\n\n${claimTable(claimsOf(results, cloneCount))}`,
    missing.length > 0 ? `Not installed, so not measured: ${missing.join("; ")}.` : "",
    noiseLine(results.flatMap((r) => [r.master, r.again, ...r.clones])),
  ];
  return { markdown: `${markdown.filter((part) => part !== "").join("\n\n")}\n`, panels: panelsOf(results) };
}

async function archiveMaster(tool: Tool, { first }: ImageSet, bench: Bench): Promise<CloneResult> {
  await tool.init();
  const image = { path: first.path, node: "master" };
  const master = await archiveOnce(tool, { ...image, name: "master" }, bench);
  const masterBytes = await folderBytes(tool.repository);
  const again = tool.deduplicates
    ? await archiveOnce(tool, { ...image, name: "master-again" }, bench)
    : master;
  return { tool, master, masterBytes, again, clones: [], bytes: masterBytes, restored: null, shrunk: null };
}

async function archiveClones(
  results: readonly CloneResult[],
  images: ImageSet,
  cloneCount: number,
  bench: Bench,
): Promise<void> {
  const path = join(bench.work, "clone.img");
  const deduplicating = results.filter(({ tool }) => tool.deduplicates);
  for (let number = 1; number <= cloneCount; number += 1) {
    await makeClone(images.first.path, path, number);
    const image = { name: `clone-${number}`, path, node: `pc-${number}` };
    for (const { tool, clones: archives } of deduplicating)
      archives.push(await archiveOnce(tool, image, bench));
  }
  const folder = join(bench.work, "restored");
  for (const result of deduplicating) {
    result.bytes = await folderBytes(result.tool.repository);
    await emptyFolder(folder);
    const restored = await restoreOnce(result.tool, { name: `clone-${cloneCount}`, path }, folder, bench);
    result.restored = restored.measured;
  }
  await rm(path);
}

function rowsOf(cloneCount: number): Row<CloneResult>[] {
  const ifAny = (r: CloneResult, value: number) => (r.clones.length === 0 ? null : value);
  return [
    {
      label: "archive the master",
      value: (r) => r.master.seconds,
      from: (r) => [r.master],
      format: inSeconds,
    },
    {
      label: "archive it unchanged again",
      value: (r) => ifAny(r, r.again.seconds),
      from: (r) => [r.again],
      format: inSeconds,
    },
    { label: "archive a clone, median", value: medianSeconds, from: (r) => r.clones, format: inSeconds },
    {
      label: `archive ${cloneCount} clones`,
      value: (r) => ifAny(r, sum(r.clones.map(({ seconds }) => seconds))),
      from: (r) => r.clones,
      format: inSeconds,
    },
    {
      label: "archive, peak memory",
      value: (r) => maxOrNull([r.master, ...r.clones].map(({ peakBytes }) => peakBytes)),
      format: inMegabytes,
    },
    { label: "master alone", value: (r) => r.masterBytes, format: inMegabytes },
    {
      label: "a clone adds, on average",
      value: (r) => ifAny(r, (r.bytes - r.masterBytes) / cloneCount),
      format: inMegabytes,
    },
    { label: `master and ${cloneCount} clones`, value: (r) => ifAny(r, r.bytes), format: inMegabytes },
    { label: "… after the night job", value: (r) => r.shrunk?.bytes ?? null, format: inMegabytes },
    {
      label: "restore the last clone to a new file",
      value: (r) => r.restored?.seconds ?? null,
      from: (r) => (r.restored === null ? [] : [r.restored]),
      format: inSeconds,
    },
  ];
}

function claimsOf(results: readonly CloneResult[], cloneCount: number): Claim[] {
  const own = results.find(({ tool }) => tool.name === "sheepfold");
  const gzipBytes = results.find(({ tool }) => tool.name === "gzip")?.masterBytes;
  return [
    {
      text: `master and ${cloneCount} clones, to one gzip image of the master`,
      value: ratio(own?.bytes, gzipBytes),
      atMost: 1.15,
      format: times,
    },
    {
      text: "… after the night job",
      value: ratio(own?.shrunk?.bytes, gzipBytes),
      atMost: 1.15,
      format: times,
    },
    {
      text: "archive a clone (median), to archiving the master unchanged",
      value: ratio(own === undefined ? null : medianSeconds(own), own?.again.seconds),
      atMost: 1.3,
      format: times,
    },
  ];
}

function medianSeconds({ clones: archives }: CloneResult): number | null {
  const sorted = archives.map(({ seconds }) => seconds).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? null;
}

function panelsOf(results: readonly CloneResult[]): Panel[] {
  const some = results.filter(({ clones: archives }) => archives.length > 0);
  const panel = (
    title: string,
    from: readonly CloneResult[],
    value: (r: CloneResult) => number | null,
    format: Panel["format"],
  ): Panel => ({
    title,
    format,
    bars: from.map((r) => ({ name: r.tool.name, value: value(r) })),
  });
  return [
    panel("Archive a clone, median seconds", some, medianSeconds, inSeconds),
    panel("Master alone", results, (r) => r.masterBytes, inMegabytes),
    panel("Master and all clones", some, (r) => r.bytes, inMegabytes),
  ];
}
