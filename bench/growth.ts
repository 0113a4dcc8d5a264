// The set growth: what an archive costs in a repository of a million, ten and fifty million blocks. The repository is
// filled through the engine's own archive with distinct blocks that compress well; at each size a fresh image of 1 GiB is
// archived by the CLI, then the same again, and the repository is opened by a process that does nothing else.
import { execFile } from "node:child_process";
import { rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { formatBytes } from "#lib/model/units.ts";
import type { Panel } from "./chart.ts";
import { type Claim, claimTable } from "./claim.ts";
import { machineLine } from "./machine.ts";
import { archiveOnce, type Bench, emptyFolder } from "./measure-tool.ts";
import type { Measured } from "./run-measured.ts";
import { writeFreshImage } from "./sets/fresh-image.ts";
import { inMegabytes, inSeconds, noiseLine } from "./table.ts";
import { numberField, sheepfold } from "./tools/sheepfold.ts";

const run = promisify(execFile);
const STEP = fileURLToPath(new URL("./growth-step.ts", import.meta.url));
const IMAGE_BYTES = 2 ** 30;
/** Digest, directory and payload of a numbered block, with room to spare: 400 000 of them took 50 bytes each. */
const STORED_BYTES_PER_BLOCK = 120;

export interface GrowthRequest {
  readonly repositories: string;
  readonly blockCounts: readonly number[];
}

interface GrowthResult {
  readonly fillSeconds: number;
  readonly fresh: Measured;
  readonly again: Measured;
  readonly openSeconds: number;
  readonly blockCount: number;
  readonly storedBytes: number;
  readonly indexBytes: number;
  /** Of a process that has the repository open, beyond one that has an empty one open. */
  readonly residentBytes: number;
}

export async function benchGrowth(
  bench: Bench,
  { repositories, blockCounts }: GrowthRequest,
): Promise<{ markdown: string; panels: Panel[] }> {
  const counts = [...blockCounts].sort((a, b) => a - b);
  await emptyFolder(repositories);
  await checkRoom(repositories, counts.at(-1) ?? 0);
  const tool = await sheepfold(repositories, "growth");
  await tool.init();
  const emptyBytes = (await openOnce(tool.repository)).residentBytes;
  const image = join(bench.work, "fresh.img");
  const results: GrowthResult[] = [];
  let filled = 0;
  for (const count of counts) {
    const fillSeconds = await fill(tool.repository, filled, count - filled);
    filled = count;
    bench.say(`${count} blocks: filled in ${fillSeconds.toFixed(0)} s`);
    await writeFreshImage(image, `growth ${count}`, IMAGE_BYTES);
    const asNode = { path: image, node: `pc-${count}` };
    const fresh = await archiveOnce(tool, { ...asNode, name: `fresh-${count}` }, bench);
    const again = await archiveOnce(tool, { ...asNode, name: `again-${count}` }, bench);
    const opened = await openOnce(tool.repository);
    const residentBytes = opened.residentBytes - emptyBytes;
    results.push({ ...opened, fillSeconds, fresh, again, openSeconds: opened.seconds, residentBytes });
  }
  await rm(image);

  const markdown = [
    "# Benchmark: growth",
    `Archiving an image of ${formatBytes(IMAGE_BYTES)} with a block size of 4 KiB into a repository that has many blocks ` +
      "already. The image is fresh each time (half of it incompressible), then unchanged. Opening includes reading the index " +
      "cache and looking up a first page of blocks, in a process of its own; memory is what that process has resident beyond one with an empty " +
      "repository open.",
    machineLine(),
    tableOfGrowth(results),
    `## Promises\n\n${claimTable(claimsOf(results))}`,
    noiseLine(results.flatMap(({ fresh, again }) => [fresh, again])),
  ];
  return { markdown: `${markdown.join("\n\n")}\n`, panels: panelsOf(results) };
}

async function checkRoom(folder: string, blockCount: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const needed = blockCount * STORED_BYTES_PER_BLOCK + 8 * IMAGE_BYTES;
  if (bavail * bsize >= needed) return;
  throw new Error(
    `${formatBytes(needed)} are needed at ${folder}, ${formatBytes(bavail * bsize)} are free: give --work or fewer --blocks.`,
  );
}

async function fill(repository: string, first: number, count: number): Promise<number> {
  const { stdout } = await run(process.execPath, [STEP, "fill", repository, `${first}`, `${count}`]);
  return numberField(stdout, "seconds");
}

async function openOnce(repository: string) {
  const { stdout } = await run(process.execPath, ["--expose-gc", STEP, "open", repository]);
  const field = (name: string) => numberField(stdout, name);
  return {
    seconds: field("seconds"),
    residentBytes: field("residentBytes"),
    blockCount: field("blockCount"),
    storedBytes: field("storedBytes"),
    indexBytes: field("indexBytes"),
  };
}

function tableOfGrowth(results: readonly GrowthResult[]): string {
  const rows: readonly (readonly [string, (r: GrowthResult) => string])[] = [
    ["archive a fresh image", (r) => inSeconds(r.fresh.seconds)],
    ["… peak memory", (r) => (r.fresh.peakBytes === null ? "-" : inMegabytes(r.fresh.peakBytes))],
    ["archive it unchanged again", (r) => inSeconds(r.again.seconds)],
    ["… peak memory", (r) => (r.again.peakBytes === null ? "-" : inMegabytes(r.again.peakBytes))],
    ["open", (r) => inSeconds(r.openSeconds)],
    ["memory of the open repository", (r) => inMegabytes(r.residentBytes)],
    ["… per block", (r) => inBytes(perBlock(r))],
    ["index on disk, per block", (r) => inBytes(r.indexBytes / r.blockCount)],
    ["repository", (r) => inMegabytes(r.storedBytes)],
    ["filling it took", (r) => inSeconds(r.fillSeconds)],
  ];
  const head = ["", ...results.map(({ blockCount }) => inMillions(blockCount))];
  const rule = head.map((_, column) => (column === 0 ? "---" : "---:"));
  const lines = rows.map(([label, cell]) => [label, ...results.map(cell)]);
  return [head, rule, ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** The promise about memory is made for fifty million blocks; at fewer it is not tested. */
const PROMISED_BLOCKS = 50e6;

function claimsOf(results: readonly GrowthResult[]): Claim[] {
  const largest = results.at(-1);
  const promised = results.find(({ blockCount }) => blockCount >= PROMISED_BLOCKS);
  const peak = promised?.fresh.peakBytes ?? null;
  return [
    {
      text: "memory of the open repository per block, at the largest",
      value: largest === undefined ? null : perBlock(largest),
      atMost: 12,
      format: inBytes,
    },
    { text: "peak memory of an archive at 50 M blocks", value: peak, atMost: 700e6, format: inMegabytes },
  ];
}

function panelsOf(results: readonly GrowthResult[]): Panel[] {
  const panel = (
    title: string,
    value: (r: GrowthResult) => number | null,
    format: Panel["format"],
  ): Panel => ({
    title,
    format,
    bars: results.map((r) => ({ name: inMillions(r.blockCount), value: value(r) })),
  });
  return [
    panel("Archive a fresh image of 1 GiB", (r) => r.fresh.seconds, inSeconds),
    panel("Archive it unchanged again", (r) => r.again.seconds, inSeconds),
    panel("Open", (r) => r.openSeconds, inSeconds),
    panel("Memory per block", perBlock, inBytes),
    panel("Archive, peak memory", (r) => r.fresh.peakBytes, inMegabytes),
  ];
}

const perBlock = ({ residentBytes, blockCount }: GrowthResult) => residentBytes / blockCount;
const inBytes = (value: number) => `${value.toFixed(1)} B`;
const inMillions = (count: number) => `${(count / 1e6).toFixed(1)} M blocks`;
