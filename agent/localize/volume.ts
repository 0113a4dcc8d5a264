// Where a partition is reached: its own device node, found by its place on the disk and not by its name; within an image file, by
// an offset that debugfs and mtools understand, or by a loop device for programs that do not. Loop devices never outlive their use.
import { readdir, readFile, realpath, symlink } from "node:fs/promises";
import { basename, join } from "node:path";
import { CodedError } from "#lib/model/errors.ts";
import { openDevice } from "../device/open-device.ts";
import { extFiles } from "./ext-files.ts";
import { fatFiles } from "./fat-files.ts";
import { BEGINNING_BYTES, type FileSystem } from "./file-system.ts";
import { ntfsFiles } from "./ntfs-files.ts";
import { toolFailed } from "./tools.ts";
import type { VolumeFiles, Workbench } from "./volume-files.ts";

export interface RecipePartition {
  /** As recipes name it, such as "p2". */
  readonly name: string;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

export interface VolumePlace {
  readonly diskPath: string;
  readonly isFile: boolean;
  readonly partition: RecipePartition;
}

/** The kernel counts in these whatever a disk's real sectors are. */
const SYSFS_SECTOR_BYTES = 512;
/** The disk's name in the workspace: its own path may hold ? or @@, which debugfs and mtools would take for offsets. */
const DISK_LINK = "disk";

export async function readBeginning({ diskPath, partition }: VolumePlace): Promise<Buffer> {
  const device = await openDevice(diskPath, "read");
  try {
    const beginning = Buffer.alloc(Math.min(BEGINNING_BYTES, partition.sizeBytes));
    await device.read(partition.offsetBytes, beginning);
    return beginning;
  } finally {
    await device.close();
  }
}

/** Puts the disk's name into the workspace, where addresses are looked up. */
export async function linkDisk(bench: Workbench, { diskPath, isFile }: VolumePlace): Promise<void> {
  if (isFile) await symlink(await realpath(diskPath), join(bench.folder, DISK_LINK));
}

/** Hands the partition's files to `use`. When this resolves, what was written is on stable storage and the file system's checker
 *  has found nothing wrong. */
export async function changeVolume<Result>(
  bench: Workbench,
  place: VolumePlace,
  fileSystem: FileSystem,
  { use, signal }: { use: (files: VolumeFiles) => Promise<Result>; signal: AbortSignal },
): Promise<Result> {
  return withAddress(bench, place, fileSystem, async (address, node) => {
    // A restore wrote through the disk, whose pages the kernel keeps apart from the partition's.
    await flush(node);
    const files = filesOf(bench, place, fileSystem, address);
    const result = await use(files);
    await flush(node);
    if (node !== place.diskPath) await flush(place.diskPath);
    await files.check(signal);
    return result;
  });
}

/** The checker alone. */
export async function checkVolume(
  bench: Workbench,
  place: VolumePlace,
  fileSystem: FileSystem,
  signal: AbortSignal,
): Promise<void> {
  await withAddress(bench, place, fileSystem, async (address, node) => {
    await flush(node);
    await filesOf(bench, place, fileSystem, address).check(signal);
  });
}

/** `address` is what the file system's programs are given, `node` what keeps the kernel's pages of it. */
async function withAddress<Result>(
  bench: Workbench,
  place: VolumePlace,
  fileSystem: FileSystem,
  use: (address: string, node: string) => Promise<Result>,
): Promise<Result> {
  const { offsetBytes } = place.partition;
  if (place.isFile && fileSystem === "ext") return use(`${DISK_LINK}?offset=${offsetBytes}`, place.diskPath);
  if (place.isFile && fileSystem === "fat") return use(`${DISK_LINK}@@${offsetBytes}`, place.diskPath);
  return withDevice(bench, place, (device) => use(device, device));
}

function filesOf(bench: Workbench, place: VolumePlace, fileSystem: FileSystem, address: string): VolumeFiles {
  switch (fileSystem) {
    case "ext":
      return extFiles(bench, address);
    case "fat":
      return fatFiles(bench, { address, withDevice: (use) => withDevice(bench, place, use) });
    case "ntfs":
      return ntfsFiles(bench, address);
  }
}

/** The partition as a device of its own. */
export async function withDevice<Result>(
  bench: Workbench,
  place: VolumePlace,
  use: (path: string) => Promise<Result>,
): Promise<Result> {
  if (!place.isFile) return use(await partitionNode(place));
  const { offsetBytes, sizeBytes, name } = place.partition;
  const range = ["--offset", String(offsetBytes), "--sizelimit", String(sizeBytes)];
  const outcome = await bench.run("losetup", { args: ["--find", "--show", ...range, DISK_LINK] });
  if (outcome.exitCode !== 0) {
    throw new CodedError(
      "environment-invalid",
      `No loop device can be had for ${name}: ${outcome.complaints.trim()}.`,
      {
        hint: "Disk images with FAT or NTFS need an agent that runs as root, on a system with loop devices.",
      },
    );
  }
  const loop = outcome.output.trim();
  const detach = async () => {
    const detached = await bench.run("losetup", { args: ["--detach", loop] });
    if (detached.exitCode !== 0) throw toolFailed("losetup", `detaching ${loop}`, detached);
  };
  const result = await use(loop).catch(async (thrown: unknown) => {
    await detach().catch(() => undefined); // The first failure is the one to tell.
    throw thrown;
  });
  await detach();
  return result;
}

/** The kernel's partition that begins and ends where ours does: names say too little about where a write would go. */
async function partitionNode({ diskPath, partition }: VolumePlace): Promise<string> {
  const disk = basename(await realpath(diskPath));
  const folder = join("/sys/class/block", disk);
  for (const name of await readdir(folder)) {
    if (!name.startsWith(disk)) continue;
    const bytes = async (what: string) =>
      Number(await readFile(join(folder, name, what), "utf8")) * SYSFS_SECTOR_BYTES;
    if ((await bytes("start")) === partition.offsetBytes && (await bytes("size")) === partition.sizeBytes) {
      return join("/dev", name);
    }
  }
  throw new CodedError(
    "target-missing",
    `The kernel knows no partition ${partition.name} of ${diskPath} at its place.`,
    {
      hint: "Restart the PC, so that its kernel reads the restored partition table, then repeat.",
    },
  );
}

async function flush(path: string): Promise<void> {
  const device = await openDevice(path, "read");
  try {
    await device.flush();
  } finally {
    await device.close();
  }
}
