// The words the engine's front door speaks. repository.ts exports them together with openRepository; nothing
// here knows how the bytes lie on disk.
import type { Clock, Random } from "#lib/model/clock.ts";
import type { Compression } from "#lib/model/compression.ts";
import type { ImageRecord, SnapshotPurpose, SnapshotRecord, Technique } from "#lib/model/snapshot.ts";
import type { KeySource, RepositoryKey } from "./encryption/key-slots.ts";
import type { Pacing } from "./foreground.ts";
import type { Storage } from "./storage/storage.ts";
import type {
  GcOptions,
  GcPlan,
  GcReport,
  HealOptions,
  HealReport,
  PruneReport,
  ReSegmentOptions,
  ReSegmentReport,
  ScrubOptions,
  ScrubReport,
  SnapshotPin,
} from "./upkeep/types.ts";
import type { WorkOptions } from "./work-options.ts";

export type { ImageRecord, SnapshotPurpose, SnapshotRecord, Technique } from "#lib/model/snapshot.ts";
export type { KeySource, RepositoryKey } from "./encryption/key-slots.ts";
export type * from "./upkeep/types.ts";
export type * from "./work-options.ts";

export interface OpenOptions {
  readonly storage: Storage;
  readonly clock?: Clock;
  readonly random?: Random;
  /** "read" takes no lock and may run beside a writer; "write" is exclusive. */
  readonly access: "read" | "write";
  /** Threads for hashing and compression; 0 does that work in the caller's thread (tests, simulation).
   *  Default: number of cores, at most 8. */
  readonly threads?: number;
  /** How upkeep tells time and rests beside archives and restores. Default: real time, and with 0 threads no rest. */
  readonly pacing?: Pacing;
  /** Of an encrypted repository. CodedError "key-missing" | "key-wrong". */
  readonly key?: KeySource;
  /** Who holds the lock, for the message a refused second writer reads: "worker 1234 on hostname". */
  readonly owner?: string;
}

export interface CreateOptions {
  readonly storage: Storage;
  /** Power of two from 512 to 65536. Default 4096. Fixed for the life of the repository. */
  readonly blockSize?: number;
  /** What archives use that do not name a technique. Default "repository". */
  readonly technique?: Technique;
  /** A file of this size is given up when the disk is full, so that prune and GC can begin. Default 0: none. */
  readonly reserveBytes?: number;
  /** Given, the repository is encrypted, for good, and this is the first key that opens it. */
  readonly key?: RepositoryKey;
  readonly clock?: Clock;
  readonly random?: Random;
}

export interface RepositoryInfo {
  readonly id: string;
  readonly formatVersion: number;
  readonly isEncrypted: boolean;
  readonly blockSize: number;
  /** Of archives that do not name one. */
  readonly technique: Technique;
  readonly createdAt: string;
}

/** Bytes to archive from. `read` fills `into` completely or throws a CodedError. An archive reads forward, each byte once
 *  and in order, though several reads may be under way: a queue in front of a stream is source enough. */
export interface ByteSource {
  readonly sizeBytes: number;
  read(offsetBytes: number, into: Uint8Array): Promise<void>;
  /** A local path of the same bytes, when worker threads may read it by themselves. */
  readonly path?: string;
}

/** Random-access bytes to restore onto. */
export interface ByteTarget {
  readonly sizeBytes: number;
  read(offsetBytes: number, into: Uint8Array): Promise<void>;
  write(offsetBytes: number, bytes: Uint8Array): Promise<void>;
  /** Makes the range read as zeros, by hole or discard where possible. */
  zero(offsetBytes: number, lengthBytes: number): Promise<void>;
  /** All written bytes are on stable storage when this resolves. */
  flush(): Promise<void>;
  /** True while every byte is known to be zero without looking: a file just made. Then nothing is read to compare. */
  readonly isBlank?: boolean;
  /** An open descriptor of the same bytes, when worker threads may read and write them by themselves. It stays the target's
   *  own; once asked for, the target is no longer known to be blank. */
  forThreads?(): { readonly descriptor: number; readonly path: string };
}

/** How images are stored. What an image does not say its archive does, and then the repository's technique. */
export interface StorageChoice {
  readonly technique?: Technique;
  /** Default zstd, level 3. */
  readonly compression?: Compression;
  /** Of a diff: "previous" (default) or "first" image of the same node and partition, or any snapshot's id, whose image
   *  of that partition it then is. Whoever archives with a base may read it. */
  readonly base?: string;
  /** Technique repository: a block that differs by a few bytes from the one at its place before is stored as those bytes
   *  (ADR 0019). Default true. */
  readonly patches?: boolean;
}

export interface ArchiveRequest extends StorageChoice {
  readonly node: string;
  readonly purpose?: SnapshotPurpose;
  readonly comment?: string;
  /** Kept in the record; see SnapshotRecord.requestId. */
  readonly requestId?: string;
  /** Another node's snapshot that was written to this node since its newest one: by the technique repository, pages are compared with
   *  its images instead. One that is gone, or whose images are of other sizes, is passed over. */
  readonly writtenFrom?: string;
}

