// How a disk is in use: mounts, swap, and devices built upon it, from /proc and /sys. An image file can be in use too, by a
// loop device. The parsers are pure; the walk over /sys is the only thing that touches the machine.
import { access, constants, readdir, readFile, realpath } from "node:fs/promises";
import { basename } from "node:path";
import type { DiskUsage } from "./guards.ts";

interface Mount {
  readonly device: string;
  readonly source: string;
  readonly mountPoint: string;
}

export async function usageOf(path: string, isFile: boolean): Promise<DiskUsage> {
  const names = isFile ? await loopDevicesOf(path) : [basename(await realpath(path))];
  const family = await withDescendants(names);
  const devices = new Set(
    await Promise.all([...family.all].map((name) => sysText(`/sys/class/block/${name}/dev`))),
  );
  const mounts = parseMountInfo(await readFile("/proc/self/mountinfo", "utf8"));
  const swaps = parseSwaps(await readFile("/proc/swaps", "utf8").catch(() => "")); // No swap support: no file.
  return {
    readOnly: isFile ? !(await isWritable(path)) : await anyReadOnly(names),
    mountPoints: mounts
      // btrfs and others mount under a device number of their own: the source's name tells then.
      .filter((mount) => devices.has(mount.device) || family.all.has(basename(mount.source)))
      .map((mount) => mount.mountPoint),
    swaps: swaps.filter((swap) => family.all.has(basename(swap))),
    holders: [...family.holders],
  };
}

/** Lines of /proc/self/mountinfo; see proc(5). Octal escapes stand for spaces and the like. */
export function parseMountInfo(text: string): Mount[] {
  const mounts: Mount[] = [];
  for (const line of text.split("\n")) {
    const fields = line.split(" ");
    const dash = fields.indexOf("-");
    const [device, mountPoint, source] = [fields[2], fields[4], dash < 0 ? undefined : fields[dash + 2]];
    if (device === undefined || mountPoint === undefined || source === undefined) continue;
    mounts.push({ device, source: unescaped(source), mountPoint: unescaped(mountPoint) });
  }
  return mounts;
}

/** First column of /proc/swaps, without its heading. */
export function parseSwaps(text: string): string[] {
  return text
    .split("\n")
    .slice(1)
    .map((line) => unescaped(line.split(/\s+/)[0] ?? ""))
    .filter((name) => name !== "");
}

function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** Partitions of the devices and everything built upon them, however deep. */
async function withDescendants(
  names: readonly string[],
): Promise<{ all: Set<string>; holders: Set<string> }> {
  const all = new Set<string>();
  const holders = new Set<string>();
  const queue = [...names];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (all.has(name)) continue;
    all.add(name);
    for (const child of await sysList(`/sys/class/block/${name}`)) {
      if (child.startsWith(name)) queue.push(child);
    }
    for (const holder of await sysList(`/sys/class/block/${name}/holders`)) {
      holders.add(holder);
      queue.push(holder);
    }
  }
  return { all, holders };
}

async function loopDevicesOf(path: string): Promise<string[]> {
  const real = await realpath(path);
  const loops = (await sysList("/sys/block")).filter((name) => name.startsWith("loop"));
  const backing = await Promise.all(
    loops.map(async (name) => ({ name, file: await sysText(`/sys/block/${name}/loop/backing_file`) })),
  );
  return backing.filter((loop) => loop.file === real).map((loop) => loop.name);
}

async function anyReadOnly(names: readonly string[]): Promise<boolean> {
  const flags = await Promise.all(names.map((name) => sysText(`/sys/class/block/${name}/ro`)));
  return flags.includes("1");
}

function isWritable(path: string): Promise<boolean> {
  return access(path, constants.W_OK).then(
    () => true,
    () => false,
  );
}

// Devices come and go while we look, and containers hide parts of /sys: what is absent says nothing.
function sysText(path: string): Promise<string> {
  return readFile(path, "utf8").then(
    (text) => text.trim(),
    () => "",
  );
}

function sysList(path: string): Promise<string[]> {
  return readdir(path).catch(() => []);
}
