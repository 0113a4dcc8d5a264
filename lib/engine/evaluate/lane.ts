// A Lane is one technique with one block size, fed with all pages of all images in order. It decides for each page what
// an archive would decide, and adds up what would be written, under every compression at once.
import { hash } from "node:crypto";
import { assert } from "#lib/model/assert.ts";
import type { Technique } from "#lib/model/snapshot.ts";
import { fillByteOf, PAGE_BYTES, sameHash } from "#lib/page/page.ts";
import { addToRuns, idsOfRuns } from "../archive/page-blocks.ts";
import type { PageEntry } from "../format/node-format.ts";
import { SEGMENT_RAW_BYTES } from "../format/pack-format.ts";
import type { ManifestRoot } from "../format/snapshot-format.ts";
import type { Compressor, RawSegment } from "./compressor.ts";
import { FingerprintMap } from "./fingerprint-map.ts";
import { ManifestSizes, type RememberedManifest } from "./manifest-sizes.ts";
import { PackSizes } from "./pack-sizes.ts";
import { SegmentStream } from "./segment-stream.ts";

/** A page as a lane sees it: 256 KiB, or one block where blocks are larger. */
export interface LanePage {
  readonly index: number;
  readonly lengthBytes: number;
  readonly fillByte: number | null;
  readonly hash: Uint8Array;
  /** Null when the page is that of the image before (and of the base) at the same place. Valid until `take` returns. */
  readonly bytes: Uint8Array | null;
  /** The base's bytes at the same place, as far as it has them. */
  readonly baseBytes: Uint8Array | null;
}

export interface LaneOptions {
  readonly technique: Technique;
  readonly blockSize: number;
  readonly base: "first" | "previous";
  readonly compressor: Compressor;
  readonly nodeCompressor: Compressor;
  /** What an encrypted repository adds to each segment. */
  readonly sealBytes: number;
}

export interface FinishedLaneImage {
  readonly technique: Technique;
  readonly newBytes: number;
  readonly root: ManifestRoot;
}

interface Remembered {
  readonly first: RememberedManifest;
  newest: RememberedManifest;
}

export function lanePageBytes(blockSize: number): number {
  return Math.max(PAGE_BYTES, blockSize);
}

export class Lane {
  readonly technique: Technique;
  readonly blockSize: number;
  readonly pageBytes: number;
  /** Sizes of data packs, one for each compression. */
  readonly data: readonly PackSizes[];
  readonly nodes: PackSizes;
  readonly #options: LaneOptions;
  readonly #stream: SegmentStream;
  readonly #manifests: ManifestSizes;
  readonly #ids = new FingerprintMap();
  readonly #remembered = new Map<string, Remembered>();
  #partition = "";
  #parent: RememberedManifest | null = null;
  /** What this image is stored as: a diff without a base is full. */
  #imageTechnique: Technique;
  #newBytesBefore = 0;
  /** Sizes are added in the order of the segments, since packs are filled in it. */
  #adding: Promise<void> = Promise.resolve();

