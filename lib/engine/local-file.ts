// Local files and block devices as sources to archive from and targets to restore onto.
//
// Whoever restores onto a device decides beforehand that it may: here nothing is refused. A short read is a
// changed source, never zeros.
import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { type FileHandle, open, readFile, realpath } from "node:fs/promises";
import { basename } from "node:path";
import { promisify } from "node:util";
import { CodedError } from "#lib/model/errors.ts";
import { targetUnreadable, targetUnwritable } from "./target-errors.ts";
import type { ByteSource, ByteTarget } from "./types.ts";

const SECTOR_BYTES = 512;
const ZERO_CHUNK_BYTES = 4 * 1024 * 1024;
/** Below this a hole costs more than writing zeros. */
const HOLE_BYTES_MIN = 1024 * 1024;

export interface FileSource extends ByteSource {
  close(): Promise<void>;
}

export interface FileTarget extends ByteTarget {
  close(): Promise<void>;
}

export async function openFileSource(path: string): Promise<FileSource> {
  const handle = await openOr(path, constants.O_RDONLY, "source-missing");
  return closingOnFailure(handle, async () => {
    const sizeBytes = await sizeOf(handle, path, "source-missing");
    return {
      sizeBytes,
      path,
      read: (offsetBytes, into) => readSource(handle, path, offsetBytes, into),
      close: () => handle.close(),
    };
  });
}

/** `create` makes a new file of that many bytes, all zero, and refuses to touch one that exists. */
export async function openFileTarget(
  path: string,
  options: { readonly create?: number } = {},
): Promise<FileTarget> {
  const { create } = options;
  const flags =
    create === undefined ? constants.O_RDWR : constants.O_RDWR | constants.O_CREAT | constants.O_EXCL;
  const handle = await openOr(path, flags, "target-missing");
  return closingOnFailure(handle, async () => {
    if (create !== undefined) await writing(path, () => handle.truncate(create));
    const sizeBytes = await sizeOf(handle, path, "target-missing");
    let isBlank = create !== undefined;
    return {
      sizeBytes,
      get isBlank() {
        return isBlank;
      },
      read: (offsetBytes, into) => readTarget(handle, path, offsetBytes, into),
      write: (offsetBytes, bytes) => {
        isBlank = false;
        return writing(path, () => writeFully(handle, offsetBytes, bytes));
      },
      zero: (offsetBytes, lengthBytes) => writing(path, () => zero(handle, offsetBytes, lengthBytes)),
      flush: () => writing(path, () => handle.sync()),
      forThreads: () => {
        isBlank = false;
        return { descriptor: handle.fd, path };
      },
      close: () => handle.close(),
    };
  });
}

