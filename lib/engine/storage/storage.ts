// Storage is the engine's only way to keep bytes: a flat set of named files, written once and never changed.
//
// Names use "/" and are relative to the repository ("packs/ab/abcd….pack"). Implementations: local-disk.ts,
// memory.ts (tests) and faulty.ts (tests: fails the n-th call, tears writes, loses unflushed bytes, flips bits). All
// pass the shared contract suite. A call either succeeds, or throws a CodedError "storage-full" or "storage-failed",
// or (read of an absent file) answers null.

export interface StoredFile {
  readonly name: string;
  readonly sizeBytes: number;
}

/** A file under tmp/, growing until `seal`. Call `append` one at a time; the buffer may be reused afterwards. */
export interface FileWriter {
  append(bytes: Uint8Array): Promise<void>;
  /** Flush, move to its final name in one step, flush the folder. Afterwards the file exists whole or not at all.
   *  An existing file of the same name is replaced in the same step. */
  seal(name: string): Promise<void>;
  /** Drop the file. Never throws. */
  discard(): Promise<void>;
}

export interface Storage {
  /** For messages: where this is. */
  readonly description: string;
  list(folder: string): Promise<StoredFile[]>;
  /** The whole file, or null when there is none. */
  readFile(name: string): Promise<Uint8Array | null>;
  /** Exactly `into.length` bytes from `offsetBytes`; CodedError "storage-failed" when the file is shorter or absent. */
  readAt(name: string, offsetBytes: number, into: Uint8Array): Promise<void>;
  size(name: string): Promise<number | null>;
  createFile(): Promise<FileWriter>;
  /** Small file in one step: createFile, append, seal. */
  writeFile(name: string, bytes: Uint8Array): Promise<void>;
  /** True when created; false when it existed already. The one exclusive step (locks). */
  createExclusive(name: string, bytes: Uint8Array): Promise<boolean>;
  remove(name: string): Promise<void>;
  /** Room for more, where that is known. */
  freeBytes?(): Promise<number>;
  /** Local path of a file, when threads may read it by themselves. */
  localPath?(name: string): string;
  close(): Promise<void>;
}
