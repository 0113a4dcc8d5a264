// npm run bench -- [--set NAME] [--size 2G] [--only TOOL] [--work DIR] [--patience SECONDS] [--keep]
//
// Archives the same generations of a real partition with Sheepfold (its CLI, a real repository on disk) and with the
// peers installed here, restores them, checks every restored byte, and writes a Markdown table of ratios to
// bench/results/NAME.md. Nothing is faked: a missing peer is said, and so is a machine that is busy with other things.
import { execFile } from "node:child_process";
import { mkdir, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { type ImageSet, prepareImages } from "./images.ts";
import { measureLimits, readThrough } from "./limits.ts";
import { report, type ToolResult } from "./report.ts";
import { hasGnuTime, type Measured, runMeasured, waitForQuiet } from "./run-measured.ts";
import { installedTools, type Tool } from "./tools.ts";

const run = promisify(execFile);

const { values } = parseArgs({
  options: {
    set: { type: "string", default: "quick" },
    size: { type: "string", default: "2G" },
    only: { type: "string", multiple: true },
    work: { type: "string", default: ".sheepfold/bench" },
    patience: { type: "string", default: "120" },
    keep: { type: "boolean", default: false },
  },
});

/** How long, in all, to wait for a machine that others are using. */
const patience = { leftMs: 1000 * Number(values.patience) };

const say = (text: string) => process.stderr.write(`${text}\n`);

async function main(): Promise<void> {
  const sizeBytes = parseSize(values.size);
  const work = resolve(values.work);
  await mkdir(work, { recursive: true });
  say(`Making images of ${values.size} in ${work} (or taking those of an earlier run) …`);
  const images = await prepareImages(join(work, "images", values.size), sizeBytes);
  const { tools, missing } = await installedTools(join(work, "repositories"));
  for (const name of missing) say(`Not installed, so not measured: ${name}.`);
  if (!hasGnuTime) say("GNU time is not installed (Debian package time): CPU and memory are not measured.");
  say("Measuring what the machine can do …");
  const limits = await measureLimits(firstImage(images), sizeBytes, work);
  const results: ToolResult[] = [];
  for (const tool of tools) {
    if (values.only !== undefined && !values.only.some((name) => tool.name.startsWith(name))) continue;
    results.push(await measureTool(tool, images, work));
  }
  const text = report({ set: values.set, images, limits, results, missing });
  const folder = fileURLToPath(new URL("./results", import.meta.url));
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${values.set}.md`), text);
  process.stdout.write(text);
  if (!values.keep) await rm(join(work, "repositories"), { recursive: true, force: true });
}

async function measureTool(tool: Tool, images: ImageSet, work: string): Promise<ToolResult> {
  await rm(join(work, "repositories"), { recursive: true, force: true });
  await mkdir(join(work, "repositories"), { recursive: true });
  await tool.init();
  const archives: Measured[] = [];
  const sizes: { apparentBytes: number; allocatedBytes: number }[] = [];
  for (const { name, path } of images.generations) {
    await waitForQuiet(patience);
    await readThrough(path);
    const measured = await runMeasured(tool.archive(name, path), work);
    tool.archived(name, measured.stdout);
    archives.push(measured);
    sizes.push(await folderSize(tool.repository));
    say(`${tool.name}: archived ${name} in ${measured.seconds.toFixed(2)} s`);
  }
  const restores = await measureRestores(tool, images, work);
  return { tool, archives, sizes, ...restores };
}

/** A full restore of the last generation, then of the first one over it: by comparison where the tool can. */
async function measureRestores(tool: Tool, images: ImageSet, work: string) {
  const folder = join(work, "repositories", "restored");
  await mkdir(folder, { recursive: true });
  const last = images.generations.at(-1);
  const first = images.generations[0];
  if (last === undefined || first === undefined) throw new Error("Bug: no generations.");
  await waitForQuiet(patience);
  const full = await runMeasured(tool.restore({ generation: last.name, folder }), work);
  const fullFlush = await flush(folder, work);
  await assertEqual(last.path, folder);
  say(`${tool.name}: restored ${last.name} in ${full.seconds.toFixed(2)} s, identical`);
  await waitForQuiet(patience);
  const delta = await runMeasured(tool.restore({ generation: first.name, folder }), work);
  const deltaFlush = await flush(folder, work);
  await assertEqual(first.path, folder);
  say(`${tool.name}: restored ${first.name} over it in ${delta.seconds.toFixed(2)} s, identical`);
  return { full, fullFlush, delta, deltaFlush };
}

/** A restore that is still only in memory is not finished: what flushing it costs is measured for all alike. */
async function flush(folder: string, work: string): Promise<Measured> {
  return runMeasured({ program: "sync", args: [await restoredFile(folder)] }, work);
}

async function assertEqual(original: string, folder: string): Promise<void> {
  await run("cmp", [original, await restoredFile(folder)]);
}

async function restoredFile(folder: string): Promise<string> {
  const wanted = join(folder, "part.img");
  const names = await readdir(folder);
  if (names.length !== 1 || names[0] === undefined) throw new Error(`${folder} holds ${names.join(", ")}.`);
  if (names[0] !== "part.img") await rename(join(folder, names[0]), wanted);
  return wanted;
}

async function folderSize(folder: string): Promise<{ apparentBytes: number; allocatedBytes: number }> {
  let apparentBytes = 0;
  let allocatedBytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const { size, blocks } = await stat(join(entry.parentPath, entry.name));
    apparentBytes += size;
    allocatedBytes += blocks * 512;
  }
  return { apparentBytes, allocatedBytes };
}

function firstImage(images: ImageSet): string {
  const path = images.generations[0]?.path;
  if (path === undefined) throw new Error("Bug: no generations.");
  return path;
}

/** "512M", "2G", or bytes; whole MiB. */
function parseSize(text: string): number {
  const match = /^(\d+)([MG]?)$/.exec(text);
  const factor = match?.[2] === "G" ? 2 ** 30 : match?.[2] === "M" ? 2 ** 20 : 1;
  const bytes = Number(match?.[1]) * factor;
  if (!Number.isSafeInteger(bytes) || bytes < 64 * 2 ** 20 || bytes % 2 ** 20 !== 0) {
    throw new Error(`--size ${text}: give whole MiB of at least 64M, such as 512M or 2G.`);
  }
  return bytes;
}

await main();
