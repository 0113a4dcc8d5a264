// RepositoryState is an open repository from the inside: what its parts (sessions, readers, verify) share.
import { assert } from "#lib/model/assert.ts";
import type { Clock, Random } from "#lib/model/clock.ts";
import type { Compression } from "#lib/model/compression.ts";
import { CodedError } from "#lib/model/errors.ts";
import { PAGE_BYTES } from "#lib/page/page.ts";
import type { FinishedImage } from "./archive/image-context.ts";
import { ScanBuffers } from "./archive/scan-buffers.ts";
import { NONCE_BYTES } from "./encryption/aead.ts";
import type { RepositoryKeys } from "./encryption/repository-keys.ts";
import { findSnapshot } from "./find-snapshot.ts";
import { Foreground, type Pacing } from "./foreground.ts";
import type { Pin } from "./format/ledger-format.ts";
import { type PackIdentity, SEGMENT_RAW_BYTES, type SegmentHeader } from "./format/pack-format.ts";
import type { EncodedSegment } from "./format/segment-codec.ts";
import type { PackKind } from "./format/snapshot-format.ts";
import { encodeSnapshot, type StoredSnapshot, snapshotFileName } from "./format/snapshot-format.ts";
import type { TextOwner } from "./format/text-file.ts";
import type { RepositoryLock } from "./lock.ts";
import { ImageTree } from "./restore/image-tree.ts";
import { NodeCache } from "./restore/node-cache.ts";
import type { Storage } from "./storage/storage.ts";
import { BlockStore } from "./store/block-store.ts";
import type { Workers } from "./threads/workers.ts";
import type { ArchiveSession, RepositoryInfo, SnapshotPurpose, SnapshotRecord } from "./types.ts";
import { Holds } from "./upkeep/holds.ts";
import { LedgerKeeper } from "./upkeep/ledger.ts";

/** Ids a node segment reserves: as many nodes as 64 KiB hold, about. */
const NODE_SEGMENT_IDS = 64;

export interface StateOptions {
  readonly storage: Storage;
  readonly info: RepositoryInfo;
  readonly keys: RepositoryKeys | null;
  readonly clock: Clock;
  readonly random: Random;
  readonly workers: Workers;
  readonly pacing: Pacing;
  readonly lock: RepositoryLock | null;
}

/** All that a commit adds to what is sealed already. */
export interface SnapshotDraft {
  readonly id: string;
  readonly node: string;
  readonly parentId: string | null;
  readonly purpose: SnapshotPurpose;
  readonly comment: string;
  readonly requestId: string | null;
  readonly startedMs: number;
  readonly images: readonly FinishedImage[];
}

export interface FileToRemove {
  readonly sizeBytes: number;
  /** Nobody is reading it any more. */
  readonly isFree: () => boolean;
}

export class RepositoryState {
  readonly storage: Storage;
  readonly info: RepositoryInfo;
  /** Null where nothing is encrypted. */
  readonly keys: RepositoryKeys | null;
  /** For the small files. */
  readonly owner: TextOwner;
  readonly clock: Clock;
  readonly random: Random;
  readonly workers: Workers;
  readonly lock: RepositoryLock | null;
  readonly foreground: Foreground;
  readonly buffers: ScanBuffers;
  readonly data: BlockStore;
  readonly nodes: BlockStore;
  readonly nodeCache: NodeCache;
  readonly sessions = new Set<ArchiveSession>();
  readonly holds = new Holds();
  readonly ledger: LedgerKeeper;
  /** Snapshots whose commit failed although their file may be there, as the next open would see. */
  readonly doubtful = new Map<StoredSnapshot, () => void>();
  /** By snapshot id. */
  readonly pins = new Map<string, Pin>();
  /** Packs that are going or gone: their files, if there still are any, are nobody's. */
  readonly removedPacks = new Set<string>();
  /** Of those, files this process has still to remove. */
  readonly filesToRemove = new Map<string, FileToRemove>();
  /** In commit order. */
  readonly stored: StoredSnapshot[] = [];
  /** Snapshot files that could not be read: id → what is wrong. */
  readonly damagedSnapshots = new Map<string, { readonly file: string; readonly message: string }>();
  nextSequence = 1;
  /** The tables may know packs the caches do not, or no longer know some that they do. */
  indexIsNew = false;
  /** The packs each cache covers; null while there is no cache that is known to be good. */
  readonly indexed: Record<PackKind | "places", ReadonlySet<string> | null> = {
    places: null,
    data: null,
    nodes: null,
  };
  #closed = false;
  #commits: Promise<unknown> = Promise.resolve();
  #upkeep: Promise<unknown> = Promise.resolve();
  #serial = 0;
  readonly #openSerials = new Set<number>();

