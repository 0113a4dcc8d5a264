// BlockStore stores distinct blocks of one kind (block data, or manifest nodes) and finds them again.
//
// New blocks collect in segments, one builder per stream so that neighbours stay neighbours. A full segment is
// encoded (in parallel), then appended, in order, to the one open pack all sessions share: eight PCs archived at
// once store their common blocks once. A block may be referenced as soon as it has an id; `seal` makes
// everything handed out so far durable and is called before any commit. If the open pack is lost (storage full), all
// ids in it are void: `epoch` changes, and every session of an older epoch must end. Ids are never reused.

import { assert } from "#lib/model/assert.ts";
import { type Compression, USUAL_COMPRESSION } from "#lib/model/compression.ts";
import { CodedError } from "#lib/model/errors.ts";
import type { FormatError } from "../format/bytes.ts";
import { ID_MAX } from "../format/node-format.ts";
import {
  DIGEST_BYTES,
  type PackIdentity,
  SEGMENT_HEADER_BYTES,
  type SegmentClaim,
  sealBytesOf,
} from "../format/pack-format.ts";
import type { EncodedSegment } from "../format/segment-codec.ts";
import type { PackListing } from "../format/snapshot-format.ts";
import type { Storage } from "../storage/storage.ts";
import { DigestColumns } from "./digest-columns.ts";
import { FingerprintTable } from "./fingerprint-table.ts";
import { LazyFingerprints } from "./lazy-fingerprints.ts";
import { type KnownPack, PackList } from "./pack-list.ts";
import { namingPack, readDigests, readFooter } from "./pack-reader.ts";
import { type NumberedSegment, PackWriter, type SealedPack } from "./pack-writer.ts";
import { ReadLeases } from "./read-leases.ts";
import { secondChance } from "./second-chance.ts";
import { type SegmentBuffer, SegmentBuilder } from "./segment-builder.ts";
import { type SegmentPlace, SegmentTable } from "./segment-table.ts";

/** `find` has no answer yet: load the digest column of `columnWanted` and ask again. */
export const NEEDS_COLUMN = -2;
export const ABSENT = -1;
/** In `columnWanted`: the fingerprints are what is to be loaded. */
const ALL_COLUMNS = -1;

export interface BlockStoreOptions {
  readonly storage: Storage;
  readonly identity: PackIdentity;
  /** Ids are reserved in ranges of this many, one range a segment. */
  readonly segmentIds: number;
  readonly encode: (
    buffer: SegmentBuffer,
    segment: NumberedSegment,
    compression: Compression,
  ) => Promise<EncodedSegment>;
  readonly decode: (segment: SegmentClaim, bytes: Uint8Array) => Promise<Uint8Array>;
  /** Segments waiting to be encoded or written: bounds memory. */
  readonly inFlightMax: number;
}

export interface StreamOptions {
  readonly rawBytesMax: number;
  /** The blocks are one image's own: never in the index, never found. Default false. */
  readonly isPrivate?: boolean;
  readonly compression?: Compression;
}

/** What a session remembers to notice that ids it was given became void. */
export interface StoreEpoch {
  readonly failure: unknown;
}

export class BlockStore {
  readonly identity: PackIdentity;
  readonly packs = new PackList();
  readonly reads = new ReadLeases();
  segments = new SegmentTable();
  fingerprints = new LazyFingerprints(new FingerprintTable());
  nextId = 0;
  /** Number of the newest session: marks packs that some open session may be using. */
  useStamp = 0;
  /** Set by `find` when it answers NEEDS_COLUMN. */
  columnWanted = ALL_COLUMNS;
  /** Sealed since a snapshot file last listed packs. */
  unlisted: PackListing[] = [];
  readonly #options: BlockStoreOptions;
  readonly #columns = new DigestColumns();
  /** Packs whose digest column cannot be read: nothing is deduplicated against them. */
  readonly #badColumns = new Set<number>();
  /** Packs whose digests could not be read when the fingerprints were loaded. No cache may say that it covers them. */
  readonly withoutFingerprints = new Set<number>();
  /** Segments with ids but without a sealed pack, by first id / segmentIds. */
  readonly #openSegments = new Map<number, Uint8Array>();
  readonly #builders = new Set<SegmentBuilder>();
  #epoch: { failure: unknown } = { failure: null };
  #openPack: PackWriter | null = null;
  #chain: Promise<void> = Promise.resolve();
  #inFlight = 0;
  #waiting: (() => void)[] = [];
  readonly #freeBuffers: SegmentBuffer[] = [];

