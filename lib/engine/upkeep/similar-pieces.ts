// SimilarPieces finds an order of pieces in which those that have content in common lie together, so that a compressor, which sees
// one frame at a time, finds in each what it knows from the others: the old and the new version of a program, a log and its copy.
//
// Deduplication finds blocks that are equal from end to end; what is equal at other offsets, or but for some bytes, it leaves.
// A piece is known by some of its 64-byte windows, chosen by their content (every 4096th on average), so that moved content gives the
// same windows. A piece joins the group of the earlier piece with which it has the most windows in common. The table of windows
// is bounded: a later window takes the place of an earlier one, and pieces that were similar to that are not found.

/** Longer ones bring along what is not similar; shorter ones are more rows in the tables. */
export const PIECE_BYTES = 64 * 1024;

const WINDOW_BYTES = 64;
/** The upper bits of the rolling hash depend on the last 32 bytes; with twelve of them zero a window is chosen. */
const CHOOSE_MASK = 0xfff00000;
const BYTES_PER_WINDOW = 4096;
/** A single one may be chance, or a licence's text. */
const COMMON_WINDOWS_MIN = 2;
/** 2 × 16 MiB of memory at most. */
const TABLE_BITS_MAX = 22;
const TABLE_BITS_MIN = 10;
const NOBODY = -1;

export class SimilarPieces {
  readonly #shift: number;
  readonly #windows: Uint32Array;
  readonly #owners: Int32Array;
  /** First piece of the group each piece belongs to. */
  readonly #groups: number[] = [];

  /** `expectedBytes` of all pieces together. */
  constructor(expectedBytes: number) {
    const wanted = Math.ceil(Math.log2(2 + (2 * expectedBytes) / BYTES_PER_WINDOW));
    const bits = Math.min(TABLE_BITS_MAX, Math.max(TABLE_BITS_MIN, wanted));
    this.#shift = 32 - bits;
    this.#windows = new Uint32Array(2 ** bits);
    this.#owners = new Int32Array(2 ** bits).fill(NOBODY);
  }

  /** The next piece; the first is number 0. */
  add(piece: Uint8Array): void {
    const windows = windowsOf(piece);
    const number = this.#groups.length;
    const likest = this.#likest(windows);
    this.#groups.push(likest === NOBODY ? number : (this.#groups[likest] as number));
    for (const window of windows) {
      this.#windows[window >>> this.#shift] = window;
      this.#owners[window >>> this.#shift] = number;
    }
  }

  /** The piece that has the most windows in common with these, the earliest of several. */
  #likest(windows: readonly number[]): number {
    const common = new Map<number, number>();
    for (const window of windows) {
      const slot = window >>> this.#shift;
      const owner = this.#owners[slot] as number;
      if (owner !== NOBODY && this.#windows[slot] === window) common.set(owner, (common.get(owner) ?? 0) + 1);
    }
    let likest = NOBODY;
    let most = COMMON_WINDOWS_MIN - 1;
    for (const [owner, count] of common) {
      if (count > most || (count === most && owner < likest)) {
        likest = owner;
        most = count;
      }
    }
    return likest;
  }

  /** Every piece's number once: groups by their first pieces, pieces within a group as they came. */
  order(): number[] {
    const members = new Map<number, number[]>();
    for (const [number, group] of this.#groups.entries()) {
      const others = members.get(group);
      if (others === undefined) members.set(group, [number]);
      else others.push(number);
    }
    return [...members.values()].flat();
  }
}

/** Any numbers will do, as long as they are always the same. */
const GEAR = Uint32Array.from({ length: 256 }, (_, byte) => scramble(byte + 1));

function scramble(number: number): number {
  let mixed = Math.imul(number, 0x9e3779b1);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** Hashes, 32 bits each, of the windows chosen. */
function windowsOf(piece: Uint8Array): number[] {
  const windows: number[] = [];
  let rolling = 0;
  for (let at = 0; at < piece.length; at++) {
    rolling = ((rolling << 1) + (GEAR[piece[at] as number] as number)) | 0;
    if ((rolling & CHOOSE_MASK) === 0 && at >= WINDOW_BYTES - 1) windows.push(hashOfWindow(piece, at + 1));
  }
  return windows;
}

function hashOfWindow(piece: Uint8Array, end: number): number {
  let hash = 0x811c9dc5; // FNV-1a
  for (let at = end - WINDOW_BYTES; at < end; at++)
    hash = Math.imul(hash ^ (piece[at] as number), 0x01000193);
  return scramble(hash);
}
