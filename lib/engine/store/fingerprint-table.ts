// FingerprintTable answers "which id may have this digest?" in ten bytes a slot.
//
// It keeps 40 bits of each digest and a 40-bit id in open addressing, so a hit is a candidate only: the caller
// confirms it against the full digest in a pack footer. A wrong or stale entry therefore costs time, never data,
// and the table may be thrown away at any moment. At its bound it does not fail but keeps a sample. Slots are ordered by digest, not by a power-of-two mask, so it
// grows by half instead of doubling, and needs no digests to do so.
import { assert } from "#lib/model/assert.ts";

const SLOT_COUNT_MIN = 256;
const LOAD_MAX = 0.8;
const GROWTH = 1.5;
/** 2 GiB of slots, 170 million blocks: from there on the table keeps a sample. */
const SLOT_COUNT_MAX = Math.floor(2 ** 31 / 10);
/** One digest in 32 is kept then. Neighbours of a hit are found by their ids, so little is stored twice. */
const SAMPLE = 32;
const HASH_SPAN = 2 ** 40;
/** Ids are stored plus one in 40 bits; zero marks a free slot. */
const ID_SPAN = 2 ** 40;

/** The columns of the table, for the index cache. */
export interface TableColumns {
  readonly count: number;
  readonly tags: Uint32Array;
  readonly tagsExtra: Uint8Array;
  readonly idsLow: Uint32Array;
  readonly idsHigh: Uint8Array;
}

export class FingerprintTable {
  readonly #slotCountMax: number;
  #sampling = false;
  #count = 0;
  #slotCount = 0;
  #tags: Uint32Array = new Uint32Array(0);
  #tagsExtra: Uint8Array = new Uint8Array(0);
  #idsLow: Uint32Array = new Uint32Array(0);
  #idsHigh: Uint8Array = new Uint8Array(0);

  constructor(slotCountMax = SLOT_COUNT_MAX) {
    this.#slotCountMax = slotCountMax;
    this.#allocate(SLOT_COUNT_MIN);
  }

  static fromColumns(columns: TableColumns): FingerprintTable {
    const table = new FingerprintTable();
    table.#count = columns.count;
    table.#slotCount = columns.tags.length;
    table.#tags = columns.tags;
    table.#tagsExtra = columns.tagsExtra;
    table.#idsLow = columns.idsLow;
    table.#idsHigh = columns.idsHigh;
    return table;
  }

  get columns(): TableColumns {
    return {
      count: this.#count,
      tags: this.#tags,
      tagsExtra: this.#tagsExtra,
      idsLow: this.#idsLow,
      idsHigh: this.#idsHigh,
    };
  }

  get count(): number {
    return this.#count;
  }

  /** Calls `confirm` with each candidate id until it answers true. False when none was confirmed. */
  probe(digests: Uint8Array, at: number, confirm: (id: number) => boolean): boolean {
    const tag = tagOf(digests, at);
    const extra = digests[at + 4] as number;
    let slot = this.#homeOf(tag, extra);
    for (;;) {
      const low = this.#idsLow[slot] as number;
      const high = this.#idsHigh[slot] as number;
      if (low === 0 && high === 0) return false;
      if (this.#tags[slot] === tag && this.#tagsExtra[slot] === extra) {
        if (confirm(high * 2 ** 32 + low - 1)) return true;
      }
      slot += 1;
      if (slot === this.#slotCount) slot = 0;
    }
  }

  /** The table is full and keeps one digest in 32. */
  get isSampling(): boolean {
    return this.#sampling;
  }

  /** Beyond 2^40 ids (4 PiB of 4 KiB blocks) new blocks are simply not findable. */
  insert(digests: Uint8Array, at: number, id: number): void {
    if (id + 1 >= ID_SPAN) return;
    if (this.#sampling && !isSampled(digests[at + 4] as number)) return;
    if (this.#count + 1 > this.#slotCount * LOAD_MAX) this.#makeRoom();
    if (this.#sampling && !isSampled(digests[at + 4] as number)) return;
    if (this.#count + 1 > this.#slotCount * LOAD_MAX) return; // Even the sample fills the table: it stays as it is.
    this.#place(tagOf(digests, at), digests[at + 4] as number, id + 1);
    this.#count += 1;
  }

  #place(tag: number, extra: number, idPlusOne: number): void {
    let slot = this.#homeOf(tag, extra);
    while (this.#idsLow[slot] !== 0 || this.#idsHigh[slot] !== 0) {
      slot += 1;
      if (slot === this.#slotCount) slot = 0;
    }
    this.#tags[slot] = tag;
    this.#tagsExtra[slot] = extra;
    this.#idsLow[slot] = idPlusOne % 2 ** 32;
    this.#idsHigh[slot] = Math.floor(idPlusOne / 2 ** 32);
  }

  #homeOf(tag: number, extra: number): number {
    return Math.floor(((tag * 256 + extra) / HASH_SPAN) * this.#slotCount);
  }

  #allocate(slotCount: number): void {
    this.#slotCount = slotCount;
    this.#tags = new Uint32Array(slotCount);
    this.#tagsExtra = new Uint8Array(slotCount);
    this.#idsLow = new Uint32Array(slotCount);
    this.#idsHigh = new Uint8Array(slotCount);
  }

  /** Grows while it may; after that forgets all but the sample, once. */
  #makeRoom(): void {
    if (this.#sampling) return;
    const old = this.columns;
    this.#sampling = this.#slotCount >= this.#slotCountMax;
    this.#allocate(Math.min(this.#slotCountMax, Math.ceil(this.#slotCount * GROWTH)));
    this.#count = 0;
    for (let slot = 0; slot < old.tags.length; slot++) {
      const idPlusOne = (old.idsHigh[slot] as number) * 2 ** 32 + (old.idsLow[slot] as number);
      const extra = old.tagsExtra[slot] as number;
      if (idPlusOne === 0 || (this.#sampling && !isSampled(extra))) continue;
      this.#place(old.tags[slot] as number, extra, idPlusOne);
      this.#count += 1;
    }
    assert(this.#count < this.#slotCount, "a full fingerprint table would never end a probe");
  }
}

function isSampled(extra: number): boolean {
  return extra % SAMPLE === 0;
}

function tagOf(digests: Uint8Array, at: number): number {
  return (
    (digests[at] as number) * 0x1000000 +
    ((digests[at + 1] as number) << 16) +
    ((digests[at + 2] as number) << 8) +
    (digests[at + 3] as number)
  );
}