  constructor(options: BlockStoreOptions) {
    this.#options = options;
    this.identity = options.identity;
  }

  /** Of an encrypted repository: its blocks are known by keyed digests. */
  get digestKey(): Uint8Array | null {
    return this.identity.keys?.digests ?? null;
  }

  get segmentIds(): number {
    return this.#options.segmentIds;
  }

  get epoch(): StoreEpoch {
    return this.#epoch;
  }

  // Finding ---------------------------------------------------------------------------------------------------

  /** Id of the stored block with the digest at `digests[at…]`, ABSENT, or NEEDS_COLUMN. `guess` is tried first:
   *  the block after the previous one, mostly. */
  find(digests: Uint8Array, at: number, guess: number): number {
    if (guess >= 0 && this.#compare(guess, digests, at) === 1) return guess;
    if (this.fingerprints.table === null) {
      this.columnWanted = ALL_COLUMNS;
      return NEEDS_COLUMN;
    }
    let answer = ABSENT;
    this.fingerprints.probe(digests, at, (id) => {
      const verdict = this.#compare(id, digests, at);
      if (verdict === 0) return false;
      answer = verdict === 1 ? id : NEEDS_COLUMN;
      return true;
    });
    return answer;
  }

  /** 1 the same, 0 another or void, NEEDS_COLUMN. */
  #compare(id: number, digests: Uint8Array, at: number): number {
    const firstId = id - (id % this.#options.segmentIds);
    const open = this.#openSegments.get(firstId);
    if (open !== undefined) return sameDigest(open, (id - firstId) * DIGEST_BYTES, digests, at) ? 1 : 0;
    const row = this.segments.rowOf(id);
    if (row < 0 || this.segments.isPrivate(row)) return 0;
    return this.#compareSealed(row, id, digests, at);
  }

  #compareSealed(row: number, id: number, digests: Uint8Array, at: number): number {
    const packIndex = this.segments.packOf(row);
    const column = this.#columns.get(packIndex);
    if (column === undefined) {
      if (this.#badColumns.has(packIndex)) return 0;
      this.columnWanted = packIndex;
      return NEEDS_COLUMN;
    }
    if (!sameDigest(column, this.segments.digestPosition(row, id) * DIGEST_BYTES, digests, at)) return 0;
    // In the same turn as the answer: from here on GC leaves the pack alone while the session that asked is open.
    this.packs.noteUse(packIndex, this.useStamp);
    return 1;
  }

  /** Makes what `find` wanted available: the fingerprints, or a column, or marks its pack as one not to deduplicate
   *  against. */
  async loadColumn(packIndex = this.columnWanted): Promise<void> {
    if (packIndex === ALL_COLUMNS) return this.fingerprints.load();
    const pack = this.packs.packs[packIndex];
    assert(pack !== undefined, `no pack ${packIndex}`);
    try {
      const column = await secondChance(async () => {
        const footer = await readFooter(this.#options.storage, pack, this.identity);
        return readDigests(this.#options.storage, pack.name, footer);
      });
      this.#columns.put(packIndex, column);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      // Safe to go on: the blocks are stored once more instead, which also heals. Verify names the pack.
      this.#badColumns.add(packIndex);
    }
  }

  async findLoading(digests: Uint8Array, at: number, guess: number): Promise<number> {
    for (;;) {
      const id = this.find(digests, at, guess);
      if (id !== NEEDS_COLUMN) return id;
      await this.loadColumn();
    }
  }

  /** Is the sealed block `id`, private or not, the one with this digest? False when its pack cannot be read. */
  async isBlock(id: number, digests: Uint8Array, at: number): Promise<boolean> {
    for (;;) {
      const row = this.segments.rowOf(id);
      if (row < 0) return false;
      const verdict = this.#compareSealed(row, id, digests, at);
      if (verdict !== NEEDS_COLUMN) return verdict === 1;
      await this.loadColumn();
    }
  }

  // Adding ----------------------------------------------------------------------------------------------------

  /** A stream of new blocks. `close` it when the stream ends. */
  openBuilder(stream: StreamOptions): SegmentBuilder {
    const { rawBytesMax, isPrivate = false, compression = USUAL_COMPRESSION } = stream;
    const builder = new SegmentBuilder({
      segmentIds: this.#options.segmentIds,
      rawBytesMax,
      isPrivate,
      compression,
      takeBuffer: (bytes) => this.#takeBuffer(bytes),
      begin: (digests) => this.#beginSegment(isPrivate ? null : digests),
      added: (digests, at, id) => {
        if (!isPrivate) this.fingerprints.insert(digests, at, id);
      },
      submit: (owner, segment, buffer) => this.#submit(owner, segment, buffer),
      closed: (owner) => this.#builders.delete(owner),
    });
    this.#builders.add(builder);
    return builder;
  }

  /** Segments are much memory, soon free again: leaving them to the garbage collector costs seconds a gigabyte. */
  #takeBuffer(rawBytes: number): SegmentBuffer {
    const bytes = rawBytes + sealBytesOf(this.identity);
    const free = this.#freeBuffers.pop();
    return free !== undefined && free.byteLength === bytes ? free : new SharedArrayBuffer(bytes);
  }

  /** `digests` of a segment that may be found while it is open. */
  #beginSegment(digests: Uint8Array | null): number {
    const firstId = this.nextId;
    if (firstId + this.#options.segmentIds > ID_MAX) throw numbersUsedUp(firstId);
    this.nextId += this.#options.segmentIds;
    if (digests !== null) this.#openSegments.set(firstId, digests);
    return firstId;
  }

  /** Resolves when another segment may be begun: wait for it between pages. */
  async room(): Promise<void> {
    while (this.#inFlight >= this.#options.inFlightMax) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  #submit(owner: SegmentBuilder, segment: NumberedSegment, buffer: SegmentBuffer): Promise<void> {
    const epoch = this.#epoch;
    this.#inFlight += 1;
    const encoding = this.#options.encode(buffer, segment, owner.compression);
    encoding.catch(() => undefined); // Reported by the chain below, which awaits the same promise in its turn.
    this.#chain = this.#chain.then(async () => {
      try {
        await this.#append(epoch, owner, segment, await encoding);
      } catch (error) {
        await this.#loseOpenPack(epoch, error);
      } finally {
        this.#inFlight -= 1;
        if (this.#freeBuffers.length < this.#options.inFlightMax) this.#freeBuffers.push(buffer);
        for (const resume of this.#waiting.splice(0)) resume();
      }
    });
    return this.#chain;
  }

  async #append(
    epoch: StoreEpoch,
    owner: SegmentBuilder,
    segment: NumberedSegment,
    encoded: EncodedSegment,
  ): Promise<void> {
    if (epoch !== this.#epoch) return; // Its pack is lost already; so is every session that wanted it.
    this.#openPack ??= await PackWriter.create(this.#options.storage, this.identity);
    await this.#openPack.append(segment, encoded);
    owner.countStored(encoded.payload.length, segment.count);
    if (this.#openPack.isFull) await this.#sealOpenPack();
  }

  // Sealing ---------------------------------------------------------------------------------------------------

  /** Everything handed out so far is durable when this resolves; otherwise it throws the reason it is lost. */
  async seal(): Promise<void> {
    const epoch = this.#epoch;
    // Other streams' unfinished segments too: this session may have deduplicated against their blocks.
    for (const builder of this.#builders) builder.flush();
    this.#chain = this.#chain.then(async () => {
      try {
        if (epoch === this.#epoch && this.#openPack !== null) await this.#sealOpenPack();
      } catch (error) {
        await this.#loseOpenPack(epoch, error);
      }
    });
    await this.#chain;
    if (epoch !== this.#epoch) throw epoch.failure;
  }

  async #sealOpenPack(): Promise<void> {
    const writer = this.#openPack;
    assert(writer !== null, "no open pack to seal");
    const sealed = await writer.seal();
    this.#openPack = null;
    const packIndex = this.adopt(sealed, this.useStamp);
    this.#columns.put(packIndex, sealed.digests);
    for (const segment of sealed.segments) this.#openSegments.delete(segment.firstId);
  }

  /** From now on its blocks are found there. `useStamp`: the newest session that may have used one of them. */
  adopt(sealed: SealedPack, useStamp: number): number {
    const known = this.packs.indexOf(sealed.name);
    const packIndex = known ?? this.packs.add(sealed);
    this.packs.noteUse(packIndex, Math.max(useStamp, this.packs.lastUseOf(packIndex)));
    if (known !== null) return known;
    this.segments.setRank(packIndex, sealed.traits.rank);
    this.segments.add(packIndex, sealed.segments);
    this.unlisted.push(listingOf(sealed.name, this.identity, sealed.segments));
    return packIndex;
  }

  async #loseOpenPack(epoch: StoreEpoch, error: unknown): Promise<void> {
    if (epoch !== this.#epoch) return;
    this.#epoch.failure = error;
    this.#epoch = { failure: null };
    // Entries of the fingerprint table that point here now find neither an open nor a sealed segment: misses.
    this.#openSegments.clear();
    for (const builder of this.#builders) builder.abandon(error);
    this.#builders.clear();
    const lost = this.#openPack;
    this.#openPack = null;
    await lost?.discard();
  }

  /** Runs `work` when all that was submitted is written, and before anything else is. */
  async whileNothingIsWritten(work: () => Promise<void>): Promise<void> {
    const turn = this.#chain.then(work);
    this.#chain = turn.catch(() => undefined); // The caller is told; what is written next does not depend on it.
    await turn;
  }

  /** After the fingerprints were rebuilt from sealed packs: makes what is not sealed yet findable again. */
  findOpenSegmentsAgain(): void {
    for (const [firstId, digests] of this.#openSegments) {
      for (let at = 0; at < digests.length; at += DIGEST_BYTES) {
        // Unused places of a growing segment hold zeros, a digest that nothing has.
        this.fingerprints.insert(digests, at, firstId + at / DIGEST_BYTES);
      }
    }
  }

  /** Drops what is not sealed; for closing. */
  async discardOpen(): Promise<void> {
    await this.#chain;
    await this.#loseOpenPack(this.#epoch, new CodedError("repository-closed", "The repository was closed."));
  }

  // Reading ---------------------------------------------------------------------------------------------------

  /** Where a block lies; CodedError "pack-corrupt" or "pack-missing" when no readable pack has it. */
  placeOf(id: number): SegmentPlace {
    const row = this.segments.rowOf(id);
    if (row >= 0) return this.segments.place(row);
    throw this.#lost(id);
  }

  #lost(id: number): CodedError {
    const name = this.packs.expectedPackOf(id);
    const reason = name === null ? undefined : this.packs.damaged.get(name);
    const what = this.identity.kind === "data" ? "Block" : "Manifest node";
    if (name !== null && reason !== undefined) {
      return new CodedError("pack-corrupt", `${what} ${id} lies in ${name}, which is damaged: ${reason}`, {
        hint: "Put the file back from a copy of the repository, then verify.",
        facts: { file: name },
      });
    }
    return new CodedError("pack-missing", `${what} ${id} lies in ${name ?? "a pack"} that is missing.`, {
      hint: "Put the file back from a copy of the repository. Snapshots that do not need it can be restored.",
      facts: { file: name ?? "" },
    });
  }

  /** The decoded bytes of a segment. */
  async readSegment(place: SegmentPlace): Promise<Uint8Array> {
    const name = this.packs.nameOf(place.packIndex);
    const release = this.reads.begin();
    try {
      return await namingPack(name, async () => this.#options.decode(place, await this.#segmentBytes(place)));
    } finally {
      release();
    }
  }

  async #segmentBytes(place: SegmentPlace): Promise<Uint8Array> {
    const bytes = new Uint8Array(SEGMENT_HEADER_BYTES + place.encodedBytes);
    await this.readPart(place.packIndex, place.offset, bytes);
    return bytes;
  }

  /** Bytes of a pack as they lie there, unchecked. */
  async readPart(packIndex: number, offset: number, into: Uint8Array): Promise<void> {
    const { storage } = this.#options;
    const name = this.packs.nameOf(packIndex);
    try {
      await storage.readAt(name, offset, into);
    } catch (error) {
      const isAbsent = error instanceof CodedError && (await storage.size(name)) === null;
      throw isAbsent ? goneSince(name, error) : error;
    }
  }

  /** Reading goes on, but nothing new refers to what lies in a pack that is known to be bad: it is stored again instead. */
  distrust(packIndex: number): void {
    this.#badColumns.add(packIndex);
    this.#columns.drop(packIndex);
  }

  /** It was looked at again and is well. */
  trust(packIndex: number): void {
    this.#badColumns.delete(packIndex);
  }

  distrusts(packIndex: number): boolean {
    return this.#badColumns.has(packIndex);
  }

  /** It lies in a pack that is known to be bad, or in none: its pack is gone or cannot be read. */
  isDistrusted(id: number): boolean {
    const row = this.segments.rowOf(id);
    return row < 0 || this.#badColumns.has(this.segments.packOf(row));
  }

  /** From now on nothing is found in these packs: what they hold would be stored again. */
  retire(packIndices: ReadonlySet<number>): void {
    const names = new Set([...packIndices].map((index) => this.packs.nameOf(index)));
    this.segments.removePacks(packIndices);
    for (const index of packIndices) {
      this.packs.retire(index);
      this.trust(index); // Nobody will ask any more.
      this.#columns.drop(index);
    }
    this.fingerprints.forget((id) => this.isVoid(id));
    this.unlisted = this.unlisted.filter((pack) => !names.has(pack.name));
  }

  /** Neither stored nor about to be: nothing is ever found under this id. */
  isVoid(id: number): boolean {
    return !this.#openSegments.has(id - (id % this.#options.segmentIds)) && this.segments.rowOf(id) < 0;
  }

  /** The packs whose directories are in the tables. One that was lost and could not be read at a rebuild is not. */
  tabled(): { readonly packIndex: number; readonly pack: KnownPack; readonly blockCount: number }[] {
    const counts = this.segments.blockCountByPack();
    return this.packs.present.flatMap(([packIndex, pack]) => {
      const blockCount = counts.get(packIndex);
      return blockCount === undefined ? [] : [{ packIndex, pack, blockCount }];
    });
  }

  noteDamaged(name: string, error: FormatError | CodedError): void {
    this.packs.damaged.set(name, error.message);
  }
}

/** A reader beside a writer of another process cannot hold what it reads: a snapshot may be pruned, and its packs freed. */
function goneSince(name: string, cause: CodedError): CodedError {
  return new CodedError("pack-missing", `The pack ${name} has gone since the repository was opened.`, {
    hint: "If snapshots were pruned meanwhile, look whether this one is still listed and try again. Otherwise put the file back from a copy of the repository.",
    retry: "later",
    facts: { file: name },
    cause,
  });
}

export function listingOf(
  name: string,
  identity: PackIdentity,
  segments: readonly { readonly firstId: number; readonly count: number }[],
): PackListing {
  let firstId = Number.MAX_SAFE_INTEGER;
  let endId = 0;
  for (const segment of segments) {
    firstId = Math.min(firstId, segment.firstId);
    endId = Math.max(endId, segment.firstId + segment.count);
  }
  return { name, kind: identity.kind, firstId: Math.min(firstId, endId), endId };
}

/** No repository grows that far: some file claims numbers that were never given. What is stored can be read all the same. */
function numbersUsedUp(next: number): CodedError {
  return new CodedError("repository-corrupt", `No block can be added: the next number would be ${next}.`, {
    hint: "A snapshot file or the ledger is not what was written. Put them back from a copy of the repository.",
  });
}

function sameDigest(a: Uint8Array, atA: number, b: Uint8Array, atB: number): boolean {
  for (let index = 0; index < DIGEST_BYTES; index++) {
    if (a[atA + index] !== b[atB + index]) return false;
  }
  return true;
}
