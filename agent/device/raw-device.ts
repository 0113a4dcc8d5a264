// A raw device is a disk as one long row of bytes: a real one (block-device.ts) or an image file (file-device.ts). Here are
// the words both share and the read and write loops, which are the same for every file descriptor.
import type { FileHandle } from "node:fs/promises";
import { CodedError } from "#lib/model/errors.ts";

export type Access = "read" | "write";

export interface RawDevice {
  readonly path: string;
  readonly sizeBytes: number;
  /** Fills `into` completely or throws "source-read-failed" | "source-changed-size". */
  read(offsetBytes: number, into: Uint8Array): Promise<void>;
  write(offsetBytes: number, bytes: Uint8Array): Promise<void>;
  /** Makes the range read as zeros, without writing them where the device can forget them instead. */
  zero(offsetBytes: number, lengthBytes: number): Promise<void>;
  /** Resolves when all written bytes are on stable storage and later reads come from there where possible. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

const ZEROS = new Uint8Array(1024 * 1024);
/** Below this a tool call costs more than the zeros. */
export const FORGET_BYTES_MIN = ZEROS.length;

export async function readFully(
  handle: FileHandle,
  path: string,
  offsetBytes: number,
  into: Uint8Array,
): Promise<void> {
  let done = 0;
  while (done < into.length) {
    const { bytesRead } = await handle
      .read(into, done, into.length - done, offsetBytes + done)
      .catch((cause: unknown) => {
        throw readFailed(path, offsetBytes + done, cause);
      });
    if (bytesRead === 0) throw endedEarly(path, offsetBytes + done);
    done += bytesRead;
  }
}

export async function writeFully(
  handle: FileHandle,
  path: string,
  offsetBytes: number,
  bytes: Uint8Array,
): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await handle
      .write(bytes, done, bytes.length - done, offsetBytes + done)
      .catch((cause: unknown) => {
        throw writeFailed(path, offsetBytes + done, cause);
      });
    done += bytesWritten;
  }
}

export async function writeZeros(
  handle: FileHandle,
  path: string,
  offsetBytes: number,
  lengthBytes: number,
): Promise<void> {
  for (let done = 0; done < lengthBytes; done += ZEROS.length) {
    await writeFully(
      handle,
      path,
      offsetBytes + done,
      ZEROS.subarray(0, Math.min(ZEROS.length, lengthBytes - done)),
    );
  }
}

export function readFailed(path: string, offsetBytes: number, cause: unknown): CodedError {
  return new CodedError(
    "source-read-failed",
    `Reading ${path} at byte ${offsetBytes} failed: ${wordsOf(cause)}.`,
    {
      hint: "Check the disk's health (smartctl -a) and its cable, then repeat.",
      facts: { path, offsetBytes },
      cause,
    },
  );
}

export function endedEarly(path: string, offsetBytes: number): CodedError {
  return new CodedError(
    "source-changed-size",
    `${path} ends at byte ${offsetBytes}, before its size when opened.`,
    {
      hint: "Something shrank or removed it while it was read; repeat when it is at rest.",
      retry: "later",
      facts: { path, offsetBytes },
    },
  );
}

export function writeFailed(path: string, offsetBytes: number, cause: unknown): CodedError {
  return new CodedError(
    "target-write-failed",
    `Writing ${path} at byte ${offsetBytes} failed: ${wordsOf(cause)}.`,
    {
      hint: "Check that the disk is writable, healthy and not full, then repeat: what is already right stays.",
      facts: { path, offsetBytes },
      cause,
    },
  );
}

export function wordsOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