  constructor(options: StateOptions) {
    this.storage = options.storage;
    this.info = options.info;
    this.keys = options.keys;
    this.owner = {
      repositoryId: options.info.id,
      seal: options.keys === null ? null : { key: options.keys.texts, random: options.random },
    };
    this.clock = options.clock;
    this.random = options.random;
    this.workers = options.workers;
    this.foreground = new Foreground(options.pacing);
    this.lock = options.lock;
    this.ledger = new LedgerKeeper(options.storage, this.owner);
    this.buffers = new ScanBuffers(options.info.blockSize);
    this.data = this.#newStore("data", SEGMENT_RAW_BYTES / options.info.blockSize);
    this.nodes = this.#newStore("nodes", NODE_SEGMENT_IDS);
    this.nodeCache = new NodeCache(this.nodes, PAGE_BYTES / options.info.blockSize);
  }

  #newStore(kind: PackKind, segmentIds: number): BlockStore {
    const { id: repositoryId, blockSize } = this.info;
    const identity = { kind, repositoryId, blockSize, keys: this.keys };
    return new BlockStore({
      storage: this.storage,
      identity,
      segmentIds,
      encode: (buffer, segment, compression) => this.encode(identity, buffer, segment, compression),
      decode: (segment, bytes) => this.workers.decode(segment, identity, bytes),
      inFlightMax: 2 + 3 * this.workers.threadCount,
    });
  }

  /** Compressed, and in an encrypted repository sealed: the buffer has room for that, too. */
  encode(
    pack: PackIdentity,
    buffer: SharedArrayBuffer,
    { firstId, count, rawBytes }: Pick<SegmentHeader, "firstId" | "count" | "rawBytes">,
    compression: Compression,
  ): Promise<EncodedSegment> {
    const place = { pack, firstId, count };
    const sealing = pack.keys === null ? null : { ...place, nonce: this.random.bytes(NONCE_BYTES) };
    return this.workers.encode(buffer, rawBytes, compression, sealing);
  }

  store(kind: PackKind): BlockStore {
    return kind === "data" ? this.data : this.nodes;
  }

  checkOpen(): void {
    if (!this.#closed) return;
    throw new CodedError("repository-closed", `The repository at ${this.storage.description} was closed.`, {
      hint: "Open it again.",
      retry: "later",
    });
  }

  /** False when it was closed before. */
  markClosing(): boolean {
    const first = !this.#closed;
    this.#closed = true;
    return first;
  }

  // Who may be using what ------------------------------------------------------------------------------------

  /** A session's number. Whatever is deduplicated against from now on bears the newest number: as long as a session of that
   *  number or an earlier one is open, it may be the one that used it (GC-2). */
  beginSerial(): number {
    this.#serial += 1;
    this.#openSerials.add(this.#serial);
    for (const store of [this.data, this.nodes]) store.useStamp = this.#serial;
    return this.#serial;
  }

  endSerial(serial: number): void {
    this.#openSerials.delete(serial);
  }

  /** Infinity when none is open. */
  get oldestOpenSerial(): number {
    return Math.min(...this.#openSerials);
  }

  /** GC and rebuilding the index exchange tables: one after the other. */
  alone<Value>(work: () => Promise<Value>): Promise<Value> {
    const turn = this.#upkeep.then(work);
    this.#upkeep = turn.catch(() => undefined); // Its caller is told; the next one does not depend on it.
    return turn;
  }

  /** "snap_" and 20 characters of 0-9a-z: 103 bits, never the same twice. */
  newSnapshotId(): string {
    const digits = [...this.random.bytes(40)];
    let id = "snap_";
    for (let index = 0; index < 20; index++) {
      const value = ((digits[2 * index] as number) << 8) | (digits[2 * index + 1] as number);
      id += (value % 36).toString(36);
    }
    return id;
  }

  /** By id or unambiguous beginning of one. */
  storedSnapshot(id: string): StoredSnapshot {
    this.checkOpen();
    return findSnapshot(id, this.stored, this.damagedSnapshots, this.storage.description);
  }

  newestOf(node: string): StoredSnapshot | null {
    return this.stored.findLast((snapshot) => snapshot.record.node === node) ?? null;
  }

  /** The node's newest image of that partition: a PC's partitions may have been archived in separate snapshots. */
  newestImageOf(node: string, partition: string): { snapshot: StoredSnapshot; index: number } | null {
    for (let at = this.stored.length - 1; at >= 0; at--) {
      const snapshot = this.stored[at];
      if (snapshot === undefined || snapshot.record.node !== node) continue;
      const index = snapshot.record.images.findIndex((image) => image.partition === partition);
      if (index >= 0) return { snapshot, index };
    }
    return null;
  }

  firstImageOf(node: string, partition: string): { snapshot: StoredSnapshot; index: number } | null {
    for (const snapshot of this.stored) {
      if (snapshot.record.node !== node) continue;
      const index = snapshot.record.images.findIndex((image) => image.partition === partition);
      if (index >= 0) return { snapshot, index };
    }
    return null;
  }

  treeOf(snapshot: StoredSnapshot, imageIndex: number): ImageTree {
    const image = snapshot.record.images[imageIndex];
    const root = snapshot.roots[imageIndex];
    assert(image !== undefined && root !== undefined, `no image ${imageIndex} in ${snapshot.record.id}`);
    const what = `${snapshot.record.id}, partition ${image.partition}`;
    return new ImageTree(this.nodeCache, root, image.sizeBytes, what);
  }

  /** Writes the snapshot file: the commit point. One at a time, so that sequence numbers follow commit order. */
  commit(draft: SnapshotDraft, check: () => void): Promise<SnapshotRecord> {
    const commit = this.#commits.then(() => this.#commit(draft, check));
    this.#commits = commit.catch(() => undefined); // Its own session reports it; the next commit is another matter.
    return commit;
  }

  async #commit(draft: SnapshotDraft, check: () => void): Promise<SnapshotRecord> {
    check();
    await this.lock?.assertHeld();
    const snapshot = this.#snapshotOf(draft);
    const release = this.holds.take(snapshot);
    try {
      await this.storage.writeFile(snapshotFileName(snapshot.record), encodeSnapshot(this.owner, snapshot));
    } catch (error) {
      // The file may be there all the same, and the next open would show it: GC must keep what it needs.
      this.doubtful.set(snapshot, release);
      throw error;
    }
    release();
    this.stored.push(snapshot);
    if (snapshot.packs.length > 0) this.indexIsNew = true;
    for (const store of [this.data, this.nodes]) {
      store.unlisted = store.unlisted.filter((pack) => !snapshot.packs.includes(pack));
      store.packs.inventory(snapshot.packs.filter((pack) => pack.kind === store.identity.kind));
    }
    return snapshot.record;
  }

  #snapshotOf(draft: SnapshotDraft): StoredSnapshot {
    const nowMs = this.clock.nowMs();
    const record: SnapshotRecord = {
      id: draft.id,
      sequence: this.nextSequence++,
      node: draft.node,
      createdAt: new Date(nowMs).toISOString(),
      seconds: Math.max(0, nowMs - draft.startedMs) / 1000,
      parentId: draft.parentId,
      purpose: draft.purpose,
      comment: draft.comment,
      requestId: draft.requestId,
      images: draft.images.map((image) => image.record),
    };
    return {
      format: Math.max(...draft.images.map((image) => image.format)),
      record,
      roots: draft.images.map((image) => image.root),
      packs: [...this.data.unlisted, ...this.nodes.unlisted],
      nextBlockId: this.data.nextId,
      nextNodeId: this.nodes.nextId,
    };
  }
}
