// memoryStorage keeps a repository in memory: for tests and the simulation, where it plays a disk exactly.
//
// Like a disk it knows what has been written from what has been flushed: `crash` takes the power away, so that
// growing files lose some or all of their unflushed end, or vanish. Sealed files survive whole, unless the disk has
// begun to `lie`: then nothing that happened since is sure to survive, and it may survive in any order. `copy` is a cheap
// second disk with the same contents, and `flipBit` is rot.
import { CodedError } from "#lib/model/errors.ts";
import {
  checkFileName,
  checkFolderName,
  closedError,
  inNameOrder,
  isInFolder,
  TEMPORARY_FOLDER,
  tooShortError,
} from "./file-name.ts";
import type { FileWriter, Storage, StoredFile } from "./storage.ts";

export interface MemoryStorage extends Storage {
  /** The same disk seen by another process: closing one view leaves the others open. */
  connect(): MemoryStorage;
  /** The power fails. `random` (0 ≤ x < 1) decides how much of each growing file survives. Writers from before
   *  are dead. */
  crash(random: () => number): void;
  /** From now on flushing is only claimed (a disk with a volatile cache, a file system without barriers): a crash
   *  leaves each file as it was at any moment since, whatever became of the others, or new but torn. */
  lie(): void;
  /** Another storage with the same files; neither sees what the other does from now on. */
  copy(): MemoryStorage;
  /** Flips one bit of a file where it lies; doing it twice heals it. */
  flipBit(name: string, bitIndex: number): void;
}

interface MemoryFile {
  readonly chunks: Uint8Array[];
  sizeBytes: number;
  flushedBytes: number;
}

export function memoryStorage(description = "memory"): MemoryStorage {
  return new Memory(description, { files: new Map(), life: 0, temporaryCount: 0, past: null });
}

/** What all views of one disk share. */
interface MemoryDisk {
  files: Map<string, MemoryFile>;
  /** Counts crashes, so that a writer can tell that its process is gone. */
  life: number;
  temporaryCount: number;
  /** Of a disk that lies: what each changed name has stood for since it began to. */
  past: Map<string, (MemoryFile | null)[]> | null;
}

class Memory implements MemoryStorage {
  readonly description: string;
  readonly #disk: MemoryDisk;
  #closed = false;

  constructor(description: string, disk: MemoryDisk) {
    this.description = description;
    this.#disk = disk;
  }

  async list(folder: string): Promise<StoredFile[]> {
    this.#checkOpen();
    checkFolderName(folder);
    const files: StoredFile[] = [];
    for (const [name, file] of this.#disk.files) {
      if (isInFolder(name, folder)) files.push({ name, sizeBytes: file.sizeBytes });
    }
    return inNameOrder(files);
  }

  async readFile(name: string): Promise<Uint8Array | null> {
    this.#checkOpen();
    checkFileName(name);
    const file = this.#disk.files.get(name);
    return file === undefined ? null : new Uint8Array(joined(file));
  }

  async readAt(name: string, offsetBytes: number, into: Uint8Array): Promise<void> {
    this.#checkOpen();
    checkFileName(name);
    const file = this.#disk.files.get(name);
    if (file === undefined || offsetBytes + into.length > file.sizeBytes) {
      throw tooShortError(this.description, name, offsetBytes, into.length);
    }
    into.set(joined(file).subarray(offsetBytes, offsetBytes + into.length));
  }

  async size(name: string): Promise<number | null> {
    this.#checkOpen();
    checkFileName(name);
    return this.#disk.files.get(name)?.sizeBytes ?? null;
  }

