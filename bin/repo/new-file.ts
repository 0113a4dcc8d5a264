// NewFile is a file that appears whole under its name or not at all: it is written as NAME.partial, flushed, and
// then gets its name, never one that something else has got meanwhile.
import { constants } from "node:fs";
import { type FileHandle, link, open, rename, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { CodedError } from "#lib/model/errors.ts";

export class NewFile {
  readonly #path: string;
  readonly #handle: FileHandle;

  private constructor(path: string, handle: FileHandle) {
    this.#path = path;
    this.#handle = handle;
  }

  /** `path` is absent, its folder is there. */
  static async create(path: string): Promise<NewFile> {
    const partial = partialOf(path);
    try {
      return new NewFile(
        path,
        await open(partial, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600),
      );
    } catch (error) {
      if (!hasCode(error, "EEXIST")) throw unwritable(path, error);
      throw new CodedError("target-other-purpose", `${partial} is there already.`, {
        hint: "Another export is writing it, or one was killed. If none is running, remove it.",
      });
    }
  }

  async write(offsetBytes: number, bytes: Uint8Array): Promise<void> {
    try {
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await this.#handle.write(
          bytes,
          done,
          bytes.length - done,
          offsetBytes + done,
        );
        done += bytesWritten;
      }
    } catch (error) {
      throw unwritable(this.#path, error);
    }
  }

  /** Ranges never written are holes and read as zeros. */
  async setLength(lengthBytes: number): Promise<void> {
    await this.#handle.truncate(lengthBytes).catch((error: unknown) => {
      throw unwritable(this.#path, error);
    });
  }

  /** Bytes the file takes on its disk so far. */
  async storedBytes(): Promise<number> {
    return (await this.#handle.stat()).blocks * 512;
  }

  /** On stable storage and under its name when this resolves. */
  async finish(): Promise<void> {
    try {
      await this.#handle.sync();
      await this.#handle.close();
      await moveWithoutReplacing(partialOf(this.#path), this.#path);
      const folder = await open(dirname(this.#path), "r");
      await folder.sync().finally(() => folder.close());
    } catch (error) {
      throw error instanceof CodedError ? error : unwritable(this.#path, error);
    }
  }

  /** After a failure: nothing is left. */
  async discard(): Promise<void> {
    await this.#handle.close().catch(() => undefined); // Closed already when finish() failed late.
    await unlink(partialOf(this.#path)).catch((error: unknown) => {
      if (!hasCode(error, "ENOENT")) throw unwritable(this.#path, error);
    });
  }
}

function partialOf(path: string): string {
  return `${path}.partial`;
}

async function moveWithoutReplacing(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
    await unlink(from);
  } catch (error) {
    if (hasCode(error, "EEXIST"))
      throw new CodedError("target-other-purpose", `${to} has come up while it was exported.`, {
        hint: "Export again under another name.",
      });
    // File systems without hard links (FAT, some network mounts).
    await rename(from, to);
  }
}

function unwritable(path: string, cause: unknown): CodedError {
  const full = hasCode(cause, "ENOSPC") || hasCode(cause, "EDQUOT");
  return new CodedError(
    "target-write-failed",
    `${path} cannot be written${full ? ": its disk is full" : ""} (${cause instanceof Error ? cause.message : cause}).`,
    { hint: full ? "Free some space and export again." : "Check the folder's disk and permissions.", cause },
  );
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
