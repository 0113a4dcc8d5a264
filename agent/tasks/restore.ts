// Restore: make the disk what the snapshot says, by comparing and writing only what differs. Order of a disk: look, decide,
// refuse or go on; then the layout, then each partition (restore-image.ts). Repeating a restore that was cut off anywhere
// is a comparison that finds less to do.
import { CodedError } from "#lib/model/errors.ts";
import { DISK_LAYOUT } from "#lib/model/node.ts";
import type { ImageResult, RestoreImage, TaskMessage } from "#lib/protocol/control.ts";
import { LAYOUT_BYTES_MAX } from "#lib/protocol/layout.ts";
import type { RecipeResult } from "#lib/protocol/recipe.ts";
import { type Part, throughChain } from "../chain/through-chain.ts";
import { rereadPartitionTable } from "../device/block-device.ts";
import { type Disk, inspectDisk, layoutExtents } from "../device/disk.ts";
import { type Extent, ExtentTarget } from "../device/extents.ts";
import { assertSafeToWrite, type DiskUsage, onlyDiskOf } from "../device/guards.ts";
import { openDevice } from "../device/open-device.ts";
import { readPartitionTable, type TablePartition } from "../device/partition-table.ts";
import type { RawDevice } from "../device/raw-device.ts";
import { usageOf } from "../device/usage.ts";
import { runRecipes } from "../localize/run-recipes.ts";
import { ImageRestore } from "./restore-image.ts";
import type { TaskContext } from "./task-context.ts";

type RestoreTask = Extract<TaskMessage, { kind: "restore" }>;

/** One image and where it goes. */
interface Destination {
  readonly image: RestoreImage;
  readonly extents: readonly Extent[];
}

interface DiskWork {
  readonly disk: Disk;
  readonly destinations: readonly Destination[];
}

export async function restore(context: TaskContext, task: RestoreTask): Promise<ImageResult[]> {
  const { progress } = context;
  progress.step = "comparing";
  // Every byte is read twice: once to compare, once to check what was written.
  progress.totalBytes = 2 * task.images.reduce((sum, image) => sum + image.sizeBytes, 0);
  const disks = await Promise.all(context.diskPaths.map(inspectDisk));
  const serials = [...new Set(task.images.map((image) => image.diskSerial))];
  // All refusals of all disks come before the first byte of any.
  const work: DiskWork[] = [];
  for (const serial of serials) {
    const images = task.images.filter((image) => image.diskSerial === serial);
    const disk = onlyDiskOf(disks, serial);
    work.push({ disk, destinations: await decide(context, task, disk, images) });
  }
  const results = await writeDisks(context, task, work);
  await changeFiles(context, task, work);
  progress.step = "done";
  return results;
}

/** What is on the disks is what the server says by now; recipes change single files of it. */
async function changeFiles(
  context: TaskContext,
  { recipes = [] }: RestoreTask,
  work: readonly DiskWork[],
): Promise<void> {
  if (recipes.length === 0) return;
  context.progress.step = "recipes";
  const results: RecipeResult[] = [];
  for (const { disk } of work) {
    const numbers = recipes.flatMap(({ diskSerial }, index) =>
      diskSerial === disk.info.serial ? [index] : [],
    );
    const present = await inspectDisk(disk.path);
    const done = await runRecipes({
      diskPath: disk.path,
      isFile: disk.isFile,
      partitions: present.info.partitions,
      recipes: numbers.flatMap((index) => recipes[index]?.recipe ?? []),
      signal: context.signal,
    });
    results.push(...done.map((result) => ({ ...result, recipe: numbers[result.recipe] ?? result.recipe })));
  }
  context.progress.recipes = results.sort((left, right) => left.recipe - right.recipe);
}

/** Where each image goes, after every guard has agreed. Reads only. */
async function decide(
  context: TaskContext,
  { snapshotId, replacesLayout = false }: RestoreTask,
  disk: Disk,
  images: readonly RestoreImage[],
): Promise<Destination[]> {
  const usage = await usageOf(disk.path, disk.isFile);
  const layoutImage = images.find((image) => image.partition === DISK_LAYOUT);
  const present = tablePartitions(disk);
  if (layoutImage === undefined) {
    const partitions = present ?? disk.info.partitions;
    return images.map((image) => destinationOf(disk, usage, image, partitions));
  }
  const layout = layoutDestination(disk, layoutImage);
  const wanted = await wantedPartitions(context, snapshotId, disk, layout);
  guard(disk, usage, layoutImage, extentsTotal(layout), {
    wanted,
    present: replacesLayout ? null : present,
  });
  const partitions = wanted ?? [];
  const others = images.filter((image) => image !== layoutImage);
  return [layout, ...others.map((image) => destinationOf(disk, usage, image, partitions))];
}

function destinationOf(
  disk: Disk,
  usage: DiskUsage,
  image: RestoreImage,
  partitions: readonly TablePartition[],
): Destination {
  const target = partitions.find((partition) => partition.name === image.partition);
  guard(disk, usage, image, target?.sizeBytes ?? null, null);
  const extents =
    target === undefined ? [] : [{ offsetBytes: target.offsetBytes, lengthBytes: target.sizeBytes }];
  return { image, extents };
}

