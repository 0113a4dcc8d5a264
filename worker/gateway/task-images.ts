// Which images a task is about: for an archive from the node's disks as it last described them, for a restore from the
// snapshot's own record. Pure.
import { CodedError } from "#lib/model/errors.ts";
import { asReplaced, imagesFor } from "#lib/model/fit.ts";
import { DISK_LAYOUT, type DiskInfo, type PartitionInfo } from "#lib/model/node.ts";
import type { SnapshotRecord } from "#lib/model/snapshot.ts";
import type { ArchiveImage, RestoreImage } from "#lib/protocol/control.ts";
import { layoutWindowOf } from "#lib/protocol/layout.ts";
import type { LeasedTask } from "./store.ts";

/** An image to archive: what the agent is told, and what the engine keeps. */
export interface PlannedImage {
  readonly message: ArchiveImage;
  /** The image's name in the snapshot. */
  readonly name: string;
  readonly details: Readonly<Record<string, string>>;
}

export function imagesToArchive(disks: readonly DiskInfo[]): PlannedImage[] {
  const named = disks.flatMap((disk) =>
    disk.partitions
      .filter((partition) => partition.sizeBytes > 0)
      .map((partition) => ({ disk, partition, name: imageName(disks, disk, partition) })),
  );
  return named.map(({ disk, partition, name }, image) => ({
    name,
    message: { image, diskSerial: disk.serial, partition: partition.name, sizeBytes: partition.sizeBytes },
    details: detailsOf(disk, partition),
  }));
}

/** "p1" on a PC with one disk, else "SERIAL.p1": names are what the next snapshot finds its parent's images by. */
function imageName(disks: readonly DiskInfo[], disk: DiskInfo, partition: PartitionInfo): string {
  if (disks.length === 1) return partition.name;
  return `${disk.serial.replace(/[^A-Za-z0-9_-]+/g, "-").slice(0, 60)}.${partition.name}`;
}

function detailsOf(disk: DiskInfo, partition: PartitionInfo): Record<string, string> {
  const details: Record<string, string> = {
    diskSerial: disk.serial,
    diskModel: disk.model,
    diskBytes: String(disk.sizeBytes),
    partition: partition.name,
    label: partition.label,
    typeName: partition.typeName,
    offsetBytes: String(partition.offsetBytes),
  };
  if (partition.name === DISK_LAYOUT) {
    const others = disk.partitions.filter((other) => other.name !== DISK_LAYOUT);
    details.layoutHeadBytes = String(layoutWindowOf(disk.sizeBytes, others).headBytes);
  }
  return details;
}

/** The disk layout comes first: partitions are found by it. */
export function imagesToRestore(
  record: SnapshotRecord,
  { diskMap, disks, replacesLayout }: Pick<LeasedTask, "diskMap" | "disks" | "replacesLayout">,
): { message: RestoreImage; name: string }[] {
  const targets = replacesLayout ? asReplaced(record.images, disks) : disks;
  const images = imagesFor(record.images, diskMap ?? {}, targets).map((stored) => {
    const { diskSerial, partition = stored.partition, layoutHeadBytes } = stored.details;
    if (diskSerial === undefined) throw notFromADisk(record);
    const head = layoutHeadBytes === undefined ? {} : { layoutHeadBytes: Number(layoutHeadBytes) };
    const { sizeBytes, contentRoot } = stored;
    return { name: stored.partition, wanted: { diskSerial, partition, sizeBytes, contentRoot, ...head } };
  });
  images.sort((a, b) => rank(a.wanted.partition) - rank(b.wanted.partition));
  return images.map(({ name, wanted }, image) => ({ name, message: { image, ...wanted } }));
}

function rank(partition: string): number {
  return partition === DISK_LAYOUT ? 0 : 1;
}

function notFromADisk(record: SnapshotRecord): CodedError {
  return new CodedError("disk-mismatch", `Snapshot ${record.id} does not say which disk it was taken of.`, {
    hint: "It was archived by hand: restore it with `sheepfold repo restore`, naming the target.",
  });
}
