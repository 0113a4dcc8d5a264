// Rewriting packs: the blocks that are to be kept go into new packs under the ids they have, so that no manifest changes.
//
// A frame that is copied is compared with the hash in its directory; of one that is decoded, every block with its digest. A pack
// in which anything is wrong is not rewritten.
import { assert } from "#lib/model/assert.ts";
import { hashPage, sameHash } from "#lib/page/page.ts";
import { digestOf } from "../encryption/repository-keys.ts";
import { ByteReader, ensure } from "../format/bytes.ts";
import { nodeHashOf } from "../format/node-format.ts";
import {
  DIGEST_BYTES,
  frameOf,
  framesOf,
  type PackIdentity,
  SEGMENT_HEADER_BYTES,
  type SegmentClaim,
  type SegmentEntry,
} from "../format/pack-format.ts";
import type { RepositoryState } from "../repository-state.ts";
import type { BlockStore } from "../store/block-store.ts";
import { namingPack, readDigests, readFooter } from "../store/pack-reader.ts";
import type { NumberedSegment } from "../store/pack-writer.ts";
import type { FrameBuilder, KeptBlock } from "./frame-builder.ts";
import { fateOf } from "./repack-plan.ts";

export interface RewriteChoice {
  /** By position in the pack's digest column. */
  readonly isLive: (position: number) => boolean;
  /** Whether frames may be taken over as they are. */
  readonly mayCopy: boolean;
  readonly check: () => void;
}

/** A frame with its part of the digest column. */
export interface SourceFrame {
  readonly entries: readonly SegmentEntry[];
  readonly digests: Uint8Array;
  /** Position of its first block in the column. */
  readonly start: number;
}

/** Adds what is to be kept of one pack to the builder. CodedError "pack-corrupt" when it is damaged. */
export async function rewritePack(
  state: RepositoryState,
  store: BlockStore,
  packIndex: number,
  builder: FrameBuilder,
  choice: RewriteChoice,
): Promise<void> {
  const pace = state.foreground.pace(choice.check);
  for (const frame of await framesOfPack(state, store, packIndex)) {
    choice.check();
    await pace.turn();
    await namingPack(store.packs.nameOf(packIndex), () =>
      rewriteFrame(state, store, packIndex, frame, builder, choice),
    );
  }
}

/** As the pack's footer lists them. */
export async function framesOfPack(
  state: RepositoryState,
  store: BlockStore,
  packIndex: number,
): Promise<SourceFrame[]> {
  const pack = store.packs.packs[packIndex];
  assert(pack !== undefined, `no pack ${packIndex}`);
  const footer = await readFooter(state.storage, pack, store.identity);
  return sourceFrames(footer.segments, await readDigests(state.storage, pack.name, footer));
}

/** The frame as it lies in the pack. */
export async function readFrame(
  store: BlockStore,
  packIndex: number,
  { entries }: SourceFrame,
): Promise<{ readonly claim: SegmentClaim; readonly bytes: Uint8Array }> {
  const claim = claimOfFrame(entries);
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES + claim.encodedBytes);
  await store.readPart(packIndex, entries[0]?.offset ?? 0, bytes);
  return { claim, bytes };
}

function sourceFrames(segments: readonly SegmentEntry[], digests: Uint8Array): SourceFrame[] {
  let start = 0;
  return framesOf(segments).map((entries) => {
    const count = entries.reduce((sum, entry) => sum + entry.count, 0);
    const frame = {
      entries,
      digests: digests.subarray(start * DIGEST_BYTES, (start + count) * DIGEST_BYTES),
      start,
    };
    start += count;
    return frame;
  });
}

