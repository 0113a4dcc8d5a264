// SlotMemory keeps the slots of a fingerprint table: seven bytes each, in lines of 16, in chunks of 1024 lines.
//
// A slot is a tag of 24 bits (0: the slot is free) and an id of 40 bits. The tag and the id's low byte share a word, so a search
// that finds nothing reads words only; the rest of the ids follows in the same line, where the processor finds it at
// once. The id's high byte has a column of its own, which a chunk gets with the first id that needs it. Chunks are added
// and never moved: growing has no peak.
export const LINE_SLOTS = 16;
/** 16 words, 16 times bits 8–23 of an id, 16 times bits 24–31. */
export const LINE_BYTES = 112;
const LINE_WORDS = LINE_BYTES / 4;
const LINE_MIDDLES = LINE_BYTES / 2;
const MIDDLES_AT = 64 / 2;
const TOPS_AT = 96;
/** 112 KiB: what the smallest repository pays each time it is opened. */
const CHUNK_SHIFT = 10;
const CHUNK_LINES = 2 ** CHUNK_SHIFT;
export const CHUNK_SLOTS = CHUNK_LINES * LINE_SLOTS;

export interface SlotChunk {
  readonly bytes: Uint8Array;
  /** Views of the same bytes. */
  readonly words: Uint32Array;
  readonly middles: Uint16Array;
  /** Bits 32–39 of the ids; null while all are zero. */
  highs: Uint8Array | null;
}

export class SlotMemory {
  readonly chunks: SlotChunk[] = [];
  #lineCount = 0;

  get lineCount(): number {
    return this.#lineCount;
  }

  get bytes(): number {
    return this.chunks.reduce((sum, { bytes, highs }) => sum + bytes.length + (highs?.length ?? 0), 0);
  }

  /** The number of a line whose slots are free. */
  takeLine(): number {
    if (this.#lineCount === this.chunks.length * CHUNK_LINES) this.chunks.push(newSlotChunk());
    return this.#lineCount++;
  }

  chunkOf(line: number): SlotChunk {
    return this.chunks[line >>> CHUNK_SHIFT] as SlotChunk;
  }

  /** How many of a chunk's lines were taken. */
  linesTaken(chunkIndex: number): number {
    return Math.min(CHUNK_LINES, this.#lineCount - chunkIndex * CHUNK_LINES);
  }
}

export function newSlotChunk(): SlotChunk {
  const bytes = new Uint8Array(CHUNK_LINES * LINE_BYTES);
  return { bytes, words: new Uint32Array(bytes.buffer), middles: new Uint16Array(bytes.buffer), highs: null };
}

/** Where a line lies in its chunk. */
export function inChunk(line: number): number {
  return line & (CHUNK_LINES - 1);
}

/** Where the words of a line of the chunk begin. */
export function wordsOf(line: number): number {
  return line * LINE_WORDS;
}

/** The id in a slot of a line of the chunk. */
export function idAt(chunk: SlotChunk, line: number, slot: number): number {
  const low =
    ((chunk.words[line * LINE_WORDS + slot] as number) & 0xff) |
    ((chunk.middles[line * LINE_MIDDLES + MIDDLES_AT + slot] as number) << 8) |
    ((chunk.bytes[line * LINE_BYTES + TOPS_AT + slot] as number) << 24);
  if (chunk.highs === null) return low >>> 0;
  return (low >>> 0) + (chunk.highs[line * LINE_SLOTS + slot] as number) * 2 ** 32;
}

export function setSlot(chunk: SlotChunk, line: number, slot: number, tag: number, id: number): void {
  const low = id >>> 0;
  chunk.words[line * LINE_WORDS + slot] = (tag << 8) | (low & 0xff);
  chunk.middles[line * LINE_MIDDLES + MIDDLES_AT + slot] = low >>> 8;
  chunk.bytes[line * LINE_BYTES + TOPS_AT + slot] = low >>> 24;
  if (id >= 2 ** 32) chunk.highs ??= new Uint8Array(CHUNK_SLOTS);
  if (chunk.highs !== null) chunk.highs[line * LINE_SLOTS + slot] = Math.floor(id / 2 ** 32);
}

export function clearLine(chunk: SlotChunk, line: number): void {
  chunk.words.fill(0, line * LINE_WORDS, line * LINE_WORDS + LINE_SLOTS);
}

export function copyLine(from: SlotChunk, line: number, to: SlotChunk, into: number): void {
  to.bytes.set(from.bytes.subarray(line * LINE_BYTES, (line + 1) * LINE_BYTES), into * LINE_BYTES);
  if (from.highs !== null) to.highs ??= new Uint8Array(CHUNK_SLOTS);
  for (let slot = 0; slot < LINE_SLOTS && to.highs !== null; slot++) {
    to.highs[into * LINE_SLOTS + slot] = from.highs?.[line * LINE_SLOTS + slot] ?? 0;
  }
}