  async createFile(): Promise<FileWriter> {
    this.#checkOpen();
    this.#disk.temporaryCount += 1;
    const temporary = `${TEMPORARY_FOLDER}/memory-${this.#disk.life}-${this.#disk.temporaryCount}`;
    this.#disk.files.set(temporary, { chunks: [], sizeBytes: 0, flushedBytes: 0 });
    const life = this.#disk.life;
    let done = false;
    /** The growing file, or an error when it is no longer this writer's. */
    const growing = () => {
      this.#checkOpen();
      const file = this.#disk.files.get(temporary);
      if (done || life !== this.#disk.life || file === undefined) throw deadWriterError(temporary);
      return file;
    };
    return {
      append: async (bytes) => {
        appendTo(growing(), bytes);
      },
      seal: async (name) => {
        checkFileName(name);
        const file = growing();
        file.flushedBytes = file.sizeBytes;
        done = true;
        this.#disk.files.delete(temporary);
        this.#put(name, file);
      },
      discard: async () => {
        if (!done && life === this.#disk.life) this.#disk.files.delete(temporary);
        done = true;
      },
    };
  }

  async writeFile(name: string, bytes: Uint8Array): Promise<void> {
    this.#checkOpen();
    checkFileName(name);
    this.#put(name, flushedFile(bytes));
  }

  async createExclusive(name: string, bytes: Uint8Array): Promise<boolean> {
    this.#checkOpen();
    checkFileName(name);
    if (this.#disk.files.has(name)) return false;
    this.#put(name, flushedFile(bytes));
    return true;
  }

  async remove(name: string): Promise<void> {
    this.#checkOpen();
    checkFileName(name);
    if (this.#disk.files.has(name)) this.#put(name, null);
  }

  #put(name: string, file: MemoryFile | null): void {
    const { files, past } = this.#disk;
    if (past !== null) {
      const states = past.get(name) ?? [files.get(name) ?? null];
      past.set(name, [...states, file]);
    }
    if (file === null) files.delete(name);
    else files.set(name, file);
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  crash(random: () => number): void {
    this.#disk.life += 1;
    for (const [name, file] of [...this.#disk.files]) {
      if (file.flushedBytes === file.sizeBytes) continue;
      // A file system may have written any part of what was not flushed, or not even the file's entry.
      if (random() < 0.25) this.#disk.files.delete(name);
      else cutOff(file, file.flushedBytes + Math.floor(random() * (file.sizeBytes - file.flushedBytes + 1)));
    }
    this.#forgetUnflushed(random);
  }

  lie(): void {
    this.#disk.past ??= new Map();
  }

  #forgetUnflushed(random: () => number): void {
    const { files, past } = this.#disk;
    this.#disk.past = null;
    for (const [name, states] of past ?? []) {
      const index = Math.floor(random() * states.length);
      const file = states[index] ?? null;
      if (file === null) files.delete(name);
      else files.set(name, index > 0 && random() < 0.3 ? tornFile(file, random) : file);
    }
  }

  connect(): MemoryStorage {
    return new Memory(this.description, this.#disk);
  }

  copy(): MemoryStorage {
    const files = new Map<string, MemoryFile>();
    for (const [name, file] of this.#disk.files) files.set(name, { ...file, chunks: [...file.chunks] });
    return new Memory(this.description, { ...this.#disk, files, past: null });
  }

  flipBit(name: string, bitIndex: number): void {
    const file = this.#disk.files.get(name);
    const position = bitIndex >> 3;
    if (file === undefined || position >= file.sizeBytes) throw new Error(`No bit ${bitIndex} in ${name}`);
    // Chunks are shared between copies and never changed in place.
    const bytes = new Uint8Array(joined(file));
    bytes[position] = (bytes[position] ?? 0) ^ (1 << (bitIndex & 7));
    file.chunks.splice(0, file.chunks.length, bytes);
  }

  #checkOpen(): void {
    if (this.#closed) throw closedError(this.description);
  }
}

function flushedFile(bytes: Uint8Array): MemoryFile {
  return { chunks: [new Uint8Array(bytes)], sizeBytes: bytes.length, flushedBytes: bytes.length };
}

/** Its length was written, its content only in part: file systems fill up with zeros, or cut. */
function tornFile(file: MemoryFile, random: () => number): MemoryFile {
  const bytes = new Uint8Array(joined(file));
  const from = Math.floor(random() * bytes.length);
  const to = from + Math.ceil(random() * (bytes.length - from));
  return flushedFile(random() < 0.5 ? bytes.fill(0, from, to) : bytes.subarray(0, from));
}

function appendTo(file: MemoryFile, bytes: Uint8Array): void {
  if (bytes.length === 0) return;
  file.chunks.push(new Uint8Array(bytes));
  file.sizeBytes += bytes.length;
}

/** The file's bytes as one chunk, joined once and kept so. */
function joined(file: MemoryFile): Uint8Array {
  if (file.chunks.length !== 1) {
    const whole = new Uint8Array(Buffer.concat(file.chunks));
    file.chunks.splice(0, file.chunks.length, whole);
  }
  return file.chunks[0] ?? new Uint8Array(0);
}

function cutOff(file: MemoryFile, sizeBytes: number): void {
  file.chunks.splice(0, file.chunks.length, joined(file).slice(0, sizeBytes));
  file.sizeBytes = sizeBytes;
  file.flushedBytes = sizeBytes;
}

function deadWriterError(temporary: string): CodedError {
  return new CodedError("storage-failed", `${temporary} was sealed, discarded or lost before.`, {
    hint: "Write the file again from its start.",
  });
}