async function rewriteFrame(
  state: RepositoryState,
  store: BlockStore,
  packIndex: number,
  frame: SourceFrame,
  builder: FrameBuilder,
  { isLive, mayCopy }: RewriteChoice,
): Promise<void> {
  const blockCount = frame.digests.length / DIGEST_BYTES;
  let liveCount = 0;
  for (let at = 0; at < blockCount; at++) if (isLive(frame.start + at)) liveCount += 1;
  const fate = fateOf({ blockCount, liveCount });
  if (fate === "drop") return;
  const { claim, bytes } = await readFrame(store, packIndex, frame);
  if (fate === "copy" && mayCopy) return copyFrame(store.identity, frame, claim, bytes, builder);
  const raw = await state.workers.decode(claim, store.identity, bytes);
  for (const [position, block] of blocksOf(store.identity, frame, raw).entries()) {
    checkDigest(store.identity, block);
    const isKept = fate === "copy" || isLive(frame.start + position);
    if (isKept) await builder.add(block);
  }
}

/** All blocks of the frame as one claim: then its header must say just that. */
function claimOfFrame(entries: readonly SegmentEntry[]): SegmentClaim {
  const [first] = entries;
  assert(first !== undefined, "a frame without an entry");
  const sum = (of: (entry: SegmentEntry) => number) => entries.reduce((total, entry) => total + of(entry), 0);
  const { codec, firstId, encodedBytes } = first;
  const count = sum((entry) => entry.count);
  const rawBytes = sum((entry) => entry.rawBytes);
  return { codec, firstId, encodedBytes, count, rawBytes, rawStart: 0, isShared: false };
}

async function copyFrame(
  identity: PackIdentity,
  frame: SourceFrame,
  claim: SegmentClaim,
  bytes: Uint8Array,
  builder: FrameBuilder,
): Promise<void> {
  const { payload } = frameOf(identity, claim, bytes);
  const payloadHash = hashPage(payload);
  ensure(
    sameHash(payloadHash, frame.entries[0]?.payloadHash ?? payload),
    "a segment has another hash than the directory says",
  );
  await builder.copy(rangesOf(frame), { codec: claim.codec, payload, payloadHash });
}

function rangesOf({ entries, digests }: SourceFrame): NumberedSegment[] {
  let at = 0;
  return entries.map(({ firstId, count, rawBytes, isPrivate }) => {
    const range = {
      firstId,
      count,
      rawBytes,
      isPrivate,
      digests: digests.slice(at, at + count * DIGEST_BYTES),
    };
    at += range.digests.length;
    return range;
  });
}

/** The blocks (or nodes, with their lengths) of a decoded frame, not yet compared with their digests. */
export function blocksOf(identity: PackIdentity, frame: SourceFrame, raw: Uint8Array): KeptBlock[] {
  const blocks: KeptBlock[] = [];
  for (const { firstId, count, rawStart, rawBytes, isPrivate } of frame.entries) {
    const parts = partsOf(identity, raw.subarray(rawStart, rawStart + rawBytes), count);
    for (const [index, bytes] of parts.entries()) {
      const at = blocks.length * DIGEST_BYTES;
      blocks.push({
        id: firstId + index,
        bytes,
        digest: frame.digests.subarray(at, at + DIGEST_BYTES),
        isPrivate,
      });
    }
  }
  return blocks;
}

/** FormatError unless the block is what its digest says. */
export function checkDigest(identity: PackIdentity, { id, bytes, digest }: KeptBlock): void {
  ensure(sameHash(digestOfPart(identity, bytes), digest), `block ${id} has not its digest`);
}

function digestOfPart({ kind, keys }: PackIdentity, bytes: Uint8Array): Uint8Array {
  return kind === "data" ? digestOf(hashPage(bytes), keys) : nodeHashOf(bytes.subarray(4), keys);
}

function partsOf({ kind, blockSize }: PackIdentity, raw: Uint8Array, count: number): Uint8Array[] {
  const parts: Uint8Array[] = [];
  const nodes = new ByteReader(raw);
  let at = 0;
  while (at < raw.length && parts.length < count) {
    const length = kind === "data" ? Math.min(blockSize, raw.length - at) : 4 + nodes.u32();
    if (kind === "nodes") nodes.bytes(length - 4);
    parts.push(raw.subarray(at, at + length));
    at += length;
  }
  ensure(at === raw.length && parts.length === count, `${raw.length} bytes are not ${count} blocks`);
  return parts;
}