async function closingOnFailure<Value>(handle: FileHandle, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function openOr(
  path: string,
  flags: number,
  code: "source-missing" | "target-missing",
): Promise<FileHandle> {
  try {
    return await open(path, flags, 0o600);
  } catch (error) {
    const exists = hasCode(error, "EEXIST");
    throw new CodedError(
      exists ? "target-other-purpose" : code,
      `${path} ${exists ? "exists already" : "cannot be opened"}.`,
      {
        hint: exists
          ? "Restore onto it as it is, or choose a new name."
          : "Check that it exists and that this user may open it.",
        facts: { path },
        cause: error,
      },
    );
  }
}

async function sizeOf(
  handle: FileHandle,
  path: string,
  code: "source-missing" | "target-missing",
): Promise<number> {
  const found = await handle.stat();
  if (found.isFile()) return found.size;
  if (found.isBlockDevice()) return (await sysfsSize(path)) ?? (await probedSize(handle));
  throw new CodedError(code, `${path} is neither a file nor a block device.`, {
    hint: "Name an image file or a partition such as /dev/sda1.",
    facts: { path },
  });
}

async function sysfsSize(path: string): Promise<number | null> {
  try {
    const sectors = Number(await readFile(`/sys/class/block/${basename(await realpath(path))}/size`, "utf8"));
    return Number.isSafeInteger(sectors) && sectors > 0 ? sectors * SECTOR_BYTES : null;
  } catch {
    return null; // A device under another name, or no sysfs: the caller looks for the end by reading.
  }
}

/** The last readable sector, found by halving. */
async function probedSize(handle: FileHandle): Promise<number> {
  const probe = Buffer.alloc(SECTOR_BYTES);
  const isReadable = async (sector: number) => {
    try {
      return (await handle.read(probe, 0, SECTOR_BYTES, sector * SECTOR_BYTES)).bytesRead === SECTOR_BYTES;
    } catch {
      return false; // Beyond the end some devices answer with an error instead of nothing.
    }
  };
  let readable = 0;
  let unreadable = 2 ** 43;
  while (readable < unreadable) {
    const middle = Math.floor((readable + unreadable) / 2);
    if (await isReadable(middle)) readable = middle + 1;
    else unreadable = middle;
  }
  return readable * SECTOR_BYTES;
}

async function readSource(
  handle: FileHandle,
  path: string,
  offsetBytes: number,
  into: Uint8Array,
): Promise<void> {
  let done: number;
  try {
    done = await readFully(handle, offsetBytes, into);
  } catch (error) {
    throw new CodedError("source-read-failed", `${path} cannot be read near byte ${offsetBytes}.`, {
      hint: "Check the disk and its cable, then archive again. Nothing was committed.",
      retry: "later",
      cause: error,
    });
  }
  if (done === into.length) return;
  throw new CodedError(
    "source-changed-size",
    `${path} ends at byte ${offsetBytes + done}, earlier than at the start.`,
    {
      hint: "Archive a partition while nothing changes it. Nothing was committed.",
      retry: "later",
    },
  );
}

async function readTarget(
  handle: FileHandle,
  path: string,
  offsetBytes: number,
  into: Uint8Array,
): Promise<void> {
  let done = -1;
  let cause: unknown;
  try {
    done = await readFully(handle, offsetBytes, into);
  } catch (error) {
    cause = error;
  }
  if (done === into.length) return;
  throw targetUnreadable(path, offsetBytes, cause);
}

async function readFully(handle: FileHandle, offsetBytes: number, into: Uint8Array): Promise<number> {
  let done = 0;
  while (done < into.length) {
    const { bytesRead } = await handle.read(into, done, into.length - done, offsetBytes + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}

async function writeFully(handle: FileHandle, offsetBytes: number, bytes: Uint8Array): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    done += (await handle.write(bytes, done, bytes.length - done, offsetBytes + done)).bytesWritten;
  }
}

/** A hole (on a device: discarded and zeroed by the kernel) where util-linux can make one, zeros otherwise. The
 *  restore reads back either. */
async function zero(handle: FileHandle, offsetBytes: number, lengthBytes: number): Promise<void> {
  if (lengthBytes >= HOLE_BYTES_MIN && (await punchHole(handle, offsetBytes, lengthBytes))) return;
  const zeros = new Uint8Array(Math.min(ZERO_CHUNK_BYTES, lengthBytes));
  for (let done = 0; done < lengthBytes; done += zeros.length) {
    await writeFully(
      handle,
      offsetBytes + done,
      zeros.subarray(0, Math.min(zeros.length, lengthBytes - done)),
    );
  }
}

async function punchHole(handle: FileHandle, offset: number, length: number): Promise<boolean> {
  const range = ["--punch-hole", "--offset", String(offset), "--length", String(length)];
  try {
    // Through /proc the tool gets our open file, whatever the path names by now.
    await promisify(execFile)("fallocate", [...range, `/proc/${process.pid}/fd/${handle.fd}`]);
    return true;
  } catch {
    return false; // No such tool, or a file system without holes: zeros are written instead.
  }
}

async function writing(path: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const full = hasCode(error, "ENOSPC") || hasCode(error, "EDQUOT");
    throw targetUnwritable(path, full, error);
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
