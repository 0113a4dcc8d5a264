// OpenFiles keeps the most recently read files of one local repository open, at most `countMax` of them.
//
// A restore reads hundreds of small ranges from few packs; opening and closing a file for each would cost
// more than the read. A file stays open while reads of it are in flight, even when it is forgotten meanwhile.
import { type FileHandle, open } from "node:fs/promises";

interface OpenFile {
  readonly handle: Promise<FileHandle>;
  readerCount: number;
  forgotten: boolean;
}

export class OpenFiles {
  /** In order of last use, oldest first: a Map keeps the order of insertion. */
  readonly #files = new Map<string, OpenFile>();
  readonly #closing = new Set<Promise<void>>();
  readonly #countMax: number;

  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  /** Runs `read` on the open file. An opening failure is not remembered. */
  async use<Result>(path: string, read: (handle: FileHandle) => Promise<Result>): Promise<Result> {
    const file = this.#files.get(path) ?? { handle: open(path, "r"), readerCount: 0, forgotten: false };
    this.#files.delete(path);
    this.#files.set(path, file);
    file.readerCount += 1;
    try {
      return await read(await file.handle);
    } catch (error) {
      this.#forgetFile(path, file);
      throw error;
    } finally {
      file.readerCount -= 1;
      this.#closeIfUnused(file);
      this.#forgetOldest();
    }
  }

  /** The path now means another file, or none. */
  forget(path: string): void {
    const file = this.#files.get(path);
    if (file !== undefined) this.#forgetFile(path, file);
  }

  async close(): Promise<void> {
    for (const [path, file] of [...this.#files]) this.#forgetFile(path, file);
    await Promise.all(this.#closing);
  }

  #forgetOldest(): void {
    for (const [path, file] of this.#files) {
      if (this.#files.size <= this.#countMax) return;
      this.#forgetFile(path, file);
    }
  }

  #forgetFile(path: string, file: OpenFile): void {
    if (this.#files.get(path) === file) this.#files.delete(path);
    file.forgotten = true;
    this.#closeIfUnused(file);
  }

  #closeIfUnused(file: OpenFile): void {
    if (!file.forgotten || file.readerCount > 0) return;
    const closing = file.handle.then(
      (handle) => handle.close().catch(() => undefined), // Read-only: nothing can be lost by a failed close.
      () => undefined, // It never opened; the reader has been told.
    );
    this.#closing.add(closing);
    void closing.finally(() => this.#closing.delete(closing));
  }
}