  constructor(options: LaneOptions) {
    this.#options = options;
    this.technique = options.technique;
    this.blockSize = options.blockSize;
    this.pageBytes = lanePageBytes(options.blockSize);
    this.data = options.compressor.compressions.map(() => new PackSizes(options.sealBytes));
    this.nodes = new PackSizes(options.sealBytes);
    this.#imageTechnique = options.technique;
    const rawBytesMax = Math.max(SEGMENT_RAW_BYTES, this.blockSize);
    const layout = { rawBytesMax, segmentIds: rawBytesMax / this.blockSize };
    this.#stream = new SegmentStream(layout, ({ raw, count }) =>
      this.#addData(options.compressor.sizesOf(raw), count),
    );
    this.#manifests = new ManifestSizes(this.pageBytes / this.blockSize, ({ raw, count }) =>
      this.#addNodes(options.nodeCompressor.sizesOf(raw), count),
    );
  }

  get nextBlockId(): number {
    return this.#stream.nextId;
  }

  get nextNodeId(): number {
    return this.#manifests.nextNodeId;
  }

  beginImage(partition: string): void {
    const known = this.#remembered.get(partition);
    const base = this.#options.base === "first" ? known?.first : known?.newest;
    const parent = { full: null, diff: base ?? null, repository: known?.newest ?? null }[this.technique];
    this.#partition = partition;
    this.#parent = parent;
    this.#imageTechnique = this.technique === "diff" && parent === null ? "full" : this.technique;
    this.#newBytesBefore = this.#stream.rawBytes;
  }

  take(page: LanePage): void {
    this.#manifests.add(this.#entryOf(page), page.lengthBytes);
  }

  #entryOf(page: LanePage): PageEntry {
    if (page.fillByte !== null) return { fillByte: page.fillByte };
    const parent = this.#parent?.page(page.index) ?? null;
    if (parent !== null && parent.fillByte === null && sameHash(parent.hash, page.hash)) return parent;
    // What is kept must not lie in the memory of the chunk.
    return { fillByte: null, hash: new Uint8Array(page.hash), runs: this.#runsOf(page, parent) };
  }

  #runsOf(page: LanePage, parent: PageEntry | null): number[] {
    if (this.#imageTechnique === "full") return this.#wholePage(page);
    const { bytes, baseBytes } = page;
    assert(bytes !== null, `page ${page.index} was not read`);
    const baseRuns = parent === null || parent.fillByte !== null ? [] : parent.runs;
    const baseIds = this.technique === "diff" ? idsOfRuns(baseRuns) : [];
    const runs: number[] = [];
    for (let index = 0; index * this.blockSize < bytes.length; index++) {
      const at = index * this.blockSize;
      const block = bytes.subarray(at, at + this.blockSize);
      const fill = fillByteOf(block);
      if (fill !== null) addToRuns(runs, -1 - fill);
      else if (this.technique === "repository") addToRuns(runs, this.#findOrAdd(block));
      else {
        const baseId = baseIds[index] ?? -1;
        const same = baseId >= 0 && isSame(block, baseBytes?.subarray(at, at + this.blockSize));
        addToRuns(runs, same ? baseId : this.#add(block));
      }
    }
    return runs;
  }

  #wholePage(page: LanePage): number[] {
    const count = Math.ceil(page.lengthBytes / this.blockSize);
    const sizes = this.#options.compressor.sizesOfContent(this.pageBytes, page.hash, () => {
      assert(page.bytes !== null, `page ${page.index} was not read`);
      return sharedCopy(page.bytes);
    });
    this.#addData(sizes, count);
    return [this.#stream.skip(page.lengthBytes), count];
  }

  #findOrAdd(block: Uint8Array): number {
    const digest = hash("sha256", block, "buffer");
    const known = this.#ids.get(digest);
    if (known >= 0) return known;
    const id = this.#add(block);
    this.#ids.set(digest, id);
    return id;
  }

  #add(block: Uint8Array): number {
    return this.#stream.add(block, block.length < this.blockSize);
  }

  #addData(sizes: Promise<number[]>, count: number): void {
    this.#inOrder(sizes, (each) => {
      for (const [index, packs] of this.data.entries()) packs.add(each[index] ?? 0, count);
    });
  }

  #addNodes(sizes: Promise<number[]>, count: number): void {
    this.#inOrder(sizes, (each) => this.nodes.add(each[0] ?? 0, count));
  }

  #inOrder(sizes: Promise<number[]>, add: (sizes: number[]) => void): void {
    this.#adding = Promise.all([sizes, this.#adding]).then(([each]) => add(each));
    this.#adding.catch(() => undefined); // Told by `sealSnapshot`, which awaits it.
  }

  finishImage(): FinishedLaneImage {
    this.#stream.flush();
    const { manifest, root } = this.#manifests.finish();
    const known = this.#remembered.get(this.#partition);
    if (known === undefined) this.#remembered.set(this.#partition, { first: manifest, newest: manifest });
    else known.newest = manifest;
    const newBytes = this.#stream.rawBytes - this.#newBytesBefore;
    return { technique: this.#imageTechnique, newBytes, root };
  }

  /** All sizes are in when this resolves; a commit seals the open packs. */
  async sealSnapshot(): Promise<void> {
    await this.#adding;
    for (const packs of [...this.data, this.nodes]) packs.seal();
  }
}

function sharedCopy(bytes: Uint8Array): RawSegment {
  const buffer = new SharedArrayBuffer(bytes.length);
  new Uint8Array(buffer).set(bytes);
  return { buffer, rawBytes: bytes.length };
}

function isSame(block: Uint8Array, other: Uint8Array | undefined): boolean {
  return other !== undefined && other.length === block.length && Buffer.compare(block, other) === 0;
}
