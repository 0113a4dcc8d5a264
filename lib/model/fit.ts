// Does a snapshot fit a PC's disks, and which of its disks goes where? Decided once here: for the plan a person reads, and
// again when the PC's agent is told what to write. Pure.
//
// A PC's own snapshot goes to the disks it was taken of, by serial number. Another PC's snapshot (a clone) goes to the one
// disk it fits: the layout with a disk of the same size, else only the partitions, into those of the same name and size.
import { DISK_LAYOUT, type DiskInfo } from "./node.ts";
import type { ImageRecord } from "./snapshot.ts";
import { formatBytes } from "./units.ts";

export type Image = Pick<ImageRecord, "partition" | "sizeBytes" | "details">;

/** By serial: which disk of the PC each of the snapshot's disks goes to. Disks without a serial go by "". */
export type DiskMap = Readonly<Record<string, string>>;

export interface Misfit {
  readonly reason:
    | "disk-missing"
    | "disk-ambiguous"
    | "disk-too-small"
    | "partition-missing"
    | "layout-differs";
  readonly explanation: string;
}

export type Fit = { readonly diskMap: DiskMap } | Misfit;

/** How a PC's own snapshot fits its disks. */
export function fitOfOwn(images: readonly Image[], disks: readonly DiskInfo[]): Fit {
  // Archived by hand, it does not say which disk it was taken of.
  if (images.some((image) => serialOf(image) === "")) return fitOfClone(images, disks);
  const diskMap: Record<string, string> = {};
  for (const image of images) {
    const serial = serialOf(image);
    const disk = disks.find((candidate) => candidate.serial === serial);
    if (disk === undefined) {
      return {
        reason: "disk-missing",
        explanation: `The snapshot was taken of disk ${serial}, which the PC no longer has.`,
      };
    }
    const misfit = misfitOf(image, ofDisk(images, serial), disk);
    if (misfit !== null) return misfit;
    diskMap[serial] = disk.serial;
  }
  return { diskMap };
}

/** How another PC's snapshot fits. A disk is taken only when it is the only one that could be meant. */
export function fitOfClone(images: readonly Image[], disks: readonly DiskInfo[]): Fit {
  const diskMap: Record<string, string> = {};
  for (const serial of new Set(images.map(serialOf))) {
    const free = disks.filter((disk) => !Object.values(diskMap).includes(disk.serial));
    const mine = ofDisk(images, serial);
    const fits = free.filter((disk) => firstMisfit(cloned(mine, disk), disk) === null);
    const [disk, ...others] = fits;
    if (disk === undefined) return noDiskFits(mine, free);
    if (others.length > 0) {
      const names = fits.map((candidate) => candidate.serial).join(", ");
      return {
        reason: "disk-ambiguous",
        explanation: `Several disks of the PC fit (${names}): which one is meant is not certain.`,
      };
    }
    diskMap[serial] = disk.serial;
  }
  return { diskMap };
}

/** The PC's disks as they count when their partition tables may be replaced: one as large as a disk of the snapshot's is taken for
 *  blank. */
export function asReplaced(images: readonly Image[], disks: readonly DiskInfo[]): DiskInfo[] {
  const sizes = new Set(images.filter(isLayout).map(diskBytesOf));
  return disks.map((disk) => (sizes.has(disk.sizeBytes) ? { ...disk, partitions: [] } : disk));
}

/** The images as they go to the PC's disks, each with the serial of its target. */
export function imagesFor<Kind extends Image>(
  images: readonly Kind[],
  diskMap: DiskMap,
  disks: readonly DiskInfo[],
): Kind[] {
  return images.flatMap((image) => {
    const target = diskMap[serialOf(image)];
    if (target === undefined) return [image];
    const moved = { ...image, details: { ...image.details, diskSerial: target } };
    const disk = disks.find((candidate) => candidate.serial === target);
    return disk === undefined ? [moved] : cloned([moved], disk);
  });
}

/** A layout names places on a disk: on one of another size that has partitions of its own, these stay. */
function cloned<Kind extends Image>(images: readonly Kind[], disk: DiskInfo): Kind[] {
  return images.filter(
    (image) => !isLayout(image) || diskBytesOf(image) === disk.sizeBytes || !hasTable(disk),
  );
}

function noDiskFits(images: readonly Image[], disks: readonly DiskInfo[]): Misfit {
  const [first, ...others] = disks;
  if (first === undefined) return { reason: "disk-missing", explanation: "The PC has no disk left for it." };
  const misfit = firstMisfit(cloned(images, first), first);
  if (others.length === 0 && misfit !== null) return misfit;
  const words = disks.map((disk) => firstMisfit(cloned(images, disk), disk)?.explanation).join(" ");
  return { reason: "disk-missing", explanation: `It fits none of the PC's disks. ${words}` };
}

function firstMisfit(images: readonly Image[], disk: DiskInfo): Misfit | null {
  for (const image of images) {
    const misfit = misfitOf(image, images, disk);
    if (misfit !== null) return misfit;
  }
  return null;
}

function misfitOf(image: Image, images: readonly Image[], disk: DiskInfo): Misfit | null {
  if (bringsTable(disk, images)) return misfitOfWholeDisk(image, disk);
  const name = partitionOf(image);
  const partition = disk.partitions.find((candidate) => candidate.name === name);
  if (partition === undefined) {
    return { reason: "partition-missing", explanation: `Disk ${disk.serial} has no partition ${name}.` };
  }
  const sizes = `${name} has ${formatBytes(partition.sizeBytes)}, the snapshot's ${formatBytes(image.sizeBytes)}`;
  if (partition.sizeBytes < image.sizeBytes) return { reason: "disk-too-small", explanation: `${sizes}.` };
  if (partition.sizeBytes > image.sizeBytes) {
    return { reason: "layout-differs", explanation: `${sizes}: the disk is partitioned otherwise.` };
  }
  return null;
}

/** The disk has no partition table that can be read and the snapshot holds one: the layout is written first, and with it
 *  the partitions are where they were. A damaged or a blank disk is the very case this is for. */
export function bringsTable(disk: DiskInfo, images: readonly Image[]): boolean {
  return !hasTable(disk) && images.some(isLayout);
}

function misfitOfWholeDisk(image: Image, disk: DiskInfo): Misfit | null {
  const bytes = diskBytesOf(image) ?? disk.sizeBytes;
  if (bytes === disk.sizeBytes) return null;
  return {
    reason: disk.sizeBytes < bytes ? "disk-too-small" : "layout-differs",
    explanation: `Disk ${disk.serial} has ${formatBytes(disk.sizeBytes)}, the snapshot's had ${formatBytes(bytes)}.`,
  };
}

function hasTable(disk: DiskInfo): boolean {
  return disk.partitions.some((partition) => partition.name === DISK_LAYOUT);
}

function isLayout(image: Image): boolean {
  return partitionOf(image) === DISK_LAYOUT;
}

/** A PC with several disks has images named "SERIAL.p1"; the partition's own name is in the details. */
function partitionOf({ partition, details }: Image): string {
  return details.partition ?? partition;
}

function serialOf({ details }: Image): string {
  return details.diskSerial ?? "";
}

function ofDisk(images: readonly Image[], serial: string): Image[] {
  return images.filter((image) => serialOf(image) === serial);
}

function diskBytesOf({ details }: Image): number | null {
  return details.diskBytes === undefined ? null : Number(details.diskBytes);
}
