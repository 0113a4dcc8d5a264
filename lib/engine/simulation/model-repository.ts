// ModelRepository is the judge: a repository so naive that it cannot be wrong. It keeps every image whole.
//
// It also remembers which snapshots may or may not exist: when commit failed, the rename may have happened. The
// next open decides, and from then on the answer must stay.
import { isDeepStrictEqual } from "node:util";
import { fillByteOf, hashPage, PAGE_BYTES } from "#lib/page/page.ts";
import type { SnapshotRecord, Technique } from "../types.ts";

export interface ModelSnapshot {
  readonly id: string;
  readonly node: string;
  readonly technique: Technique;
  /** Whole images by partition name. */
  readonly images: ReadonlyMap<string, Uint8Array>;
  /** What commit answered; null when it failed to answer. */
  readonly record: SnapshotRecord | null;
}

export class ModelRepository {
  readonly #committed = new Map<string, ModelSnapshot>();
  readonly #uncertain = new Map<string, ModelSnapshot>();
  /** Being pruned: from here to the end of it they may be listed or not. */
  readonly #leaving = new Set<string>();
  /** Hash of an image's bytes to its content root, and back: each must name the other, for ever. */
  readonly #rootOfBytes = new Map<string, string>();
  readonly #bytesOfRoot = new Map<string, string>();
  readonly #blocks = new Set<string>();
  /** Blocks of full images and diffs: deduplication need not find them, for GC may have left the private copy only. */
  readonly #privateBlocks = new Set<string>();
  readonly #blockSize: number;

  constructor(blockSize: number) {
    this.#blockSize = blockSize;
  }

