// The synthetic set: a small ext4 file system with real files, and what becomes of it over a few generations. Made
// without mounting (mke2fs -d, debugfs), so that it needs no root. All tools of one run see the very same images.
import { createHash } from "node:crypto";
import { open, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Generation, ImageRecipe } from "./image-set.ts";
import { runShell } from "./mounted.ts";
import { chooseFiles, FIXED_TIME, makeFileSystem, type SourceFile } from "./source-files.ts";

/** Shares of the partition's size. */
const BASE_SHARE = 0.5;
const ADDED_SHARE = 0.12;
const REPLACED_SHARE = 0.05;
const REMOVED_SHARE = 0.08;
const IN_PLACE_BYTES = 1024 * 1024;

const PLAN = [
  ["base", "files of /usr, half full"],
  ["added", "12 % more files"],
  ["replaced", "files of 5 % replaced by others"],
  ["removed", "files of 8 % removed"],
  ["in-place", "1 MiB overwritten in place"],
] as const;

export const synthetic: ImageRecipe = {
  name: "synthetic",
  what: "a small partition with real files, changed a few times",
  version: 1,
  sizeBytesDefault: 2 ** 30,
  rollBackTo: "base",
  generations: (folder) =>
    PLAN.map(([name, what], index) => ({ name, what, path: join(folder, `${index + 1}-${name}.img`) })),
  make: makeSynthetic,
};

async function makeSynthetic(generations: readonly Generation[], sizeBytes: number): Promise<void> {
  const files = await chooseFiles(sizeBytes * (BASE_SHARE + ADDED_SHARE + REPLACED_SHARE));
  const base = takeBytes(files, 0, sizeBytes * BASE_SHARE);
  const added = takeBytes(files, base.length, sizeBytes * ADDED_SHARE);
  const fresh = takeBytes(files, base.length + added.length, sizeBytes * REPLACED_SHARE);
  const removed = takeBytes(base.slice(Math.floor(base.length / 2)), 0, sizeBytes * REMOVED_SHARE);
  const replaced = base.slice(0, fresh.length);
  const [first, second, third, fourth, fifth] = generations.map(({ path }) => path);
  if (!first || !second || !third || !fourth || !fifth) throw new Error("Bug: PLAN has fewer generations.");

  await makeFileSystem(`${first}.unfinished`, sizeBytes, base);
  await rename(`${first}.unfinished`, first);
  const adding = ["mkdir /added", ...added.map(({ path }, index) => `write ${path} /added/f${index}`)];
  await changeFileSystem(first, second, adding);
  const replacing = replaced.flatMap(({ path }, index) => [
    `rm ${path}`,
    `write ${fresh[index]?.path} ${path}`,
  ]);
  await changeFileSystem(second, third, replacing);
  const removing = removed.map(({ path }) => `rm ${path}`);
  await changeFileSystem(third, fourth, removing);
  await overwriteInPlace(fourth, fifth, sizeBytes);
}

function takeBytes(files: readonly SourceFile[], from: number, bytesWanted: number): SourceFile[] {
  let bytes = 0;
  let end = from;
  for (; end < files.length && bytes < bytesWanted; end += 1) bytes += files[end]?.sizeBytes ?? 0;
  return files.slice(from, end);
}

async function changeFileSystem(from: string, to: string, commands: readonly string[]): Promise<void> {
  const unfinished = `${to}.unfinished`;
  const script = `${to}.commands`;
  await runShell("cp", ["--sparse=always", from, unfinished]);
  await writeFile(script, `${commands.join("\n")}\n`);
  await runShell("debugfs", ["-w", "-f", script, unfinished], FIXED_TIME);
  await rm(script);
  await rename(unfinished, to);
}

async function overwriteInPlace(from: string, to: string, sizeBytes: number): Promise<void> {
  const unfinished = `${to}.unfinished`;
  await runShell("cp", ["--sparse=always", from, unfinished]);
  const handle = await open(unfinished, "r+");
  try {
    const offset = Math.floor(sizeBytes / 5 / 4096) * 4096;
    const noise = Buffer.alloc(IN_PLACE_BYTES);
    for (let at = 0; at < noise.length; at += 32)
      createHash("sha256").update(`${at}`).digest().copy(noise, at);
    await handle.write(noise, 0, noise.length, offset);
  } finally {
    await handle.close();
  }
  await rename(unfinished, to);
}
