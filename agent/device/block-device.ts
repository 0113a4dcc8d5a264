// The only file that opens /dev. Reading is open to all; writing opens with O_EXCL, by which the kernel itself refuses a
// disk that is mounted, used as swap or claimed by LVM, RAID or dm-crypt: the last guard behind guards.ts.
import { execFile } from "node:child_process";
import { constants, openSync } from "node:fs";
import { open, readFile, realpath } from "node:fs/promises";
import { basename } from "node:path";
import { promisify } from "node:util";
import { CodedError } from "#lib/model/errors.ts";
import {
  type Access,
  FORGET_BYTES_MIN,
  type RawDevice,
  readFully,
  wordsOf,
  writeFailed,
  writeFully,
  writeZeros,
} from "./raw-device.ts";

const run = promisify(execFile);
const SYSFS_SECTOR_BYTES = 512; // The kernel counts a device's size in these whatever its real sectors are.

export async function openBlockDevice(path: string, access: Access): Promise<RawDevice> {
  const flags = access === "write" ? constants.O_RDWR | constants.O_EXCL : constants.O_RDONLY;
  const handle = await open(path, flags).catch((cause: unknown) => {
    throw cannotOpen(path, access, cause);
  });
  const sizeBytes = await blockDeviceBytes(path);
  return {
    path,
    sizeBytes,
    read: (offsetBytes, into) => readFully(handle, path, offsetBytes, into),
    write: (offsetBytes, bytes) => writeFully(handle, path, offsetBytes, bytes),
    zero: async (offsetBytes, lengthBytes) => {
      if (lengthBytes >= FORGET_BYTES_MIN && (await zeroOut(path, offsetBytes, lengthBytes))) return;
      await writeZeros(handle, path, offsetBytes, lengthBytes);
    },
    flush: async () => {
      await handle.sync().catch((cause: unknown) => {
        throw writeFailed(path, 0, cause);
      });
      // Drops the kernel's cache of the device, so that reading back reads the disk and not our own memory.
      await run("blockdev", ["--flushbufs", path]).catch(() => undefined); // Only a better check, not a duty.
    },
    close: () => handle.close(),
  };
}

/** For hashing threads: a plain descriptor to read from. */
export function openBlockDeviceForReading(path: string): number {
  return openSync(path, constants.O_RDONLY);
}

export async function blockDeviceBytes(path: string): Promise<number> {
  const name = basename(await realpath(path));
  const sectors = Number(await readFile(`/sys/class/block/${name}/size`, "utf8"));
  return sectors * SYSFS_SECTOR_BYTES;
}

/** After a restore the kernel must look at the disk anew: at its partition table, and at the partitions' contents, of which
 *  it may have kept old pages. It refuses while a partition is in use. Answers whether it did. */
export async function rereadPartitionTable(path: string): Promise<boolean> {
  return run("blockdev", ["--rereadpt", path]).then(
    () => true,
    // A loop device without partition scanning cannot and need not: it has no partitions the kernel knows of.
    () => basename(path).startsWith("loop"),
  );
}

// -z lets the device deallocate and promises zeros afterwards; the kernel falls back to writing them itself.
async function zeroOut(path: string, offsetBytes: number, lengthBytes: number): Promise<boolean> {
  try {
    await run("blkdiscard", ["-z", "-o", String(offsetBytes), "-l", String(lengthBytes), path]);
    return true;
  } catch {
    return false; // Unaligned range, old kernel or no tool: the caller writes zeros.
  }
}

function cannotOpen(path: string, access: Access, cause: unknown): CodedError {
  if (access === "write" && isBusy(cause)) {
    return new CodedError(
      "target-mounted",
      `${path} is in use: mounted, swap, or part of LVM, RAID or dm-crypt.`,
      {
        hint: "Start the PC into the maintenance system, or unmount everything on this disk, then repeat.",
        cause,
      },
    );
  }
  return new CodedError(
    access === "write" ? "target-missing" : "source-missing",
    `The disk ${path} cannot be opened: ${wordsOf(cause)}.`,
    { hint: "Check that the disk is present and that the agent runs as root.", cause },
  );
}

function isBusy(cause: unknown): boolean {
  return cause instanceof Error && "code" in cause && cause.code === "EBUSY";
}
