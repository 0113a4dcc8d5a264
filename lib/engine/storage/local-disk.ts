// openLocalDisk keeps a repository in a folder of a local (or mounted) file system.
//
// A file grows under tmp/, is flushed, made read-only, renamed to its final name, and the folder is flushed:
// after a power cut it is there whole or not at all. Folders are made on the way and flushed into their
// parents. Files are read through a bounded set of open ones. Failures carry the system's own error as cause.
import { randomBytes } from "node:crypto";
import {
  type FileHandle,
  link,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  statfs,
  unlink,
} from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { CodedError } from "#lib/model/errors.ts";
import {
  checkFileName,
  checkFolderName,
  closedError,
  inNameOrder,
  storageFullError,
  TEMPORARY_FOLDER,
  tooShortError,
} from "./file-name.ts";
import { OpenFiles } from "./open-files.ts";
import type { FileWriter, Storage, StoredFile } from "./storage.ts";

export interface LocalDiskOptions {
  /** Make the folder when it is missing. Otherwise a missing folder is CodedError "repository-missing". */
  readonly create?: boolean;
}

const FOLDER_MODE = 0o750;
const GROWING_MODE = 0o640;
/** Written once, never changed: nothing, not even we, should open a sealed file for writing. */
const SEALED_MODE = 0o440;
/** Well below the usual limit of 1024 open files per process, of which sockets and databases need their part. */
const OPEN_FILES_MAX = 128;

export async function openLocalDisk(dir: string, options: LocalDiskOptions = {}): Promise<Storage> {
  const root = resolve(dir);
  try {
    if (options.create === true) await makeFolder(root);
    const found = await stat(root);
    if (!found.isDirectory()) throw notAFolder(root);
  } catch (error) {
    if (errorCode(error) === "ENOENT") throw missingFolder(root, error);
    throw asCoded(error, root, "cannot be opened");
  }
  return new LocalDisk(root);
}

class LocalDisk implements Storage {
  readonly description: string;
  readonly #root: string;
  readonly #openFiles = new OpenFiles(OPEN_FILES_MAX);
  /** Folders this process has seen to exist, so that sealing does not make them again each time. */
  readonly #knownFolders = new Set<string>();
  #closed = false;

  constructor(root: string) {
    this.#root = root;
    this.description = root;
  }

