// What one tool costs on one image set: every generation archived in turn on warm cache, the last one again, a full
// restore of it, the roll-back over it, and what is left after the tool's night job. Every restored byte is compared.
import { execFile } from "node:child_process";
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { readThrough } from "./limits.ts";
import { type Measured, runMeasured, waitForQuiet } from "./run-measured.ts";
import type { Generation, ImageSet } from "./sets/image-set.ts";
import { numberField } from "./tools/sheepfold.ts";
import { IMAGE_NAME, type Tool } from "./tools/tool.ts";

const run = promisify(execFile);

export interface ToolResult {
  readonly tool: Tool;
  readonly archives: readonly Measured[];
  /** Of the repository after each archive. */
  readonly sizes: readonly number[];
  /** The last generation once more. */
  readonly again: Measured;
  readonly againBytes: number;
  readonly full: Measured;
  readonly fullFlush: Measured;
  readonly rollBack: Measured;
  readonly rollBackFlush: Measured;
  /** As the tool says; null when it does not. */
  readonly rollBackWrittenBytes: number | null;
  readonly shrunk: { readonly seconds: number; readonly bytes: number } | null;
}

export interface Bench {
  /** Scratch folder, on the disk that is measured. */
  readonly work: string;
  /** How long, in all, to wait for a machine that others are using. */
  readonly patience: { leftMs: number };
  say(text: string): void;
}

const NODE = "bench";

export async function measureTool(tool: Tool, images: ImageSet, bench: Bench): Promise<ToolResult> {
  const { say, work } = bench;
  await tool.init();
  const archives: Measured[] = [];
  const sizes: number[] = [];
  for (const { name, path } of images.generations) {
    archives.push(await archiveOnce(tool, { name, path, node: NODE }, bench));
    sizes.push(await folderBytes(tool.repository));
  }
  const again = await archiveOnce(tool, { name: "again", path: images.last.path, node: NODE }, bench);
  const againBytes = (await folderBytes(tool.repository)) - (sizes.at(-1) ?? 0);

  const folder = join(work, "restored");
  await emptyFolder(folder);
  const { measured: full, flushed: fullFlush } = await restoreOnce(tool, images.last, folder, bench);
  // What the restore left is a file of the last generation, warm in the page cache: the target to roll back.
  const { measured: rollBack, flushed: rollBackFlush } = await restoreOnce(
    tool,
    images.rollBackTo,
    folder,
    bench,
  );
  const rollBackWrittenBytes =
    tool.name === "sheepfold" ? numberField(rollBack.stdout, "writtenBytes") : null;

  const shrunk = await shrink(tool, bench);
  if (shrunk !== null) {
    say(`${tool.name}: after its night job ${shrunk.bytes} bytes; restoring from them …`);
    await emptyFolder(folder);
    await restoreOnce(tool, images.last, folder, bench);
  }
  await rm(folder, { recursive: true });
  const restores = { full, fullFlush, rollBack, rollBackFlush, rollBackWrittenBytes };
  return { tool, archives, sizes, again, againBytes, ...restores, shrunk };
}

export async function archiveOnce(
  tool: Tool,
  image: { readonly name: string; readonly path: string; readonly node: string },
  { work, patience, say }: Bench,
): Promise<Measured> {
  await waitForQuiet(patience);
  await readThrough(image.path);
  const measured = await runMeasured(tool.archive(image.name, image.path, image.node), work);
  tool.archived?.(image.name, measured.stdout);
  say(`${tool.name}: archived ${image.name} in ${measured.seconds.toFixed(2)} s`);
  return measured;
}

export async function restoreOnce(
  tool: Tool,
  { name, path }: Pick<Generation, "name" | "path">,
  folder: string,
  { work, patience, say }: Bench,
): Promise<{ measured: Measured; flushed: Measured }> {
  await waitForQuiet(patience);
  const measured = await runMeasured(tool.restore({ generation: name, folder }), work);
  const restored = await restoredFile(folder);
  // A restore that is still only in memory is not finished: what flushing it costs is measured for all alike.
  const flushed = await runMeasured({ program: "sync", args: [restored] }, work);
  await assertEqual(tool, path, restored);
  say(`${tool.name}: restored ${name} in ${measured.seconds.toFixed(2)} s, checked`);
  return { measured, flushed };
}

async function assertEqual(tool: Tool, original: string, restored: string): Promise<void> {
  if (tool.keepsEveryByte) await run("cmp", [original, restored]);
  else if ((await fileSystemCheck(original)) !== (await fileSystemCheck(restored)))
    throw new Error(`${tool.name} restored another file system than ${original}.`);
}

/** What e2fsck says. An image may be damaged on purpose (the synthetic set overwrites blocks): then the restored one must
 *  have the same damage. */
async function fileSystemCheck(image: string): Promise<string> {
  try {
    return (await run("/sbin/e2fsck", ["-f", "-n", image])).stdout;
  } catch (error) {
    if (
      error instanceof Error &&
      "stdout" in error &&
      typeof error.stdout === "string" &&
      error.stdout !== ""
    )
      return error.stdout;
    throw error;
  }
}

export async function shrink(tool: Tool, { work }: Bench): Promise<ToolResult["shrunk"]> {
  if (tool.shrink === undefined) return null;
  let seconds = 0;
  for (const command of tool.shrink) seconds += (await runMeasured(command, work)).seconds;
  return { seconds, bytes: await folderBytes(tool.repository) };
}

async function restoredFile(folder: string): Promise<string> {
  const wanted = join(folder, IMAGE_NAME);
  const names = await readdir(folder);
  if (names.length !== 1 || names[0] === undefined) throw new Error(`${folder} holds ${names.join(", ")}.`);
  if (names[0] !== IMAGE_NAME) await rename(join(folder, names[0]), wanted);
  return wanted;
}

export async function emptyFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
}

/** Lengths of all files. */
export async function folderBytes(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).size;
  }
  return bytes;
}
