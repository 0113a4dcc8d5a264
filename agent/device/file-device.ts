// A disk that is an image file: what simulated PCs have, and what a PC's disk looks like to a rescue tool. The file must
// exist; its size is the disk's size and never changes.
import { execFile } from "node:child_process";
import { open } from "node:fs/promises";
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

export async function openFileDevice(path: string, access: Access): Promise<RawDevice> {
  const handle = await open(path, access === "write" ? "r+" : "r").catch((cause: unknown) => {
    throw new CodedError(
      access === "write" ? "target-missing" : "source-missing",
      `The disk image ${path} cannot be opened: ${wordsOf(cause)}.`,
      { hint: "Check the agent's --disk argument and the file's permissions.", cause },
    );
  });
  const { size } = await handle.stat();
  return {
    path,
    sizeBytes: size,
    read: (offsetBytes, into) => readFully(handle, path, offsetBytes, into),
    write: (offsetBytes, bytes) => writeFully(handle, path, offsetBytes, bytes),
    zero: async (offsetBytes, lengthBytes) => {
      if (lengthBytes >= FORGET_BYTES_MIN && (await punch(path, offsetBytes, lengthBytes))) return;
      await writeZeros(handle, path, offsetBytes, lengthBytes);
    },
    flush: () =>
      handle.sync().catch((cause: unknown) => {
        throw writeFailed(path, 0, cause);
      }),
    close: () => handle.close(),
  };
}

/** False when the file system cannot punch holes, or the tool is missing: the caller then writes zeros. */
async function punch(path: string, offsetBytes: number, lengthBytes: number): Promise<boolean> {
  try {
    await run("fallocate", ["-p", "-o", String(offsetBytes), "-l", String(lengthBytes), path]);
    return true;
  } catch {
    return false; // Not an error: zeros written one by one are the same content.
  }
}