  async list(folder: string): Promise<StoredFile[]> {
    checkFolderName(folder);
    return this.#guarded(`${folder || "the folder"} cannot be listed`, async () => {
      const files: StoredFile[] = [];
      await this.#listInto(folder, files);
      return inNameOrder(files);
    });
  }

  async #listInto(folder: string, files: StoredFile[]): Promise<void> {
    const entries = await orNullIfAbsent(readdir(join(this.#root, folder), { withFileTypes: true }));
    for (const entry of entries ?? []) {
      const name = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) await this.#listInto(name, files);
      else if (entry.isFile()) {
        // Beside a reader a writer may move or remove files: one that is gone by now is simply not listed.
        const found = await orNullIfAbsent(stat(join(this.#root, name)));
        if (found !== null) files.push({ name, sizeBytes: found.size });
      }
    }
  }

  async readFile(name: string): Promise<Uint8Array | null> {
    checkFileName(name);
    return this.#guarded(`${name} cannot be read`, () => orNullIfAbsent(readFile(this.localPath(name))));
  }

  async readAt(name: string, offsetBytes: number, into: Uint8Array): Promise<void> {
    checkFileName(name);
    await this.#guarded(`${name} cannot be read`, async () => {
      const done = await orNullIfAbsent(
        this.#openFiles.use(this.localPath(name), (handle) => readFully(handle, offsetBytes, into)),
      );
      if (done !== true) throw tooShortError(this.description, name, offsetBytes, into.length);
    });
  }

  async size(name: string): Promise<number | null> {
    checkFileName(name);
    return this.#guarded(`${name} cannot be looked at`, async () => {
      const found = await orNullIfAbsent(stat(this.localPath(name)));
      return found?.isFile() ? found.size : null;
    });
  }

  async createFile(): Promise<FileWriter> {
    return this.#guarded("a temporary file cannot be made", async () => {
      const temporary = `${TEMPORARY_FOLDER}/${process.pid}-${randomBytes(8).toString("hex")}`;
      await this.#ensureFolder(TEMPORARY_FOLDER);
      const handle = await open(this.localPath(temporary), "wx", GROWING_MODE);
      return new LocalFileWriter({
        path: this.localPath(temporary),
        handle,
        guarded: (what, work) => this.#guarded(what, work),
        moveTo: (name) => this.#moveInPlace(temporary, name),
      });
    });
  }

  async writeFile(name: string, bytes: Uint8Array): Promise<void> {
    checkFileName(name);
    const writer = await this.createFile();
    try {
      await writer.append(bytes);
      await writer.seal(name);
    } catch (error) {
      await writer.discard();
      throw error;
    }
  }

  /** Written and flushed aside, then linked: the name appears in one step, whole, or is found taken. */
  async createExclusive(name: string, bytes: Uint8Array): Promise<boolean> {
    checkFileName(name);
    const writer = await this.createFile();
    try {
      await writer.append(bytes);
      return await this.#guarded(`${name} cannot be made`, () => this.#linkNew(writer, name));
    } finally {
      await writer.discard();
    }
  }

  async #linkNew(writer: FileWriter, name: string): Promise<boolean> {
    if (!(writer instanceof LocalFileWriter)) throw new Error("Bug: a writer of another storage");
    await this.#ensureFolder(dirname(name));
    await writer.flush();
    const path = this.localPath(name);
    try {
      await link(writer.path, path);
    } catch (error) {
      if (errorCode(error) === "EEXIST") return false;
      throw error;
    }
    await flushFolder(dirname(path));
    return true;
  }

  async remove(name: string): Promise<void> {
    checkFileName(name);
    await this.#guarded(`${name} cannot be removed`, async () => {
      this.#openFiles.forget(this.localPath(name));
      if ((await orNullIfAbsent(unlink(this.localPath(name)).then(() => true))) === null) return;
      await flushFolder(dirname(this.localPath(name)));
    });
  }

  /** What an ordinary user may still write. */
  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await this.#guarded("Its free space cannot be read", () => statfs(this.#root));
    return bavail * bsize;
  }

  localPath(name: string): string {
    checkFileName(name);
    return join(this.#root, name);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#openFiles.close();
  }

  async #moveInPlace(temporary: string, name: string): Promise<void> {
    const path = this.localPath(name);
    await this.#ensureFolder(dirname(name));
    await rename(this.localPath(temporary), path);
    this.#openFiles.forget(path);
    await flushFolder(dirname(path));
  }

  async #ensureFolder(folder: string): Promise<void> {
    if (folder === "." || this.#knownFolders.has(folder)) return;
    // The repository's own folder is never made here: an unmounted disk must fail, not be filled beneath.
    await makeFolder(join(this.#root, folder), this.#root);
    this.#knownFolders.add(folder);
  }

  async #guarded<Result>(what: string, work: () => Promise<Result>): Promise<Result> {
    if (this.#closed) throw closedError(this.description);
    try {
      return await work();
    } catch (error) {
      throw asCoded(error, this.description, what);
    }
  }
}

interface LocalFileWriterParts {
  readonly path: string;
  readonly handle: FileHandle;
  readonly guarded: <Result>(what: string, work: () => Promise<Result>) => Promise<Result>;
  readonly moveTo: (name: string) => Promise<void>;
}

class LocalFileWriter implements FileWriter {
  readonly path: string;
  readonly #parts: LocalFileWriterParts;
  #state: "growing" | "broken" | "done" = "growing";
  #handleClosed = false;

  constructor(parts: LocalFileWriterParts) {
    this.path = parts.path;
    this.#parts = parts;
  }

  async append(bytes: Uint8Array): Promise<void> {
    await this.#step("cannot be written", () => writeFully(this.#parts.handle, bytes));
  }

  async flush(): Promise<void> {
    await this.#step("cannot be flushed", () => this.#parts.handle.sync());
  }

  async seal(name: string): Promise<void> {
    checkFileName(name);
    await this.#step(`cannot become ${name}`, async () => {
      await this.#parts.handle.chmod(SEALED_MODE);
      await this.#parts.handle.sync();
      await this.#closeHandle();
      await this.#parts.moveTo(name);
    });
    this.#state = "done";
  }

  async discard(): Promise<void> {
    if (this.#state === "done") return;
    this.#state = "done";
    // A leftover in tmp/ is harmless and swept at the next open, so a failure here is nobody's news.
    await this.#closeHandle().catch(() => undefined);
    await rm(this.path, { force: true }).catch(() => undefined);
  }

  /** After a failed write the file's end is unknown (and after a failed fsync the kernel has dropped the dirty
   *  pages), so nothing but discard may follow. */
  async #step(what: string, work: () => Promise<void>): Promise<void> {
    await this.#parts.guarded(`a temporary file ${what}`, async () => {
      if (this.#state !== "growing") {
        throw new CodedError("storage-failed", `${this.path} ${what}: it was closed or failed before.`, {
          hint: "Write the file again from its start.",
        });
      }
      this.#state = "broken";
      await work();
      this.#state = "growing";
    });
  }

  async #closeHandle(): Promise<void> {
    if (this.#handleClosed) return;
    this.#handleClosed = true;
    await this.#parts.handle.close();
  }
}

