// What the system says about a path we are about to read from or write onto: kind, size, and everything that
// uses it at the moment. Only facts are gathered here; target-guards.ts and source-guards.ts judge them.
//
// Sources: stat, /sys/dev/block, /proc/self/mountinfo, /proc/swaps, and the kernel's own answer to an exclusive
// open, which also knows of uses in other namespaces (containers) that the tables here do not show.
import { constants } from "node:fs";
import { lstat, open, readdir, readFile, readlink, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";

export type PathKind = "absent" | "file" | "block-device" | "folder" | "other";

export interface Mount {
  readonly mountPoint: string;
  readonly readOnly: boolean;
}

export interface PathFacts {
  /** As the person wrote it. */
  readonly given: string;
  /** Absolute, links followed. */
  readonly path: string;
  /** False when not even the folder that should hold it exists. */
  readonly folderExists: boolean;
  /** The last part of the given path is a symbolic link. */
  readonly isLink: boolean;
  readonly kind: PathKind;
  /** 0 for what has no size. */
  readonly sizeBytes: number;
  readonly readOnly: boolean;
  /** Mounts of the device, of its partitions, and of loop devices over the file. */
  readonly mounts: readonly Mount[];
  readonly usedAsSwap: boolean;
  /** Devices built on this one (LVM, RAID, encryption), by name. */
  readonly holders: readonly string[];
  /** Loop devices over the file that are not mounted, by name. */
  readonly idleLoops: readonly string[];
  /** Partitions of the device, by name: it is a whole disk in use as such. */
  readonly partitions: readonly string[];
  /** The kernel refused an exclusive open: something uses the device even if nothing above says what. */
  readonly busy: boolean;
}

const SECTOR_BYTES = 512;

export async function pathFacts(given: string): Promise<PathFacts> {
  const absolute = resolve(given);
  const itself = await orNull(lstat(absolute));
  if (itself === null) return absentFacts(given, absolute);
  const isLink = itself.isSymbolicLink();
  const path = await orNull(realpath(absolute));
  if (path === null)
    return { ...NOTHING, given, path: resolve(dirname(absolute), await readlink(absolute)), isLink };
  const found = await stat(path);
  const common = { ...NOTHING, given, path, isLink };
  if (found.isFile()) return { ...common, kind: "file", sizeBytes: found.size, ...(await usesOfFile(path)) };
  if (found.isBlockDevice())
    return { ...common, kind: "block-device", ...(await factsOfDevice(path, found.rdev)) };
  return { ...common, kind: found.isDirectory() ? "folder" : "other" };
}

const NOTHING = {
  folderExists: true,
  isLink: false,
  kind: "absent",
  sizeBytes: 0,
  readOnly: false,
  mounts: [],
  usedAsSwap: false,
  holders: [],
  idleLoops: [],
  partitions: [],
  busy: false,
} as const satisfies Partial<PathFacts>;

async function absentFacts(given: string, absolute: string): Promise<PathFacts> {
  const folder = await orNull(realpath(dirname(absolute)));
  if (folder === null) return { ...NOTHING, given, path: absolute, folderExists: false };
  return { ...NOTHING, given, path: join(folder, basename(absolute)) };
}

async function usesOfFile(path: string) {
  const loops = await loopsOver(path);
  const [mounts, swaps, holders] = await Promise.all([
    mountsOf(loops.map(({ number }) => number)),
    swapPaths(),
    holdersOf(loops.map(({ number }) => number)),
  ]);
  const idle = loops.length > 0 && mounts.length === 0 && holders.length === 0;
  return {
    mounts,
    holders,
    usedAsSwap: [path, ...loops.map(({ name }) => `/dev/${name}`)].some((name) => swaps.includes(name)),
    idleLoops: idle ? loops.map(({ name }) => name) : [],
  };
}

async function factsOfDevice(path: string, rdev: number) {
  const number = deviceNumber(rdev);
  const folder = `/sys/dev/block/${number}`;
  const entries = (await orNull(readdir(folder))) ?? [];
  const partitions = await partitionsAmong(folder, entries);
  const backing = (await readText(`${folder}/loop/backing_file`))?.trim() ?? null;
  const siblings = backing === null ? [] : (await loopsOver(backing)).map((loop) => loop.number);
  const numbers = [...new Set([number, ...siblings, ...partitions.map((partition) => partition.number)])];
  const [mounts, holders, swaps] = await Promise.all([mountsOf(numbers), holdersOf(numbers), swapPaths()]);
  const names = [path, ...partitions.map(({ name }) => `/dev/${name}`)];
  return {
    sizeBytes: Number((await readText(`${folder}/size`)) ?? "0") * SECTOR_BYTES,
    readOnly: (await readText(`${folder}/ro`))?.trim() === "1",
    mounts,
    holders,
    usedAsSwap: names.some((name) => swaps.includes(name)),
    partitions: partitions.map(({ name }) => name),
    busy: await refusesExclusiveOpen(path),
  };
}

/** The kernel's device number as it writes it in its tables: "8:1". */
export function deviceNumber(rdev: number): string {
  // Linux packs 12 bits of major and 20 bits of minor in this order; beyond 32 bits lie the upper bits of both.
  const value = BigInt(rdev);
  const major = ((value >> 8n) & 0xfffn) | ((value >> 32n) & ~0xfffn);
  const minor = (value & 0xffn) | ((value >> 12n) & ~0xffn & 0xffffffffn);
  return `${major}:${minor}`;
}

async function partitionsAmong(folder: string, entries: readonly string[]) {
  const partitions: { name: string; number: string }[] = [];
  for (const name of entries) {
    if ((await readText(join(folder, name, "partition"))) === null) continue;
    const number = (await readText(join(folder, name, "dev")))?.trim();
    if (number !== undefined) partitions.push({ name, number });
  }
  return partitions;
}

async function loopsOver(path: string): Promise<{ name: string; number: string }[]> {
  const wanted = await orNull(stat(path));
  const found: { name: string; number: string }[] = [];
  for (const name of (await orNull(readdir("/sys/block"))) ?? []) {
    if (!name.startsWith("loop")) continue;
    const backing = (await readText(`/sys/block/${name}/loop/backing_file`))?.trim();
    if (backing === undefined) continue;
    // Compared as files, not as names: the same file may have been attached through another path.
    const file = await orNull(stat(backing));
    const same = backing === path || (wanted !== null && file?.ino === wanted.ino && file.dev === wanted.dev);
    const number = (await readText(`/sys/block/${name}/dev`))?.trim();
    if (same && number !== undefined) found.push({ name, number });
  }
  return found;
}

async function mountsOf(numbers: readonly string[]): Promise<Mount[]> {
  if (numbers.length === 0) return [];
  const table = (await readText("/proc/self/mountinfo")) ?? "";
  const mounts: Mount[] = [];
  for (const line of parseMountinfo(table)) {
    // Some file systems (btrfs) show a number of their own, so the mounted device's path is compared as well.
    const source = line.source.startsWith("/") ? await orNull(stat(line.source)) : null;
    const sourceNumber = source?.isBlockDevice() ? deviceNumber(source.rdev) : null;
    if (numbers.includes(line.number) || (sourceNumber !== null && numbers.includes(sourceNumber))) {
      mounts.push({ mountPoint: line.mountPoint, readOnly: line.readOnly });
    }
  }
  return mounts;
}

interface MountinfoLine extends Mount {
  readonly number: string;
  readonly source: string;
}

/** proc(5): id parent major:minor root mount-point options … - type source super-options. */
export function parseMountinfo(table: string): MountinfoLine[] {
  return table
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [before = "", after = ""] = line.split(" - ");
      const [, , number = "", , mountPoint = "", options = ""] = before.split(" ");
      const [, source = "", superOptions = ""] = after.split(" ");
      // A bind mount may be read-only over a file system that is being written: the latter decides.
      const readOnly =
        superOptions.split(",").includes("ro") || (superOptions === "" && options.startsWith("ro"));
      return { number, mountPoint: unescapeOctal(mountPoint), source: unescapeOctal(source), readOnly };
    });
}

