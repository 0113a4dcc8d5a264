// What the engine's tests share: small disks with known contents, and an open repository to put them in.

import { createRepository, openRepository } from "./repository.ts";
import { type MemoryStorage, memoryStorage } from "./storage/memory.ts";
import type {
  ByteSource,
  ByteTarget,
  OpenOptions,
  Repository,
  RepositoryKey,
  SnapshotRecord,
} from "./types.ts";

export const KIB = 1024;
export const PAGE = 256 * KIB;

/** Bytes that look like data: no two blocks alike, compressible by half. */
export function noise(length: number, seed = 1): Uint8Array {
  const words = new Uint16Array(Math.ceil(length / 2));
  let state = (Math.imul(seed, 2_654_435_761) ^ 0x9e3779b9) >>> 0;
  for (let index = 0; index < words.length; index++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    words[index] = (state >>> 24) | 0x0700;
  }
  return new Uint8Array(words.buffer, 0, length);
}

export function sourceOf(bytes: Uint8Array): ByteSource {
  return {
    sizeBytes: bytes.length,
    read: async (offsetBytes, into) => into.set(bytes.subarray(offsetBytes, offsetBytes + into.length)),
  };
}

export interface RecordingTarget extends ByteTarget {
  readonly bytes: Uint8Array;
  /** "write 0+4096", "zero 262144+262144", "flush": in order. */
  readonly deeds: string[];
}

export function targetOf(bytes: Uint8Array): RecordingTarget {
  const deeds: string[] = [];
  return {
    bytes,
    deeds,
    sizeBytes: bytes.length,
    read: async (offsetBytes, into) => into.set(bytes.subarray(offsetBytes, offsetBytes + into.length)),
    write: async (offsetBytes, written) => {
      deeds.push(`write ${offsetBytes}+${written.length}`);
      bytes.set(written, offsetBytes);
    },
    zero: async (offsetBytes, lengthBytes) => {
      deeds.push(`zero ${offsetBytes}+${lengthBytes}`);
      bytes.fill(0, offsetBytes, offsetBytes + lengthBytes);
    },
    flush: async () => {
      deeds.push("flush");
    },
  };
}

export interface Bench {
  readonly storage: MemoryStorage;
  repository: Repository;
  reopen(options?: Partial<OpenOptions>): Promise<Repository>;
  archive(bytes: Uint8Array, node?: string, partition?: string): Promise<SnapshotRecord>;
  restored(snapshot: SnapshotRecord, onto?: Uint8Array, partition?: string): Promise<Uint8Array>;
}

/** A key of a test's repository. */
export const TEST_KEY: RepositoryKey = { kind: "key-file", bytes: new Uint8Array(32).fill(7) };

/** A fresh repository in memory, worked on in the caller's thread; encrypted, if options give a key. */
export async function newBench(
  blockSize = 4096,
  options: Partial<OpenOptions> & { readonly key?: RepositoryKey } = {},
): Promise<Bench> {
  const storage = memoryStorage();
  await createRepository({ storage, blockSize, key: options.key, random: options.random });
  const open = (more: Partial<OpenOptions>) =>
    openRepository({ storage, access: "write", threads: 0, ...options, ...more });
  const bench: Bench = {
    storage,
    repository: await open({}),
    reopen: async (more = {}) => {
      await bench.repository.close();
      bench.repository = await open(more);
      return bench.repository;
    },
    archive: async (bytes, node = "pc-01", partition = "sda1") => {
      const session = await bench.repository.beginArchive({ node });
      await session.archiveSource({ partition }, sourceOf(bytes));
      return session.commit();
    },
    restored: async (snapshot, onto, partition = "sda1") => {
      const size = snapshot.images.find((image) => image.partition === partition)?.sizeBytes ?? 0;
      const target = targetOf(onto ?? new Uint8Array(size));
      await bench.repository.restore(snapshot.id, partition, target);
      return target.bytes;
    },
  };
  return bench;
}

/** The bytes with some places overwritten. */
export function changed(bytes: Uint8Array, ...places: readonly number[]): Uint8Array {
  const copy = bytes.slice();
  for (const place of places) copy[place] = (copy[place] ?? 0) ^ 0xff;
  return copy;
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
