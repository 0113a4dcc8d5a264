// FrameBuilder collects blocks that keep their ids into frames: ranges of consecutive ids, several to a frame. The next frame
// grows while threads encode those before; they are written in order.
import { type Compression, USUAL_COMPRESSION } from "#lib/model/compression.ts";
import { NODE_SEGMENT_BYTES } from "../archive/manifest-builder.ts";
import {
  DIGEST_BYTES,
  type PackTraits,
  SEGMENT_RAW_BYTES,
  SEGMENT_RAW_BYTES_MAX,
  sealBytesOf,
} from "../format/pack-format.ts";
import type { EncodedSegment } from "../format/segment-codec.ts";
import type { RepositoryState } from "../repository-state.ts";
import type { BlockStore } from "../store/block-store.ts";
import { type NumberedSegment, PackWriter, type SealedPack } from "../store/pack-writer.ts";

/** A block with its id and, of a node, the length before it. */
export interface KeptBlock {
  readonly id: number;
  readonly bytes: Uint8Array;
  readonly digest: Uint8Array;
  readonly isPrivate: boolean;
}

interface GrowingRange {
  readonly firstId: number;
  readonly isPrivate: boolean;
  readonly digests: Uint8Array[];
  rawBytes: number;
  /** A block shorter than the block size was the last that fits: block k would not begin at k times the block size. */
  isClosed: boolean;
}

export class FrameBuilder {
  readonly #state: RepositoryState;
  readonly #store: BlockStore;
  readonly #traits: PackTraits;
  readonly #compression: Compression;
  readonly #rawBytesMax: number;
  readonly #free: SharedArrayBuffer[] = [];
  #buffer: SharedArrayBuffer | null = null;
  #ranges: GrowingRange[] = [];
  #used = 0;
  #writer: PackWriter | null = null;
  readonly #sealed: SealedPack[] = [];
  /** Frames being encoded or waiting to be written, in order. */
  readonly #queue: Promise<void>[] = [];
  #chain: Promise<void> = Promise.resolve();

  constructor(state: RepositoryState, store: BlockStore, traits: PackTraits) {
    this.#state = state;
    this.#store = store;
    this.#traits = traits;
    const { level } = traits;
    this.#compression = level === 0 ? USUAL_COMPRESSION : { codec: "zstd", level };
    this.#rawBytesMax = rawBytesMax(store, level);
  }

  async add(block: KeptBlock): Promise<void> {
    const isOther = this.#ranges.at(-1)?.isPrivate === !block.isPrivate;
    if (isOther || (this.#used > 0 && this.#used + block.bytes.length > this.#rawBytesMax))
      await this.flush();
    this.#buffer ??= this.#takeBuffer(block.bytes.length);
    new Uint8Array(this.#buffer).set(block.bytes, this.#used);
    this.#used += block.bytes.length;
    const range = this.#rangeFor(block);
    range.digests.push(block.digest);
    range.rawBytes += block.bytes.length;
    const { kind, blockSize } = this.#store.identity;
    range.isClosed = kind === "data" && block.bytes.length < blockSize;
  }

  /** A single node may be longer than node segments are. */
  #takeBuffer(rawBytes: number): SharedArrayBuffer {
    const bytes = Math.max(rawBytes, this.#rawBytesMax) + sealBytesOf(this.#store.identity);
    const free = this.#free.pop();
    return free !== undefined && free.byteLength >= bytes ? free : new SharedArrayBuffer(bytes);
  }

  #rangeFor({ id, isPrivate }: KeptBlock): GrowingRange {
    const last = this.#ranges.at(-1);
    if (last !== undefined && !last.isClosed && last.firstId + last.digests.length === id) return last;
    const range = { firstId: id, isPrivate, digests: [], rawBytes: 0, isClosed: false };
    this.#ranges.push(range);
    return range;
  }

  /** Writes the growing frame, however short it is. */
  async flush(): Promise<void> {
    const buffer = this.#buffer;
    if (buffer === null || this.#used === 0) return;
    const ranges = this.#ranges.map(numbered);
    const count = ranges.reduce((sum, range) => sum + range.count, 0);
    const header = { firstId: ranges[0]?.firstId ?? 0, count, rawBytes: this.#used };
    const encoding = this.#state.encode(this.#store.identity, buffer, header, this.#compression);
    encoding.catch(() => undefined); // Reported by the chain, which awaits the same promise in its turn.
    this.#buffer = null;
    this.#ranges = [];
    this.#used = 0;
    await this.#submit(async () => {
      await this.#append(ranges, await encoding);
      this.#free.push(buffer);
    });
  }

  /** A frame as it is. */
  async copy(ranges: readonly NumberedSegment[], encoded: EncodedSegment): Promise<void> {
    await this.flush();
    await this.#submit(() => this.#append(ranges, encoded));
  }

  async #submit(write: () => Promise<void>): Promise<void> {
    this.#chain = this.#chain.then(write);
    this.#chain.catch(() => undefined); // Thrown to whoever waits for room, or for the end.
    this.#queue.push(this.#chain);
    while (this.#queue.length > this.#state.workers.threadCount) await this.#queue.shift();
  }

  async #append(ranges: readonly NumberedSegment[], encoded: EncodedSegment): Promise<void> {
    this.#writer ??= await PackWriter.create(this.#state.storage, this.#store.identity, this.#traits);
    await this.#writer.appendFrame(ranges, encoded);
    if (this.#writer.isFull) await this.#seal();
  }

  async #seal(): Promise<void> {
    if (this.#writer === null) return;
    const sealed = await this.#writer.seal();
    this.#writer = null;
    this.#sealed.push(sealed);
  }

  /** The packs, durable under their names, and not yet known to anybody. */
  async finish(): Promise<readonly SealedPack[]> {
    await this.flush();
    await this.#chain;
    await this.#seal();
    return this.#sealed;
  }

  /** Drops what was written: after a failure. */
  async discard(): Promise<void> {
    await this.#chain.catch(() => undefined);
    await this.#writer?.discard();
    await discardPacks(this.#state, this.#sealed);
  }
}

function rawBytesMax({ identity }: BlockStore, level: number): number {
  if (identity.kind === "nodes") return NODE_SEGMENT_BYTES;
  return level === 0 ? SEGMENT_RAW_BYTES : SEGMENT_RAW_BYTES_MAX;
}

function numbered({ firstId, digests, rawBytes, isPrivate }: GrowingRange): NumberedSegment {
  const column = new Uint8Array(digests.length * DIGEST_BYTES);
  for (const [index, digest] of digests.entries()) column.set(digest, index * DIGEST_BYTES);
  return { firstId, count: digests.length, rawBytes, digests: column, isPrivate };
}

/** Removes packs that were written and are nobody's. Never one that is known: the same bytes may have been there before. */
export async function discardPacks(state: RepositoryState, packs: readonly SealedPack[]): Promise<void> {
  for (const { name } of packs) {
    const isKnown = [state.data, state.nodes].some((store) => store.packs.has(name));
    if (!isKnown) await state.storage.remove(name);
  }
}