async function readFully(handle: FileHandle, offsetBytes: number, into: Uint8Array): Promise<boolean> {
  let done = 0;
  while (done < into.length) {
    const { bytesRead } = await handle.read(into, done, into.length - done, offsetBytes + done);
    if (bytesRead === 0) return false;
    done += bytesRead;
  }
  return true;
}

async function writeFully(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done);
    done += bytesWritten;
  }
}

/** Makes `path` and its missing parents, each flushed into the folder above it. Never makes `below` itself. */
async function makeFolder(path: string, below?: string): Promise<void> {
  if (path === below) return;
  const parent = dirname(path);
  try {
    await mkdir(path, { mode: FOLDER_MODE });
  } catch (error) {
    if (errorCode(error) === "EEXIST") return;
    if (errorCode(error) !== "ENOENT" || parent === path || parent === below) throw error;
    await makeFolder(parent, below);
    await makeFolder(path, below);
    return;
  }
  await flushFolder(parent);
}

async function flushFolder(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } catch (error) {
    // Some network file systems have no such call for folders and make renames durable by themselves.
    if (errorCode(error) !== "EINVAL") throw error;
  } finally {
    await handle.close();
  }
}

async function orNullIfAbsent<Result>(work: Promise<Result>): Promise<Result | null> {
  try {
    return await work;
  } catch (error) {
    if (errorCode(error) === "ENOENT" || errorCode(error) === "ENOTDIR") return null;
    throw error;
  }
}

function errorCode(error: unknown): string | null {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : null;
}

function asCoded(error: unknown, where: string, what: string): CodedError {
  if (error instanceof CodedError) return error;
  const code = errorCode(error);
  if (code === "ENOSPC" || code === "EDQUOT") return storageFullError(where, error);
  const reason = error instanceof Error ? error.message : String(error);
  return new CodedError("storage-failed", `${where}: ${what}: ${reason}`, {
    hint: hintFor(code),
    retry: code === "EACCES" || code === "EPERM" || code === "EROFS" ? "never" : "later",
    facts: { systemCode: code },
    cause: error,
  });
}

function hintFor(code: string | null): string {
  if (code === "EACCES" || code === "EPERM")
    return "Give the account Sheepfold runs as access to this folder.";
  if (code === "EROFS") return "Mount the file system so that it can be written.";
  if (code === "EMFILE" || code === "ENFILE") return "Raise the limit of open files (ulimit -n).";
  return "Check the disk and its cabling or network mount, and the system's log.";
}

function missingFolder(root: string, cause: unknown): CodedError {
  return new CodedError("repository-missing", `There is no folder ${root}.`, {
    hint: "Check the path, mount the disk it lies on, or make a repository there with `sheepfold repo init`.",
    cause,
  });
}

function notAFolder(root: string): CodedError {
  return new CodedError("storage-failed", `${root} is not a folder.`, {
    hint: "A repository is a folder: give the path of one.",
  });
}
