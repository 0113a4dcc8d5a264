// Recipes carried out on one disk after its restore: look, decide, refuse or go on; then each partition's recipes in their order, a
// flush, and the file system's own checker. All refusals that can be known beforehand come before the first byte of any. A recipe that
// fails later leaves its file as it was and the ones before it done: the disk is no longer what its snapshot says, so the caller must
// not call the restore a success, and repeating the restore and the recipes puts everything right.
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CodedError } from "#lib/model/errors.ts";
import { type RecipeMessage, RecipeMessages, type RecipeResult } from "#lib/protocol/recipe.ts";
import { assertSafeToWrite, type DiskUsage } from "../device/guards.ts";
import { wordsOf } from "../device/raw-device.ts";
import { usageOf } from "../device/usage.ts";
import { applyRecipe, assertSuits, fileOf, toolsFor } from "./apply-recipe.ts";
import { type FileSystem, fileSystemOf, notClean } from "./file-system.ts";
import { assertNtfsClean } from "./ntfs-files.ts";
import { requireTools, type ToolName, toolRunner } from "./tools.ts";
import {
  changeVolume,
  checkVolume,
  linkDisk,
  type RecipePartition,
  readBeginning,
  type VolumePlace,
  withDevice,
} from "./volume.ts";
import type { VolumeFiles, Workbench } from "./volume-files.ts";

export interface RecipeRun {
  readonly diskPath: string;
  readonly isFile: boolean;
  readonly partitions: readonly RecipePartition[];
  readonly recipes: readonly RecipeMessage[];
  /** Heard between recipes and while checkers look; a write once begun is finished. */
  readonly signal: AbortSignal;
}

interface NumberedRecipe {
  readonly index: number;
  readonly recipe: RecipeMessage;
}

/** What there is to do on one partition. */
interface VolumeWork {
  readonly place: VolumePlace;
  readonly fileSystem: FileSystem;
  readonly recipes: readonly NumberedRecipe[];
}

const TOOLS_OF: Readonly<Record<FileSystem, readonly ToolName[]>> = {
  ext: ["debugfs", "e2fsck"],
  fat: ["mattrib", "mcopy", "mdel", "mmd", "mren", "fsck.fat"],
  ntfs: ["ntfs-3g.probe", "ntfsinfo", "ntfsls", "ntfscat", "ntfscp", "ntfsfix"],
};

