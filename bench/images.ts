// The partition the benchmark archives: a real ext4 file system with real files, and what becomes of it over a few
// generations. Made without mounting (mke2fs -d, debugfs), so that it needs no root.
//
// The files come from /usr of the machine it runs on, chosen in the order of a hash of their path: a fair mix, and
// the same choice each time on the same machine. All tools of one run see the very same images.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import {
  access,
  copyFile,
  mkdir,
  open,
  opendir,
  readFile,
  rm,
  stat,
  utimes,
  writeFile,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface Generation {
  readonly name: string;
  readonly what: string;
  readonly path: string;
}

export interface ImageSet {
  readonly sizeBytes: number;
  readonly fileBytes: number;
  readonly generations: readonly Generation[];
}

/** Shares of the partition's size. */
const BASE_SHARE = 0.5;
const ADDED_SHARE = 0.12;
const REPLACED_SHARE = 0.05;
const REMOVED_SHARE = 0.08;
const FILE_BYTES_MAX = 64 * 1024 * 1024;
const IN_PLACE_BYTES = 1024 * 1024;
const TREE = "/usr";
const FIXED_SECONDS = 1_700_000_000;
const FIXED_UUID = "5eee9f01-d000-4000-8000-000000000001";
/** Changed whenever the images would come out differently. */
const RECIPE_VERSION = 1;

interface SourceFile {
  readonly path: string;
  readonly sizeBytes: number;
}

const PLAN = [
  ["base", "files of /usr, half full"],
  ["unchanged", "the same again"],
  ["added", "12 % more files"],
  ["replaced", "files of 5 % replaced by others"],
  ["removed", "files of 8 % removed"],
  ["in-place", "1 MiB overwritten in place"],
] as const;

/** Makes the images, or finds those of an earlier run. */
export async function prepareImages(folder: string, sizeBytes: number): Promise<ImageSet> {
  const generations = PLAN.map(([name, what], index) => ({
    name,
    what,
    path: join(folder, name === "unchanged" ? "1-base.img" : `${index + 1}-${name}.img`),
  }));
  const recipe = join(folder, "recipe.json");
  const wanted = { version: RECIPE_VERSION, sizeBytes };
  const known = await readFile(recipe, "utf8").then(parseRecipe, () => null);
  if (known?.version === wanted.version && known.sizeBytes === sizeBytes) {
    return { sizeBytes, fileBytes: known.fileBytes, generations };
  }
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const fileBytes = await makeAll(folder, sizeBytes, generations);
  await writeFile(recipe, JSON.stringify({ ...wanted, fileBytes }));
  return { sizeBytes, fileBytes, generations };
}

interface Recipe {
  readonly version: number;
  readonly sizeBytes: number;
  readonly fileBytes: number;
}

function parseRecipe(text: string): Recipe | null {
  const value: unknown = JSON.parse(text);
  const isRecipe = typeof value === "object" && value !== null && "fileBytes" in value;
  return isRecipe ? (value as Recipe) : null;
}

async function makeAll(
  folder: string,
  sizeBytes: number,
  generations: readonly Generation[],
): Promise<number> {
  const files = await chooseFiles(sizeBytes * (BASE_SHARE + ADDED_SHARE + REPLACED_SHARE));
  const base = takeBytes(files, 0, sizeBytes * BASE_SHARE);
  const added = takeBytes(files, base.length, sizeBytes * ADDED_SHARE);
  const fresh = takeBytes(files, base.length + added.length, sizeBytes * REPLACED_SHARE);
  const removed = takeBytes(base.slice(Math.floor(base.length / 2)), 0, sizeBytes * REMOVED_SHARE);
  const replaced = base.slice(0, fresh.length);
  const [first, , third, fourth, fifth, sixth] = generations.map(({ path }) => path);
  if (!first || !third || !fourth || !fifth || !sixth) throw new Error("Bug: PLAN has fewer generations.");

  await makeFileSystem(join(folder, "stage"), base, first, sizeBytes);
  const adding = ["mkdir /added", ...added.map(({ path }, index) => `write ${path} /added/f${index}`)];
  await changeFileSystem(first, third, adding);
  const replacing = replaced.flatMap(({ path }, index) => [
    `rm ${path}`,
    `write ${fresh[index]?.path} ${path}`,
  ]);
  await changeFileSystem(third, fourth, replacing);
  await changeFileSystem(
    fourth,
    fifth,
    removed.map(({ path }) => `rm ${path}`),
  );
  await overwriteInPlace(fifth, sixth, sizeBytes);
  return base.reduce((sum, file) => sum + file.sizeBytes, 0);
}