export interface ImageRequest extends StorageChoice {
  readonly partition: string;
  readonly sizeBytes: number;
  readonly details?: Readonly<Record<string, string>>;
}

/** A stretch of a source that may differ from its parent image. */
export interface ChangedRange {
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

/** Somebody's word that all bytes outside the ranges are those of the parent image. Checked by sampling; see archive/hints.ts. */
export interface ChangeHints {
  /** In order, without overlaps, inside the source. */
  readonly ranges: readonly ChangedRange[];
  /** The snapshot since which they changed; refused when the image is compared with another. */
  readonly since?: string;
  /** Of so many hinted archives in a row the last reads everything all the same; 1 reads always. Default: never. */
  readonly readAllEvery?: number;
}

export interface SourceOptions extends WorkOptions {
  /** The source is then read at chosen places first, so it must not be a stream. */
  readonly changed?: ChangeHints;
}

/** One snapshot in the making. Nothing is visible before commit; abort (or a crash) leaves only garbage.
 *  The parent is the node's newest snapshot at beginArchive; pages are compared with the node's newest image of the same
 *  partition, which may lie in an older one. */
export interface ArchiveSession {
  readonly snapshotId: string;
  /** Begin one partition; several may be open at once. */
  beginImage(request: ImageRequest): Promise<ImageWriter>;
  /** Archive a whole local source: hashing in threads where the source has a path. */
  archiveSource(
    request: Omit<ImageRequest, "sizeBytes">,
    source: ByteSource,
    options?: SourceOptions,
  ): Promise<ImageRecord>;
  commit(): Promise<SnapshotRecord>;
  abort(): Promise<void>;
}

/** Receives the pages of one partition, in any order, from somewhere else (an agent). */
export interface ImageWriter {
  readonly pageCount: number;
  /** `hashes` holds n·32 bytes for pages first … first+n-1. Answers which of them must be sent (0-based page
   *  indices): not those whose content the parent's same page, an all-zero page or an earlier put of this
   *  session already has. Those are taken over as read. Knowing a hash reveals nothing beyond the node's own past. */
  offer(firstPage: number, hashes: Uint8Array): number[];
  /** Store one page. The engine hashes it and compares with the hash offered: CodedError "page-hash-mismatch". */
  put(pageIndex: number, page: Uint8Array): Promise<void>;
  /** All pages must have been taken over or put: else CodedError "protocol-violation" naming the first missing. */
  finish(): Promise<ImageRecord>;
}

/** What page `index` of an image is, without its bytes. */
export interface PageRecord {
  readonly index: number;
  readonly lengthBytes: number;
  /** The repeated byte, or null for a page with stored blocks. */
  readonly fillByte: number | null;
  readonly contentHash: Uint8Array;
}

/** Read access to one image of one snapshot. Reads go by snapshot and page, never by hash. */
export interface ImageReader {
  readonly snapshot: SnapshotRecord;
  readonly image: ImageRecord;
  readonly pageCount: number;
  /** Records of pages first … first+count-1 (clipped at the end). */
  pageRecords(firstPage: number, count: number): Promise<PageRecord[]>;
  /** Delivers each wanted page once, verified against its content hash, in groups of 64 pages in the image's order: a
   *  segment is decoded once for all groups, as far as memory allows. Several pages are delivered at a time. `onPage` may keep the bytes,
   *  which lie in shared memory, only until its promise resolves. */
  readPages(
    pageIndices: readonly number[],
    onPage: (record: PageRecord, bytes: Uint8Array) => Promise<void>,
    options?: WorkOptions,
  ): Promise<void>;
  /** Lets go of the snapshot: until then it is not pruned. */
  close(): void;
}

export interface RestoreReport {
  readonly readBytes: number;
  /** Bytes of pages that differed. */
  readonly differingBytes: number;
  readonly writtenBytes: number;
  readonly seconds: number;
}

export interface VerifyFinding {
  readonly snapshotId: string | null;
  readonly partition: string | null;
  readonly file: string;
  readonly code: "pack-corrupt" | "pack-missing" | "page-corrupt" | "snapshot-corrupt" | "repository-corrupt";
  readonly message: string;
}

export interface VerifyReport {
  readonly snapshotCount: number;
  readonly imageCount: number;
  readonly packCount: number;
  readonly checkedBytes: number;
  readonly seconds: number;
  /** Empty when all is well. Findings are answers, not exceptions. */
  readonly findings: readonly VerifyFinding[];
}

/** Of the images of one technique, as their records say. Sizes in bytes. */
export interface TechniqueStats {
  readonly technique: Technique;
  readonly imageCount: number;
  readonly logicalBytes: number;
  /** Raw bytes they had to store, and what they added to the store. */
  readonly newBytes: number;
  readonly storedBytes: number;
}

/** Sizes in bytes, counted from the files and manifests as they are. */
export interface RepositoryStats {
  readonly snapshotCount: number;
  readonly imageCount: number;
  /** Sum of image sizes: what full uncompressed images would take. */
  readonly logicalBytes: number;
  /** Distinct blocks stored, raw. */
  readonly blockCount: number;
  readonly uniqueBytes: number;
  /** Block data after compression. */
  readonly compressedBytes: number;
  readonly dataPackBytes: number;
  readonly nodePackBytes: number;
  readonly snapshotBytes: number;
  readonly indexBytes: number;
  /** All files of the repository but those being written. */
  readonly storedBytes: number;
  readonly packCount: number;
  /** Techniques in use. */
  readonly techniques: readonly TechniqueStats[];
}

export interface EvaluationRequest {
  /** In the order in which they would be archived. Without a partition, all of the snapshot's images. */
  readonly snapshots: readonly { readonly snapshotId: string; readonly partition?: string }[];
  /** Default: all three. */
  readonly techniques?: readonly Technique[];
  /** Powers of two. Default: 512 bytes to 4 MiB. */
  readonly blockSizes?: readonly number[];
  /** Default: none, gzip and zstd, each at its usual level. */
  readonly compressions?: readonly Compression[];
  /** Of diffs; the first image of a partition is stored whole. Default "previous". */
  readonly base?: "first" | "previous";
}

export interface EvaluateOptions extends WorkOptions {
  /** Rows that an interrupted evaluation of the same request had made: a block size that is complete is not computed again. */
  readonly known?: readonly EvaluationRow[];
  /** All rows of one block size, when they are made: whoever keeps them can go on from there. */
  readonly onRows?: (rows: readonly EvaluationRow[]) => Promise<void>;
}

/** What an empty repository would hold after this snapshot and those before it. All but the increment are sums since
 *  the first snapshot. */
export interface EvaluationRow {
  readonly snapshot: string;
  readonly technique: Technique;
  readonly blockSize: number;
  readonly compression: Compression;
  /** Blocks after compression. */
  readonly dataBytes: number;
  /** Everything else: digests, directories, headers and footers of packs, manifests, snapshot files. */
  readonly metadataBytes: number;
  readonly totalBytes: number;
  readonly incrementBytes: number;
}

export interface Repository {
  readonly info: RepositoryInfo;
  /** All snapshots in commit order. */
  snapshots(): readonly SnapshotRecord[];
  /** By id or unambiguous prefix; CodedError "snapshot-unknown" | "snapshot-ambiguous". */
  snapshot(id: string): SnapshotRecord;
  beginArchive(request: ArchiveRequest): Promise<ArchiveSession>;
  openImage(snapshotId: string, partition: string): Promise<ImageReader>;
  /** Compares the target page by page and writes only what differs; page 0 last; flushed and read back. */
  restore(
    snapshotId: string,
    partition: string,
    target: ByteTarget,
    options?: WorkOptions,
  ): Promise<RestoreReport>;
  /** Re-reads every pack (or those one snapshot needs), every block, page hash and contentRoot. */
  verify(options?: WorkOptions & { readonly snapshotId?: string }): Promise<VerifyReport>;
  stats(): Promise<RepositoryStats>;
  /** What other techniques, block sizes and compressions would cost for these snapshots: rows by snapshot, technique,
   *  block size and compression. Exact, and as slow as compressing everything that many times. */
  evaluate(request: EvaluationRequest, options?: EvaluateOptions): Promise<EvaluationRow[]>;
  /** By snapshot id. */
  pins(): ReadonlyMap<string, SnapshotPin>;
  pin(snapshotId: string, reason: string): Promise<SnapshotPin>;
  /** False when it was not pinned. */
  unpin(snapshotId: string): Promise<boolean>;
  /** Removes snapshots, not what they needed. Refused as a whole, "snapshot-pinned" | "snapshot-is-base" | "snapshot-in-use" (restored, verified or
   *  archived against right now). Which ones: decideRetention in lib/model/retention.ts. */
  prune(request: { readonly snapshotIds: readonly string[] }): Promise<PruneReport>;
  /** Ids of snapshots that need a pack which the last scrub found bad, or one that is gone. Looks at manifests, not at packs. */
  damagedSnapshots(options?: { readonly signal?: AbortSignal }): Promise<ReadonlySet<string>>;
  planGc(options?: GcOptions): Promise<GcPlan>;
  /** Removes packs nothing needs, and rewrites those of which much is not needed, beside everything else that runs. */
  collectGarbage(options?: GcOptions): Promise<GcReport>;
  /** Compresses cold packs anew, in larger pieces and harder: a night's work. Blocks keep their ids. */
  reSegment(options?: ReSegmentOptions): Promise<ReSegmentReport>;
  /** Re-reads packs for rot: those found bad before, then those never looked at, then those looked at longest ago. */
  scrub(options?: ScrubOptions): Promise<ScrubReport>;
  /** Gives snapshots back what they need of packs that are bad or gone, as far as other packs have it. */
  heal(options?: HealOptions): Promise<HealReport>;
  rebuildIndex(
    options?: WorkOptions,
  ): Promise<{ readonly packCount: number; readonly blockCount: number; readonly seconds: number }>;
  /** Aborts open sessions, writes the index cache, releases the lock. */
  close(): Promise<void>;
}