function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

async function holdersOf(numbers: readonly string[]): Promise<string[]> {
  const lists = await Promise.all(
    numbers.map((number) => orNull(readdir(`/sys/dev/block/${number}/holders`))),
  );
  return [...new Set(lists.flatMap((list) => list ?? []))];
}

async function swapPaths(): Promise<string[]> {
  const lines = ((await readText("/proc/swaps")) ?? "").split("\n").slice(1);
  return lines.map((line) => unescapeOctal(line.split(/\s/)[0] ?? "")).filter((path) => path !== "");
}

async function refusesExclusiveOpen(path: string): Promise<boolean> {
  try {
    const handle = await open(path, constants.O_RDONLY | constants.O_EXCL);
    await handle.close();
    return false;
  } catch (error) {
    // Any other failure (no permission) shows itself, with better words, when the device is really opened.
    return error instanceof Error && "code" in error && error.code === "EBUSY";
  }
}

async function readText(path: string): Promise<string | null> {
  return orNull(readFile(path, "utf8"));
}

/** Absence is a fact here, not a failure; so are kernels without one of these tables. */
async function orNull<Result>(work: Promise<Result>): Promise<Result | null> {
  try {
    return await work;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : null;
    if (code === "ENOENT" || code === "ENOTDIR" || code === "EINVAL" || code === "ENXIO") return null;
    throw error;
  }
}
