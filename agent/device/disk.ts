// A disk as the agent knows it: what it tells the server (DiskInfo) and where on it each partition and the layout lie.
// Looking at a disk reads its two ends and nothing else.
import { createHash } from "node:crypto";
import { realpath } from "node:fs/promises";
import { DISK_LAYOUT, type DiskInfo, type PartitionInfo } from "#lib/model/node.ts";
import { layoutWindowOf } from "#lib/protocol/layout.ts";
import type { Extent } from "./extents.ts";
import { describeBlockDisk } from "./list-disks.ts";
import { isBlockDevice, openDevice } from "./open-device.ts";
import {
  type DiskEnds,
  type PartitionTable,
  readPartitionTable,
  TABLE_WINDOW_BYTES,
} from "./partition-table.ts";
import type { RawDevice } from "./raw-device.ts";

export interface Disk {
  readonly path: string;
  readonly isFile: boolean;
  readonly info: DiskInfo;
  readonly table: PartitionTable;
}

/** What a disk is called besides its bytes. */
interface Identity {
  readonly serial: string;
  readonly model: string;
  readonly sectorSize: number | null;
}

/** Looks at the disk now; call again after its table may have changed. */
export async function inspectDisk(path: string): Promise<Disk> {
  const isFile = !(await isBlockDevice(path));
  const identity = isFile ? await identityOfFile(path) : await describeBlockDisk(path);
  const device = await openDevice(path, "read");
  try {
    const ends = await endsOf(device);
    const table = readPartitionTable(ends, identity.sectorSize === null ? undefined : [identity.sectorSize]);
    const sectorSize =
      table.kind === "gpt" || table.kind === "mbr" ? table.sectorSize : (identity.sectorSize ?? 512);
    const info = {
      serial: identity.serial,
      model: identity.model,
      sizeBytes: device.sizeBytes,
      sectorSize,
      partitions: partitionsOf(device.sizeBytes, table),
    };
    return { path, isFile, info, table };
  } finally {
    await device.close();
  }
}

export async function endsOf(device: RawDevice): Promise<DiskEnds> {
  const window = Math.min(TABLE_WINDOW_BYTES, device.sizeBytes);
  const head = new Uint8Array(window);
  const tail = new Uint8Array(window);
  await device.read(0, head);
  await device.read(device.sizeBytes - window, tail);
  return { sizeBytes: device.sizeBytes, head, tail };
}

/** Where a partition of the disk lies; null when it has none of that name. */
export function extentsOfPartition(disk: Disk, name: string): Extent[] | null {
  const known = disk.info.partitions.find((partition) => partition.name === name);
  if (known === undefined) return null;
  if (name !== DISK_LAYOUT) return [{ offsetBytes: known.offsetBytes, lengthBytes: known.sizeBytes }];
  const window = layoutWindowOf(disk.info.sizeBytes, realPartitions(disk.info));
  return layoutExtents(disk.info.sizeBytes, window.headBytes, window.tailBytes);
}

/** The layout's two stretches by their sizes, which a restore knows from the snapshot even if the table here is gone. */
export function layoutExtents(diskBytes: number, headBytes: number, tailBytes: number): Extent[] {
  const stretches = [
    { offsetBytes: 0, lengthBytes: headBytes },
    { offsetBytes: diskBytes - tailBytes, lengthBytes: tailBytes },
  ];
  return stretches.filter((extent) => extent.lengthBytes > 0);
}

export function realPartitions(info: DiskInfo): PartitionInfo[] {
  return info.partitions.filter((partition) => partition.name !== DISK_LAYOUT);
}

// A disk without a table, or a bare file system in a file, is one partition from its first byte to its last.
function partitionsOf(diskBytes: number, table: PartitionTable): PartitionInfo[] {
  if (table.kind === "none" || table.kind === "unreadable") {
    const typeName = table.kind === "none" ? "whole disk" : "whole disk (partition table damaged)";
    return [{ name: "p1", label: "", typeName, offsetBytes: 0, sizeBytes: diskBytes }];
  }
  const window = layoutWindowOf(diskBytes, table.partitions);
  const layout = {
    name: DISK_LAYOUT,
    label: "",
    typeName: `${table.kind.toUpperCase()} layout`,
    offsetBytes: 0,
    sizeBytes: window.headBytes + window.tailBytes,
  };
  return [layout, ...table.partitions];
}

// An image file has no serial number; its place is what tells it from others.
async function identityOfFile(path: string): Promise<Identity> {
  const digest = createHash("sha256")
    .update(await realpath(path))
    .digest("hex");
  return { serial: `file-${digest.slice(0, 16)}`, model: "disk image", sectorSize: null };
}
