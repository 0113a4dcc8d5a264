// Regrouping: all blocks of some packs go into new packs under the ids they have, in an order that brings similar content together
// (similar-pieces.ts).
//
// Two passes: the first decodes everything once to find the order, the second fetches the pieces in that order. There a frame may be
// decoded several times, for its pieces are wanted apart; the last decoded ones are kept.

import { decodeFrame } from "../format/segment-codec.ts";
import { freeMemory } from "../free-memory.ts";
import type { RepositoryState } from "../repository-state.ts";
import { namingPack } from "../store/pack-reader.ts";
import type { FrameBuilder, KeptBlock } from "./frame-builder.ts";
import { blocksOf, checkDigest, framesOfPack, readFrame, type SourceFrame } from "./rewrite.ts";
import { PIECE_BYTES, SimilarPieces } from "./similar-pieces.ts";

/** Decoded frames kept in the second pass. */
const KEPT_BYTES_MAX = 64 * 1024 * 1024;

interface PlacedFrame {
  readonly packIndex: number;
  readonly frame: SourceFrame;
}

/** Consecutive blocks of one frame. */
interface Piece {
  readonly placed: PlacedFrame;
  /** Of its first block among the frame's. */
  readonly position: number;
  readonly count: number;
}

interface Pieces {
  readonly pieces: Piece[];
  readonly similar: SimilarPieces;
}

/** The first pass decodes, the second decodes and compresses. */
const FIRST_PASS_SHARE = 0.2;

export interface BatchWork {
  /** May throw to end it. */
  readonly check: () => void;
  /** Told how much is done, 0 to 1. */
  readonly onShare: (share: number) => void;
}

/** Adds all blocks of the packs to the builder. CodedError "pack-corrupt" when one is damaged. */
export async function regroupPacks(
  state: RepositoryState,
  packIndices: readonly number[],
  builder: FrameBuilder,
  work: BatchWork,
): Promise<void> {
  const frames: PlacedFrame[] = [];
  for (const packIndex of packIndices) {
    work.check();
    for (const frame of await framesOfPack(state, state.data, packIndex)) frames.push({ packIndex, frame });
  }
  let done = 0;
  const pass = (share: number, ofFrames: number): BatchWork => ({
    check: work.check,
    onShare: (part) => work.onShare(done + part * share * (ofFrames / frames.length)),
  });
  // Blocks that are one image's own lie in frames of their own.
  for (const isPrivate of [false, true]) {
    const ofKind = frames.filter(({ frame }) => (frame.entries[0]?.isPrivate ?? false) === isPrivate);
    const share = ofKind.length / Math.max(1, frames.length);
    const first = pass(FIRST_PASS_SHARE, ofKind.length);
    const { pieces, similar } = await piecesOf(state, ofKind, first);
    done += FIRST_PASS_SHARE * share;
    await addInOrder(state, pieces, similar.order(), builder, pass(1 - FIRST_PASS_SHARE, ofKind.length));
    done += (1 - FIRST_PASS_SHARE) * share;
  }
}

async function piecesOf(
  state: RepositoryState,
  frames: readonly PlacedFrame[],
  { check, onShare }: BatchWork,
): Promise<Pieces> {
  const store = state.data;
  const pace = state.foreground.pace(check);
  const blocksPerPiece = Math.max(1, PIECE_BYTES / store.identity.blockSize);
  const rawBytes = frames
    .flatMap(({ frame }) => frame.entries)
    .reduce((sum, entry) => sum + entry.rawBytes, 0);
  const found: Pieces = { pieces: [], similar: new SimilarPieces(rawBytes) };
  for (const [number, placed] of frames.entries()) {
    onShare(number / frames.length);
    const { packIndex, frame } = placed;
    await namingPack(store.packs.nameOf(packIndex), async () => {
      const { claim, bytes } = await readFrame(store, packIndex, frame);
      const raw = await state.workers.decode(claim, store.identity, bytes);
      let position = 0;
      for (const { rawStart, rawBytes: ofRange, count } of frame.entries) {
        const range = raw.subarray(rawStart, rawStart + ofRange);
        for (let first = 0; first < count; first += blocksPerPiece) {
          check();
          await pace.turn();
          const at = first * store.identity.blockSize;
          found.similar.add(range.subarray(at, at + blocksPerPiece * store.identity.blockSize));
          const some = Math.min(blocksPerPiece, count - first);
          found.pieces.push({ placed, position: position + first, count: some });
        }
        position += count;
      }
      freeMemory(raw);
    });
  }
  return found;
}

async function addInOrder(
  state: RepositoryState,
  pieces: readonly Piece[],
  order: readonly number[],
  builder: FrameBuilder,
  { check, onShare }: BatchWork,
): Promise<void> {
  const pace = state.foreground.pace(check);
  const decoded = new DecodedFrames(state);
  for (const [at, number] of order.entries()) {
    check();
    onShare(at / order.length);
    await pace.turn();
    const { placed, position, count } = pieces[number] as Piece;
    await namingPack(state.data.packs.nameOf(placed.packIndex), async () => {
      const blocks = await decoded.blocksOf(placed);
      for (const block of blocks.slice(position, position + count)) {
        checkDigest(state.data.identity, block);
        await builder.add(block);
      }
    });
  }
}

/** The frames decoded last, with their blocks. Decoded here and not in a thread: those are busy compressing, for long. */
class DecodedFrames {
  readonly #state: RepositoryState;
  /** The one used longest ago first. */
  readonly #kept = new Map<
    SourceFrame,
    { readonly raw: Uint8Array; readonly blocks: readonly KeptBlock[] }
  >();
  #bytes = 0;

  constructor(state: RepositoryState) {
    this.#state = state;
  }

  async blocksOf({ packIndex, frame }: PlacedFrame): Promise<readonly KeptBlock[]> {
    const known = this.#kept.get(frame);
    if (known !== undefined) {
      this.#kept.delete(frame);
      this.#kept.set(frame, known);
      return known.blocks;
    }
    const { identity } = this.#state.data;
    const { claim, bytes } = await readFrame(this.#state.data, packIndex, frame);
    const raw = decodeFrame(identity, claim, bytes);
    if (raw.buffer !== bytes.buffer) freeMemory(bytes);
    const blocks = blocksOf(identity, frame, raw);
    this.#kept.set(frame, { raw, blocks });
    this.#bytes += raw.length;
    this.#makeRoom();
    return blocks;
  }

  /** The newest stays in any case. */
  #makeRoom(): void {
    for (const [frame, { raw }] of this.#kept) {
      if (this.#bytes <= KEPT_BYTES_MAX || this.#kept.size === 1) return;
      this.#kept.delete(frame);
      this.#bytes -= raw.length;
      freeMemory(raw);
    }
  }
}