/** One result for each recipe, in their order. */
export async function runRecipes(run: RecipeRun): Promise<RecipeResult[]> {
  if (run.recipes.length === 0) return [];
  const folder = await mkdtemp(join(tmpdir(), "sheepfold-recipes-"));
  try {
    const work = await decide(run, folder);
    const results: RecipeResult[] = [];
    for (const volume of work)
      results.push(...(await carryOut(run, await benchFor(folder, volume.place), volume)));
    return results.sort((left, right) => left.recipe - right.recipe);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What to do where, after everything that can be known beforehand has agreed. Reads only. */
async function decide(run: RecipeRun, folder: string): Promise<VolumeWork[]> {
  const numbered = parsedAgain(run.recipes).map((recipe, index) => ({ index, recipe }));
  const usage = await usageOf(run.diskPath, run.isFile);
  const work: VolumeWork[] = [];
  for (const [name, recipes] of Map.groupBy(numbered, ({ recipe }) => recipe.partition)) {
    const place = placeOf(run, name);
    assertFree(run.diskPath, place.partition, usage);
    const fileSystem = fileSystemOf(name, await readBeginning(place));
    for (const numberedRecipe of recipes) {
      await named(run, numberedRecipe, fileSystem, async () =>
        assertSuits(numberedRecipe.recipe, fileSystem),
      );
    }
    work.push({ place, fileSystem, recipes });
  }
  await requireTools(work.flatMap(toolsOfWork));
  for (const { place, fileSystem } of work)
    await assertWhole(await benchFor(folder, place), place, fileSystem, run.signal);
  return work;
}

/** What goes into the programs' commands must not depend on who calls us having parsed it. */
function parsedAgain(recipes: readonly RecipeMessage[]): RecipeMessage[] {
  const parsed = RecipeMessages.safeParse(recipes);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new CodedError(
    "input-invalid",
    `A recipe is not valid (${issue?.path.join(".")}): ${issue?.message}`,
    {
      hint: "Correct the recipe that is named; recipes are counted from 0 here.",
    },
  );
}

/** Whose disk it is and whether it fits were the restore's questions; here it is only asked whether it is in use. */
function assertFree(diskPath: string, { name, sizeBytes }: RecipePartition, usage: DiskUsage): void {
  assertSafeToWrite({
    diskPath,
    expectedSerial: "",
    presentSerial: "",
    partition: name,
    imageBytes: sizeBytes,
    targetBytes: sizeBytes,
    usage,
    layout: null,
  });
}

/** Refuses what its checker would complain of afterwards without our doing. ext4 has noted in its superblock whether it is whole; to
 *  read all of it twice would double the longest step. */
async function assertWhole(
  bench: Workbench,
  place: VolumePlace,
  fileSystem: FileSystem,
  signal: AbortSignal,
): Promise<void> {
  const { name } = place.partition;
  if (fileSystem === "ext") return;
  if (fileSystem === "ntfs") await withDevice(bench, place, (device) => assertNtfsClean(bench, device, name));
  await checkVolume(bench, place, fileSystem, signal).catch((thrown: unknown) => {
    throw thrown instanceof CodedError ? notClean(name, fileSystem, thrown.message) : thrown;
  });
}

async function carryOut(run: RecipeRun, bench: Workbench, work: VolumeWork): Promise<RecipeResult[]> {
  const { place, fileSystem, recipes } = work;
  const use = async (files: VolumeFiles) => {
    const results: RecipeResult[] = [];
    for (const numbered of recipes) {
      run.signal.throwIfAborted();
      const { index, recipe } = numbered;
      const applied = await named(run, numbered, fileSystem, () =>
        applyRecipe({ bench, fileSystem, files }, recipe),
      );
      results.push({ recipe: index, ...applied });
    }
    return results;
  };
  return changeVolume(bench, place, fileSystem, { use, signal: run.signal });
}

/** Runs a part of a recipe; what it throws says which recipe and which file. */
async function named<Result>(
  { recipes }: RecipeRun,
  { index, recipe }: NumberedRecipe,
  fileSystem: FileSystem,
  part: () => Promise<Result>,
): Promise<Result> {
  try {
    return await part();
  } catch (thrown) {
    const file = fileOf(recipe, fileSystem);
    const which = `Recipe ${index + 1} of ${recipes.length} (${recipe.kind}, ${file} of ${recipe.partition})`;
    const facts = { recipe: index, partition: recipe.partition, file };
    if (!(thrown instanceof CodedError)) {
      throw new CodedError("internal", `${which}: ${wordsOf(thrown)}`, { facts, cause: thrown });
    }
    const { code, message, hint, retry } = thrown;
    throw new CodedError(code, `${which}: ${message}`, {
      hint: hint ?? undefined,
      retry,
      facts,
      cause: thrown,
    });
  }
}

/** A folder for each partition: two of one disk must not find each other's names. */
async function benchFor(folder: string, place: VolumePlace): Promise<Workbench> {
  const own = join(folder, String(place.partition.offsetBytes));
  const isNew = (await mkdir(own, { recursive: true })) !== undefined;
  const bench = { folder: own, run: toolRunner(own) };
  if (isNew) await linkDisk(bench, place);
  return bench;
}

function placeOf({ diskPath, isFile, partitions }: RecipeRun, name: string): VolumePlace {
  const partition = partitions.find((candidate) => candidate.name === name);
  if (partition !== undefined) return { diskPath, isFile, partition };
  throw new CodedError("target-missing", `${diskPath} has no partition ${name}, which a recipe names.`, {
    hint: `Correct the recipe: there are ${partitions.map((one) => one.name).join(", ") || "no partitions"}.`,
  });
}

function toolsOfWork({ place, fileSystem, recipes }: VolumeWork): ToolName[] {
  const loop: ToolName[] = place.isFile && fileSystem !== "ext" ? ["losetup"] : [];
  return [...TOOLS_OF[fileSystem], ...loop, ...recipes.flatMap(({ recipe }) => toolsFor(recipe, fileSystem))];
}