function guard(
  disk: Disk,
  usage: DiskUsage,
  image: RestoreImage,
  targetBytes: number | null,
  layout: { wanted: readonly TablePartition[] | null; present: readonly TablePartition[] | null } | null,
): void {
  assertSafeToWrite({
    diskPath: disk.path,
    expectedSerial: image.diskSerial,
    presentSerial: disk.info.serial,
    partition: image.partition,
    imageBytes: image.sizeBytes,
    targetBytes,
    usage,
    layout,
  });
}

/** The layout's place comes from the snapshot, not from the table here, which may be what is damaged. */
function layoutDestination(disk: Disk, image: RestoreImage): Destination {
  const { layoutHeadBytes: headBytes, sizeBytes } = image;
  if (headBytes === undefined || headBytes > sizeBytes || sizeBytes > LAYOUT_BYTES_MAX) {
    throw new CodedError(
      "layout-unreadable",
      `The layout of ${disk.path} has no usable place in the snapshot.`,
      {
        hint: "Restore the partitions alone, or another snapshot.",
      },
    );
  }
  if (sizeBytes > disk.info.sizeBytes) {
    throw new CodedError(
      "target-too-small",
      `${disk.path} is smaller than the layout of the snapshot's disk.`,
      {
        hint: "Put the disk back that the snapshot was taken of.",
      },
    );
  }
  return { image, extents: layoutExtents(disk.info.sizeBytes, headBytes, sizeBytes - headBytes) };
}

/** The partitions that the disk would have with the snapshot's layout; null when that layout holds no table. */
async function wantedPartitions(
  context: TaskContext,
  snapshotId: string,
  disk: Disk,
  { image, extents }: Destination,
): Promise<readonly TablePartition[] | null> {
  const device = await openDevice(disk.path, "read");
  try {
    const target = new ExtentTarget(device, extents);
    const wanted = await new ImageRestore(context, snapshotId, image, target).preview();
    const headBytes = image.layoutHeadBytes ?? 0;
    const ends = {
      sizeBytes: disk.info.sizeBytes,
      head: wanted.subarray(0, headBytes),
      tail: wanted.subarray(headBytes),
    };
    const table = readPartitionTable(ends, [disk.info.sectorSize, disk.info.sectorSize === 512 ? 4096 : 512]);
    return table.kind === "gpt" || table.kind === "mbr" ? table.partitions : null;
  } finally {
    await device.close();
  }
}

async function writeDisks(
  context: TaskContext,
  task: RestoreTask,
  work: readonly DiskWork[],
): Promise<ImageResult[]> {
  const opened: RawDevice[] = [];
  let results: ImageResult[];
  try {
    const parts: Part[] = [];
    for (const { disk, destinations } of work) {
      const device = await openDevice(disk.path, "write");
      opened.push(device);
      for (const { image, extents } of destinations) {
        const target = new ExtentTarget(device, extents);
        parts.push({ image, restore: new ImageRestore(context, task.snapshotId, image, target) });
      }
    }
    results = await writeParts(context, task, parts);
  } finally {
    await context.pool.forget();
    for (const device of opened) await device.close();
  }
  for (const { disk, destinations } of work) {
    const mine = results.filter((result) => destinations.some(({ image }) => image.image === result.image));
    if (!disk.isFile && mine.some((result) => result.writtenBytes > 0))
      await tellKernel(disk, destinations, mine);
  }
  return results;
}

/** Layouts first: the partitions are where they say. */
async function writeParts(
  context: TaskContext,
  { chain }: RestoreTask,
  parts: readonly Part[],
): Promise<ImageResult[]> {
  const isLayout = ({ image }: Part) => image.partition === DISK_LAYOUT;
  const partitions = parts.filter((part) => !isLayout(part));
  const results: ImageResult[] = [];
  for (const { restore } of parts.filter(isLayout)) results.push(await restore.run());
  if (chain !== undefined && partitions.length > 0) {
    results.push(...(await throughChain(context, chain, partitions)));
  } else for (const { restore } of partitions) results.push(await restore.run());
  return results;
}

/** Matters only when the table itself changed: stale pages of partitions nobody uses are gone with the next boot. */
async function tellKernel(
  disk: Disk,
  destinations: readonly Destination[],
  results: readonly ImageResult[],
): Promise<void> {
  const layout = destinations.find(({ image }) => image.partition === DISK_LAYOUT)?.image.image;
  const written = results.find(({ image }) => image === layout)?.writtenBytes ?? 0;
  if ((await rereadPartitionTable(disk.path)) || written === 0) return;
  throw new CodedError(
    "target-write-failed",
    `The kernel does not accept the restored table of ${disk.path} yet.`,
    {
      hint: "Restart the PC, then repeat the restore: what is already right stays.",
    },
  );
}

function tablePartitions(disk: Disk): readonly TablePartition[] | null {
  return disk.table.kind === "gpt" || disk.table.kind === "mbr" ? disk.table.partitions : null;
}

function extentsTotal({ extents }: Destination): number {
  return extents.reduce((sum, extent) => sum + extent.lengthBytes, 0);
}
