// The form all files under index/ have: a head with a summary in JSON, then columns of numbers as they lie in memory, in parts
// that each end with their checksum. Written and read in chunks, so that no second copy of a table is ever in memory.
//
// They are only ever shortcuts: a file that is missing, damaged, cut off, of another repository, version or byte order
// is ignored, and the pack footers say the same.
import { createHash, type Hash } from "node:crypto";
import { endianness } from "node:os";
import { CodedError } from "#lib/model/errors.ts";
import { sameHash } from "#lib/page/page.ts";
import { ByteReader, ByteWriter, bytesOfHex, ensure, FormatError } from "./format/bytes.ts";
import type { FileWriter, Storage } from "./storage/storage.ts";

const MAGIC = "SFIX";
const CACHE_VERSION = 4;
const HEAD_BYTES = 32;
const CHECKSUM_BYTES = 32;
const CHUNK_BYTES = 4 * 1024 * 1024;
const SUMMARY_BYTES_MAX = 256 * 1024 * 1024;
/** A cache is written again when it lacks so many packs, or this share of the blocks or packs. */
const PACKS_LACKING_MAX = 64;
const SHARE_LACKING_MAX = 0.02;

export type Column = Float64Array | Uint32Array | Uint16Array | Uint8Array;

export interface CoverablePack {
  readonly pack: { readonly name: string };
  readonly blockCount: number;
}

/** Has so much changed that a cache which covers these packs (null: there is none) is worth writing again? */
export function isCacheDue(covered: ReadonlySet<string> | null, packs: readonly CoverablePack[]): boolean {
  if (covered === null) return packs.length > 0;
  const lacking = packs.filter(({ pack }) => !covered.has(pack.name));
  const goneCount = covered.size - (packs.length - lacking.length);
  const blocksIn = (some: readonly CoverablePack[]) => some.reduce((sum, pack) => sum + pack.blockCount, 0);
  return (
    lacking.length + goneCount > PACKS_LACKING_MAX ||
    blocksIn(lacking) > SHARE_LACKING_MAX * blocksIn(packs) ||
    goneCount > SHARE_LACKING_MAX * covered.size
  );
}

export class CacheWriter {
  readonly #file: FileWriter;
  #hash: Hash = createHash("sha256");

  constructor(file: FileWriter) {
    this.#file = file;
  }

  async head(repositoryId: string, summary: unknown): Promise<void> {
    const text = Buffer.from(JSON.stringify(summary), "utf8");
    const head = new ByteWriter();
    head.bytes(Buffer.from(MAGIC));
    head.u16(CACHE_VERSION);
    head.u16(endianness() === "LE" ? 0 : 1);
    head.bytes(bytesOfHex(repositoryId));
    head.u32(text.length);
    head.u32(0);
    await this.column(head.finish());
    await this.column(text);
  }

  async column(column: Column): Promise<void> {
    for (const chunk of chunksOf(column)) {
      this.#hash.update(chunk);
      await this.#file.append(chunk);
    }
  }

  /** Ends a part. */
  async checksum(): Promise<void> {
    await this.#file.append(this.#hash.digest());
    this.#hash = createHash("sha256");
  }
}

/** Writes a cache. `write` answers false when what it wrote is worth nothing. A repository without caches is slower to open
 *  and nothing else: a failure is not an error. True when the file is there. */
export async function writeCacheFile(
  storage: Storage,
  name: string,
  write: (out: CacheWriter) => Promise<boolean>,
): Promise<boolean> {
  let file: FileWriter | null = null;
  try {
    file = await storage.createFile();
    if (await write(new CacheWriter(file))) {
      await file.seal(name);
      return true;
    }
    await file.discard();
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    await file?.discard();
  }
  return false;
}

/** What `read` makes of a cache, or null when there is none that can be trusted. */
export async function readCacheFile<Value>(
  storage: Storage,
  name: string,
  read: (from: CacheReader) => Promise<Value>,
): Promise<Value | null> {
  try {
    const fileBytes = await storage.size(name);
    return fileBytes === null ? null : await read(new CacheReader(storage, name, fileBytes));
  } catch (error) {
    // Damaged, unreadable, or of another version: the footers hold the same.
    if (error instanceof FormatError || error instanceof CodedError || error instanceof SyntaxError)
      return null;
    throw error;
  }
}

/** Reads the file from front to back and keeps the checksum of the part it is in. */
export class CacheReader {
  readonly #storage: Storage;
  readonly #name: string;
  readonly #fileBytes: number;
  #at = 0;
  #hash: Hash = createHash("sha256");

  constructor(storage: Storage, name: string, fileBytes: number) {
    this.#storage = storage;
    this.#name = name;
    this.#fileBytes = fileBytes;
  }

  /** The summary. It is to be checked like everything that is read before the first checksum. */
  async head(repositoryId: string): Promise<unknown> {
    const from = new ByteReader(await this.#bytes(HEAD_BYTES));
    ensure(from.text(4) === MAGIC && from.u16() === CACHE_VERSION, "not a cache of this version");
    ensure(from.u16() === (endianness() === "LE" ? 0 : 1), "a cache of another byte order");
    ensure(sameHash(from.bytes(16), bytesOfHex(repositoryId)), "a cache of another repository");
    const summaryBytes = from.u32();
    ensure(summaryBytes <= SUMMARY_BYTES_MAX, "the summary is too long");
    return JSON.parse(Buffer.from(await this.#bytes(summaryBytes)).toString("utf8"));
  }

  /** No count in the file is believed before the file is seen to be at least that long. */
  ensureLeft(bytes: number): void {
    ensure(bytes <= this.#fileBytes - this.#at, "the cache is cut off");
  }

  async into(column: Column): Promise<void> {
    this.ensureLeft(column.byteLength);
    for (const chunk of chunksOf(column)) {
      await this.#storage.readAt(this.#name, this.#at, chunk);
      this.#hash.update(chunk);
      this.#at += chunk.length;
    }
  }

  async checksum(): Promise<void> {
    const expected = this.#hash.digest();
    this.#hash = createHash("sha256");
    const found = new Uint8Array(CHECKSUM_BYTES);
    this.ensureLeft(found.length);
    await this.#storage.readAt(this.#name, this.#at, found);
    this.#at += found.length;
    ensure(sameHash(found, expected), "the cache's checksum does not fit");
  }

  async #bytes(count: number): Promise<Uint8Array> {
    this.ensureLeft(count);
    const bytes = new Uint8Array(count);
    await this.into(bytes);
    return bytes;
  }
}

function* chunksOf(column: Column): Generator<Uint8Array> {
  const bytes = new Uint8Array(column.buffer, column.byteOffset, column.byteLength);
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) yield bytes.subarray(at, at + CHUNK_BYTES);
}
