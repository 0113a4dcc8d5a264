// Every reason to stop rather than write, in one list, checked before the first byte. Facts come from usage.ts and disk.ts;
// nothing here looks at the machine, so that each refusal is one row of a test table.
import { CodedError, type FailureCode } from "#lib/model/errors.ts";
import { DISK_LAYOUT } from "#lib/model/node.ts";
import { formatBytes } from "#lib/model/units.ts";
import { sameGeometry, type TablePartition } from "./partition-table.ts";

/** How a disk is in use right now. */
export interface DiskUsage {
  readonly readOnly: boolean;
  /** Mount points of the disk's file systems, also through LVM, RAID, dm-crypt or a loop device. */
  readonly mountPoints: readonly string[];
  readonly swaps: readonly string[];
  /** Devices built upon it: dm-0, md0, … */
  readonly holders: readonly string[];
}

export interface WriteFacts {
  readonly diskPath: string;
  /** The disk this snapshot's image came from. */
  readonly expectedSerial: string;
  readonly presentSerial: string;
  readonly partition: string;
  readonly imageBytes: number;
  /** Null when the disk has no such partition. */
  readonly targetBytes: number | null;
  readonly usage: DiskUsage;
  /** For the disk layout: the partitions it would make, and those that are there (null: no table can be read). */
  readonly layout: {
    readonly wanted: readonly TablePartition[] | null;
    readonly present: readonly TablePartition[] | null;
  } | null;
}

export interface Refusal {
  readonly code: FailureCode;
  readonly message: string;
  readonly hint: string;
}

/** How the serial of a disk begins that has none. */
export const NO_SERIAL_PREFIX = "noserial-";

const MAINTENANCE_HINT =
  "Start the PC into the maintenance system, or unmount everything on this disk, then repeat.";

export function refusalsToWrite(facts: WriteFacts): Refusal[] {
  return [...wrongDisk(facts), ...diskInUse(facts), ...wrongSize(facts), ...wrongLayout(facts)];
}

export function assertSafeToWrite(facts: WriteFacts): void {
  const refusals = refusalsToWrite(facts);
  const first = refusals[0];
  if (first === undefined) return;
  throw new CodedError(first.code, refusals.map((refusal) => refusal.message).join(" "), {
    hint: first.hint,
    facts: { diskPath: facts.diskPath, partition: facts.partition },
  });
}

/** The one disk of the PC that a serial names. "disk-mismatch" when there is none, or when the name does not tell disks
 *  apart: cheap adapters give all their disks one serial, and disks without any are told apart by a device name that may
 *  be another's after the next start. */
export function onlyDiskOf<
  Disk extends { readonly path: string; readonly info: { readonly serial: string } },
>(disks: readonly Disk[], serial: string): Disk {
  const [found, ...others] = disks.filter((disk) => disk.info.serial === serial);
  const words = (list: readonly Disk[]) =>
    list.map((disk) => `${disk.path} (${disk.info.serial})`).join(", ");
  if (found === undefined) {
    throw new CodedError(
      "disk-mismatch",
      `This PC has no disk ${serial}; its disks are: ${words(disks) || "none"}.`,
      { hint: "Put the disk back that the snapshot was taken of, or clone the snapshot onto this one." },
    );
  }
  const nameless = disks.filter((disk) => disk.info.serial.startsWith(NO_SERIAL_PREFIX));
  const alike = nameless.includes(found) ? nameless : [found, ...others];
  if (alike.length === 1) return found;
  throw new CodedError(
    "disk-mismatch",
    `Disks that no serial number tells apart: ${words(alike)}. Which of them is meant is not certain.`,
    { hint: "Disconnect the others, name one with --disk, or give virtual disks serial numbers." },
  );
}

function wrongDisk({ diskPath, expectedSerial, presentSerial }: WriteFacts): Refusal[] {
  if (expectedSerial === presentSerial) return [];
  return [
    {
      code: "disk-mismatch",
      message: `${diskPath} is the disk ${presentSerial}, not ${expectedSerial}.`,
      hint: "Put the disk back that the snapshot was taken of, or clone the snapshot onto this one.",
    },
  ];
}

function diskInUse({ diskPath, usage }: WriteFacts): Refusal[] {
  const refusals: Refusal[] = [];
  const refuse = (code: FailureCode, message: string, hint = MAINTENANCE_HINT) =>
    refusals.push({ code, message, hint });
  if (usage.mountPoints.includes("/")) refuse("target-mounted", `${diskPath} holds the running system.`);
  const others = usage.mountPoints.filter((mountPoint) => mountPoint !== "/");
  if (others.length > 0) refuse("target-mounted", `${diskPath} is mounted at ${others.join(", ")}.`);
  if (usage.swaps.length > 0)
    refuse("target-mounted", `${diskPath} is in use as swap (${usage.swaps.join(", ")}).`);
  if (usage.holders.length > 0)
    refuse("target-mounted", `${diskPath} is part of ${usage.holders.join(", ")}.`);
  if (usage.readOnly) {
    refuse("target-write-failed", `${diskPath} is read-only.`, "Remove the write protection, then repeat.");
  }
  return refusals;
}

function wrongSize({ diskPath, partition, imageBytes, targetBytes }: WriteFacts): Refusal[] {
  if (targetBytes === imageBytes) return [];
  const hint = "Partition the disk as it was, or restore a snapshot taken since it was changed.";
  if (targetBytes === null) {
    return [{ code: "target-missing", message: `${diskPath} has no partition ${partition}.`, hint }];
  }
  const sizes = `has ${formatBytes(targetBytes)} (${targetBytes} bytes), the image ${formatBytes(imageBytes)} (${imageBytes} bytes)`;
  const code = targetBytes < imageBytes ? "target-too-small" : "layout-mismatch";
  return [{ code, message: `${partition} of ${diskPath} ${sizes}.`, hint }];
}

function wrongLayout({ diskPath, partition, layout }: WriteFacts): Refusal[] {
  if (partition !== DISK_LAYOUT || layout === null) return [];
  const hint = "Partition the disk as it was, or leave the layout out of the restore.";
  if (layout.wanted === null) {
    return [
      {
        code: "layout-unreadable",
        message: `The layout to restore onto ${diskPath} holds no readable table.`,
        hint,
      },
    ];
  }
  if (layout.present === null || sameGeometry(layout.wanted, layout.present)) return [];
  const words = (list: readonly TablePartition[]) =>
    list.map((one) => `${one.name} ${formatBytes(one.sizeBytes)} at ${one.offsetBytes}`).join(", ");
  return [
    {
      code: "layout-mismatch",
      message: `${diskPath} is partitioned otherwise (${words(layout.present)}) than the snapshot (${words(layout.wanted)}).`,
      hint,
    },
  ];
}
