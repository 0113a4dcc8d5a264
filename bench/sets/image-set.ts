// An image set is what the benchmark archives: a partition at several moments of its life (generations), as raw image
// files. A recipe makes one, and says with its version when images of an earlier run are still the same.
import { execFile } from "node:child_process";
import { access, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface Generation {
  readonly name: string;
  readonly what: string;
  readonly path: string;
}

export interface ImageSet {
  readonly what: string;
  readonly sizeBytes: number;
  /** In use by the file system, of the first and of the last generation. */
  readonly usedBytes: { readonly first: number; readonly last: number };
  readonly generations: readonly Generation[];
  readonly first: Generation;
  readonly last: Generation;
  /** The generation that is restored over the last one. */
  readonly rollBackTo: Generation;
}

export interface ImageRecipe {
  readonly name: string;
  readonly what: string;
  /** Changed whenever the images would come out differently. */
  readonly version: number;
  readonly sizeBytesDefault: number;
  /** The generation that is restored over the last one. */
  readonly rollBackTo: string;
  /** In the order in which they are archived. */
  generations(folder: string): readonly Generation[];
  /** Makes those that are missing. An image gets its name when it is whole, so that an interrupted making goes on. */
  make(generations: readonly Generation[], sizeBytes: number, say: (text: string) => void): Promise<void>;
}

const RECIPE_FILE = "recipe.json";

/** Makes the images of a recipe in a folder, or finds those of an earlier run there. */
export async function prepareImages(
  recipe: ImageRecipe,
  folder: string,
  sizeBytes: number,
  say: (text: string) => void,
): Promise<ImageSet> {
  const generations = recipe.generations(folder);
  await keepOnlyIfOf(recipe, folder, sizeBytes);
  const made = await Promise.all(generations.map(({ path }) => exists(path)));
  if (made.every(Boolean)) say(`Taking the images of an earlier run in ${folder}.`);
  else {
    say(`Making the ${recipe.name} images in ${folder} …`);
    await recipe.make(generations, sizeBytes, say);
  }
  const [first, last] = [generations[0], generations.at(-1)];
  const rollBackTo = generations.find(({ name }) => name === recipe.rollBackTo);
  if (!first || !last || !rollBackTo) throw new Error(`Bug: recipe ${recipe.name} lacks a generation.`);
  const usedBytes = { first: await usedBytesOf(first.path), last: await usedBytesOf(last.path) };
  return { what: recipe.what, sizeBytes, usedBytes, generations, first, last, rollBackTo };
}

/** Images of another recipe, version or size are removed. */
async function keepOnlyIfOf(recipe: ImageRecipe, folder: string, sizeBytes: number): Promise<void> {
  const wanted = JSON.stringify({ name: recipe.name, version: recipe.version, sizeBytes });
  const file = join(folder, RECIPE_FILE);
  const found = await readFile(file, "utf8").catch(() => null);
  if (found === wanted) return;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await writeFile(file, wanted);
}

export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** What the file system of an ext4 image says it uses. */
export async function usedBytesOf(image: string): Promise<number> {
  const env = { ...process.env, PATH: `${process.env.PATH}:/sbin:/usr/sbin` };
  const { stdout } = await run("dumpe2fs", ["-h", image], { env });
  const field = (name: string) => {
    const value = Number(new RegExp(`^${name}:\\s+(\\d+)$`, "m").exec(stdout)?.[1]);
    if (!Number.isSafeInteger(value)) throw new Error(`dumpe2fs says no ${name} of ${image}.`);
    return value;
  };
  return (field("Block count") - field("Free blocks")) * field("Block size");
}