  get snapshots(): readonly ModelSnapshot[] {
    return [...this.#committed.values()];
  }

  get uncertainCount(): number {
    return this.#uncertain.size;
  }

  get logicalBytes(): number {
    let sum = 0;
    for (const snapshot of this.#committed.values()) {
      for (const bytes of snapshot.images.values()) sum += bytes.length;
    }
    return sum;
  }

  commit(snapshot: ModelSnapshot): void {
    this.#committed.set(snapshot.id, snapshot);
    this.#noteBlocks(snapshot);
  }

  #noteBlocks(snapshot: ModelSnapshot): void {
    for (const bytes of snapshot.images.values()) {
      for (const { key } of storedBlocksOf(bytes, this.#blockSize)) {
        if (snapshot.technique !== "repository") this.#privateBlocks.add(key);
        this.#blocks.add(key);
      }
    }
  }

  /** Commit threw: only the store knows. */
  doubt(snapshot: ModelSnapshot): void {
    this.#uncertain.set(snapshot.id, snapshot);
  }

  /** Nothing committed is missing, nothing is there that nobody made, and records are as committed. */
  checkListing(records: readonly SnapshotRecord[]): void {
    const listed = new Set(records.map((record) => record.id));
    for (const id of this.#committed.keys()) {
      claim(listed.has(id) || this.#leaving.has(id), `committed snapshot ${id} is lost`);
    }
    for (const record of records) {
      const made = this.#committed.get(record.id) ?? this.#uncertain.get(record.id);
      claim(made !== undefined, `snapshot ${record.id} appeared from nowhere`);
      this.#checkRecord(made, record);
    }
    const sequences = records.map((record) => record.sequence);
    claim(
      sequences.every((sequence, index) => index === 0 || sequence > (sequences[index - 1] as number)),
      `sequence numbers do not rise: ${sequences.join(", ")}`,
    );
  }

  #checkRecord(made: ModelSnapshot, record: SnapshotRecord): void {
    claim(made.node === record.node, `snapshot ${record.id} changed its node`);
    claim(record.images.length === made.images.size, `snapshot ${record.id} changed its number of images`);
    for (const image of record.images) {
      const bytes = made.images.get(image.partition);
      claim(bytes !== undefined, `snapshot ${record.id} has an image ${image.partition} nobody made`);
      claim(bytes.length === image.sizeBytes, `image ${image.partition} of ${record.id} changed its size`);
      this.checkRoot(bytes, image.contentRoot);
    }
    if (made.record === null) return;
    const [was, is] = [JSON.stringify(made.record), JSON.stringify(record)];
    claim(
      isDeepStrictEqual(JSON.parse(was), JSON.parse(is)),
      `the record of a snapshot is ${is}, was ${was}`,
    );
  }

  beginPrune(snapshots: readonly ModelSnapshot[]): void {
    for (const { id } of snapshots) this.#leaving.add(id);
  }

  /** Those that are still listed must stay so; the others are gone for good. */
  endPrune(records: readonly SnapshotRecord[]): void {
    const listed = new Set(records.map((record) => record.id));
    for (const id of this.#leaving) if (!listed.has(id)) this.#committed.delete(id);
    this.#leaving.clear();
  }

  /** After GC only blocks of snapshots that are left must be found again. */
  forgetFreedBlocks(): void {
    this.#blocks.clear();
    for (const snapshot of this.#committed.values()) this.#noteBlocks(snapshot);
  }

  /** After an open: what is listed of the uncertain is committed, the rest never will be. */
  settle(records: readonly SnapshotRecord[]): void {
    const listed = new Set(records.map((record) => record.id));
    for (const snapshot of this.#uncertain.values()) if (listed.has(snapshot.id)) this.commit(snapshot);
    this.#uncertain.clear();
  }

  /** Equal images have equal roots, different ones different roots. */
  checkRoot(bytes: Uint8Array, contentRoot: string): void {
    const key = keyOfImage(bytes);
    claim(/^[0-9a-f]{64}$/.test(contentRoot), `content root "${contentRoot}" is not a SHA-256`);
    claim((this.#rootOfBytes.get(key) ?? contentRoot) === contentRoot, "equal images have different roots");
    claim((this.#bytesOfRoot.get(contentRoot) ?? key) === key, "different images have the same root");
    this.#rootOfBytes.set(key, contentRoot);
    this.#bytesOfRoot.set(contentRoot, key);
  }

  /** What a full image must call new: all pages but those of one repeated byte. */
  wholeBytes(bytes: Uint8Array): number {
    let sum = 0;
    for (let at = 0; at < bytes.length; at += PAGE_BYTES) {
      const page = bytes.subarray(at, at + PAGE_BYTES);
      if (fillByteOf(page) === null) sum += page.length;
    }
    return sum;
  }

  /** What a diff must call new: blocks that are not one repeated byte and not the base's at the same offset. */
  differingBytes(bytes: Uint8Array, base: Uint8Array): number {
    let sum = 0;
    for (let pageStart = 0; pageStart < bytes.length; pageStart += PAGE_BYTES) {
      const page = bytes.subarray(pageStart, pageStart + PAGE_BYTES);
      if (fillByteOf(page) !== null) continue;
      for (let at = pageStart; at < pageStart + page.length; at += this.#blockSize) {
        const end = Math.min(at + this.#blockSize, pageStart + page.length);
        const block = bytes.subarray(at, end);
        if (fillByteOf(block) !== null) continue;
        if (Buffer.compare(block, base.subarray(at, at + this.#blockSize)) !== 0) sum += block.length;
      }
    }
    return sum;
  }

  /** The most that deduplication may call new: distinct blocks that no committed snapshot has. */
  newBytesMax(bytes: Uint8Array): number {
    const counted = new Set<string>();
    let sum = 0;
    for (const { key, lengthBytes } of storedBlocksOf(bytes, this.#blockSize)) {
      if ((this.#blocks.has(key) && !this.#privateBlocks.has(key)) || counted.has(key)) continue;
      counted.add(key);
      sum += lengthBytes;
    }
    return sum;
  }
}

/** The blocks that need storing: of pages that are not one repeated byte, those that are not either. */
function* storedBlocksOf(
  bytes: Uint8Array,
  blockSize: number,
): Generator<{ key: string; lengthBytes: number }> {
  for (let pageStart = 0; pageStart < bytes.length; pageStart += PAGE_BYTES) {
    const page = bytes.subarray(pageStart, pageStart + PAGE_BYTES);
    if (fillByteOf(page) !== null) continue;
    for (let start = 0; start < page.length; start += blockSize) {
      const block = page.subarray(start, start + blockSize);
      if (fillByteOf(block) === null) yield { key: keyOf(block), lengthBytes: block.length };
    }
  }
}

function keyOf(bytes: Uint8Array): string {
  return Buffer.from(hashPage(bytes)).toString("latin1");
}

/** Images are never changed in place, and the same ones are judged at every step. */
const imageKeys = new WeakMap<Uint8Array, string>();

function keyOfImage(bytes: Uint8Array): string {
  const known = imageKeys.get(bytes) ?? keyOf(bytes);
  imageKeys.set(bytes, known);
  return known;
}

/** What the judge insists on. */
export function claim(holds: unknown, message: string): asserts holds {
  if (!holds) throw new Error(`Judged wrong: ${message}`);
}
