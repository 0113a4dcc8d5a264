// npm run bench -- [--set NAME] [options]; --help lists them. Measures Sheepfold (its CLI, a real repository on disk)
// side by side with the peers installed here, and writes a Markdown table and a chart to bench/results/.
//
// Nothing is faked: a missing peer is said, and so is a machine that is busy with other things. What each set measures,
// and what is fair about it, is in docs/benchmarks.md.
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { benchChain } from "./chain.ts";
import { chartOf, type Panel } from "./chart.ts";
import { benchClones } from "./clones.ts";
import { differingBytes } from "./differing-bytes.ts";
import { benchGrowth } from "./growth.ts";
import { benchInterference } from "./interference.ts";
import { measureLimits } from "./limits.ts";
import { benchLocalized } from "./localized.ts";
import { type Bench, emptyFolder, measureTool, type ToolResult } from "./measure-tool.ts";
import { type BenchRun, panelsOf, report } from "./report.ts";
import { hasGnuTime } from "./run-measured.ts";
import { type ImageRecipe, prepareImages } from "./sets/image-set.ts";
import { synthetic } from "./sets/synthetic.ts";
import { temporal } from "./sets/temporal.ts";
import { type Choice, installedTools } from "./tools/installed.ts";

const USAGE = `npm run bench -- [options]

  --set temporal|clones|localized|synthetic|growth|interference|chain   default: synthetic (small, no root)
  --work DIR         scratch folder; images are kept in it for the next run (default: .sheepfold/bench)
  --size SIZE        of an image, such as 512M or 2G (default: the set's own)
  --only TOOL        only sheepfold, or only one peer
  --peers A,B        only these peers: borg-fixed, borg, restic, casync, bup, gzip, zstd, partclone
  --clones N         of the sets clones and localized (default: 75)
  --blocks A,B       of the set growth: sizes of the repository in blocks (default: 1M,10M,50M)
  --rounds N         of the sets interference (default: 5) and chain
  --pcs A,B          of the set chain: how many PCs (default: 1,8,16,64); needs root, ip and tc
  --line MBIT        of the set chain: megabits a second of each line (default: 2)
  --image MIB        of the set chain: size of the image (default: 32)
  --scrub-rate MB    of the set interference: megabytes a second (default: as fast as it can)
  --patience SECONDS how long, in all, to wait for a busy machine to become quiet (default: 120)
`;

const { values } = parseArgs({
  options: {
    set: { type: "string", default: "synthetic" },
    work: { type: "string", default: ".sheepfold/bench" },
    size: { type: "string" },
    only: { type: "string" },
    peers: { type: "string" },
    clones: { type: "string", default: "75" },
    blocks: { type: "string", default: "1M,10M,50M" },
    "scrub-rate": { type: "string" },
    rounds: { type: "string", default: "5" },
    pcs: { type: "string", default: "1,8,16,64" },
    line: { type: "string", default: "2" },
    image: { type: "string", default: "32" },
    patience: { type: "string", default: "120" },
    help: { type: "boolean", default: false },
  },
});

interface Outcome {
  readonly markdown: string;
  readonly panels: readonly Panel[];
  /** Instead of the panels. */
  readonly chart?: string;
}

const say = (text: string) => process.stderr.write(`${text}\n`);
const work = resolve(values.work);
const repositories = join(work, "repositories");
const bench: Bench = {
  work: join(work, "scratch"),
  patience: { leftMs: 1000 * parseCount("--patience", values.patience) },
  say,
};
const choice: Choice = { only: values.only ?? null, peers: values.peers?.split(",") ?? null };