async function chooseFiles(bytesWanted: number): Promise<SourceFile[]> {
  const paths: string[] = [];
  for await (const entry of await opendir(TREE, { recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    // debugfs reads its commands from lines of words: names with other characters are left out.
    if (entry.isFile() && /^[\w./+@-]+$/.test(path)) paths.push(path);
  }
  const keyed = paths.map((path) => ({ path, key: createHash("sha1").update(path).digest("hex") }));
  keyed.sort((a, b) => (a.key < b.key ? -1 : 1));
  const files: SourceFile[] = [];
  let bytes = 0;
  for (const { path } of keyed) {
    const sizeBytes = (await stat(path)).size;
    if (sizeBytes === 0 || sizeBytes > FILE_BYTES_MAX || !(await isReadable(path))) continue;
    files.push({ path, sizeBytes });
    bytes += sizeBytes;
    if (bytes > bytesWanted * 1.02) return files;
  }
  throw new Error(`${TREE} has only ${bytes} bytes of files: choose a smaller --size.`);
}

async function isReadable(path: string): Promise<boolean> {
  return access(path, 4).then(
    () => true,
    () => false,
  );
}

function takeBytes(files: readonly SourceFile[], from: number, bytesWanted: number): SourceFile[] {
  let bytes = 0;
  let end = from;
  for (; end < files.length && bytes < bytesWanted; end += 1) bytes += files[end]?.sizeBytes ?? 0;
  return files.slice(from, end);
}

async function makeFileSystem(stage: string, files: readonly SourceFile[], image: string, sizeBytes: number) {
  for (const { path } of files) {
    const copy = join(stage, path);
    await mkdir(dirname(copy), { recursive: true });
    await copyFile(path, copy);
    await utimes(copy, FIXED_SECONDS, FIXED_SECONDS);
  }
  const extended = `hash_seed=${FIXED_UUID},lazy_itable_init=0,root_owner=0:0`;
  const options = ["-q", "-F", "-t", "ext4", "-L", "bench", "-U", FIXED_UUID, "-E", extended, "-d", stage];
  await run("mke2fs", [...options, image, `${Math.floor(sizeBytes / 1024)}k`], { env: toolEnvironment() });
  await rm(stage, { recursive: true });
}

async function changeFileSystem(from: string, to: string, commands: readonly string[]): Promise<void> {
  await run("cp", ["--sparse=always", from, to]);
  const script = `${to}.commands`;
  await writeFile(script, `${commands.join("\n")}\n`);
  await run("debugfs", ["-w", "-f", script, to], { env: toolEnvironment(), maxBuffer: 256 * 1024 * 1024 });
  await rm(script);
}

async function overwriteInPlace(from: string, to: string, sizeBytes: number): Promise<void> {
  await run("cp", ["--sparse=always", from, to]);
  const handle = await open(to, "r+");
  try {
    const offset = Math.floor(sizeBytes / 5 / 4096) * 4096;
    const noise = Buffer.alloc(IN_PLACE_BYTES);
    for (let at = 0; at < noise.length; at += 32)
      createHash("sha256").update(`${at}`).digest().copy(noise, at);
    await handle.write(noise, 0, noise.length, offset);
  } finally {
    await handle.close();
  }
}

function toolEnvironment(): NodeJS.ProcessEnv {
  // E2FSPROGS_FAKE_TIME keeps the times inside the file system the same from run to run.
  return {
    ...process.env,
    PATH: `${process.env.PATH}:/sbin:/usr/sbin`,
    E2FSPROGS_FAKE_TIME: `${FIXED_SECONDS}`,
  };
}