const SETS: Record<string, () => Promise<Outcome>> = {
  temporal: () => benchImages(temporal),
  synthetic: () => benchImages(synthetic),
  clones: () =>
    benchClones(bench, {
      choice,
      repositories,
      images: join(work, "images", "clones"),
      cloneCount: parseCount("--clones", values.clones),
      sizeBytes: parseSize(values.size),
    }),
  localized: () =>
    benchLocalized(bench, {
      cloneCount: parseCount("--clones", values.clones),
      systemBytes: parseSize(values.size),
    }),
  growth: () => benchGrowth(bench, { repositories, blockCounts: values.blocks.split(",").map(parseBlocks) }),
  chain: () =>
    benchChain(bench, {
      pcCounts: values.pcs.split(",").map((count) => parseCount("--pcs", count)),
      imageBytes: parseCount("--image", values.image) * 2 ** 20,
      lineMbit: parseCount("--line", values.line),
      roundCount: parseCount("--rounds", values.rounds),
    }),
  interference: () =>
    benchInterference(bench, {
      repositories,
      sizeBytes: parseSize(values.size) ?? 2 ** 30,
      roundCount: parseCount("--rounds", values.rounds),
      scrubRate: parseRate(values["scrub-rate"]),
    }),
};

async function main(): Promise<void> {
  const runSet = SETS[values.set];
  if (values.help || runSet === undefined) {
    process.stdout.write(USAGE);
    if (!values.help) throw new Error(`There is no set "${values.set}".`);
    return;
  }
  if (!hasGnuTime) say("GNU time is not installed (Debian package time): CPU and memory are not measured.");
  await emptyFolder(bench.work);
  try {
    const { markdown, panels, chart } = await runSet();
    const folder = fileURLToPath(new URL("./results", import.meta.url));
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, `${values.set}.md`), markdown);
    const picture = chart ?? chartOf(`Sheepfold benchmark: ${values.set}`, panels);
    await writeFile(join(folder, `${values.set}.svg`), picture);
    process.stdout.write(markdown);
  } finally {
    await rm(bench.work, { recursive: true, force: true });
    await rm(repositories, { recursive: true, force: true });
  }
}

async function benchImages(recipe: ImageRecipe): Promise<Outcome> {
  const sizeBytes = parseSize(values.size) ?? recipe.sizeBytesDefault;
  const images = await prepareImages(recipe, join(work, "images", recipe.name), sizeBytes, say);
  const { tools, missing } = await installedTools(repositories, choice);
  for (const name of missing) say(`Not installed, so not measured: ${name}.`);
  say("Measuring what the machine can do …");
  const limits = await measureLimits(images.last.path, sizeBytes, bench.work);
  const difference = await differingBytes(images.last.path, images.rollBackTo.path, sizeBytes);
  const results: ToolResult[] = [];
  for (const tool of tools) {
    await emptyFolder(repositories);
    results.push(await measureTool(tool, images, bench));
  }
  const run: BenchRun = { set: recipe.name, images, limits, difference, results, missing };
  return { markdown: report(run), panels: panelsOf(run) };
}

/** "512M", "2G", or bytes; whole MiB. */
function parseSize(text: string | undefined): number | null {
  if (text === undefined) return null;
  const match = /^(\d+)([MG]?)$/.exec(text);
  const factor = match?.[2] === "G" ? 2 ** 30 : match?.[2] === "M" ? 2 ** 20 : 1;
  const bytes = Number(match?.[1]) * factor;
  if (!Number.isSafeInteger(bytes) || bytes < 64 * 2 ** 20 || bytes % 2 ** 20 !== 0) {
    throw new Error(`--size ${text}: give whole MiB of at least 64M, such as 512M or 2G.`);
  }
  return bytes;
}

/** "1M", "500K": decimal, as blocks are counted. */
function parseBlocks(text: string): number {
  const match = /^(\d+)([KM])$/.exec(text);
  const count = Number(match?.[1]) * (match?.[2] === "M" ? 1e6 : 1e3);
  if (!Number.isSafeInteger(count) || count < 1000)
    throw new Error(`--blocks ${text}: give such as 500K or 10M.`);
  return count;
}

function parseRate(megabytes: string | undefined): number | null {
  return megabytes === undefined ? null : parseCount("--scrub-rate", megabytes) * 1e6;
}

function parseCount(option: string, text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new Error(`${option} ${text}: give a number.`);
  return Number(text);
}

await main();
