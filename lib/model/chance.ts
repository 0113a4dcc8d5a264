// Chance is all the luck a simulation has: one seed decides everything, so that a seed replays a failure.
import type { Random } from "./clock.ts";

export class Chance implements Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
    // Neighbouring seeds start alike; a few rounds part them.
    for (let round = 0; round < 8; round++) this.float();
  }

  /** 0 ≤ x < 1. The generator is mulberry32: small, fast, and good enough to play with. */
  float(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number, both ends included. */
  between(lowest: number, highest: number): number {
    return lowest + Math.floor(this.float() * (highest - lowest + 1));
  }

  /** Like between, but as likely near 10 as near 1000: small cases hide most mistakes. */
  smallBetween(lowest: number, highest: number): number {
    return Math.min(highest, Math.floor(lowest * (highest / lowest) ** this.float()));
  }

  happens(probability: number): boolean {
    return this.float() < probability;
  }

  pick<Item>(items: readonly Item[]): Item {
    if (items.length === 0) throw new Error("Bug: nothing to pick from");
    return items[Math.floor(this.float() * items.length)] as Item;
  }

  shuffled<Item>(items: Iterable<Item>): Item[] {
    const keyed = [...items].map((item) => ({ item, key: this.float() }));
    return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item);
  }

  bytes(count: number): Uint8Array {
    const words = new Uint32Array(Math.ceil(count / 4));
    // xorshift32, because a float a byte is too slow for megabytes.
    let state = this.between(1, 0xffffffff);
    for (let index = 0; index < words.length; index++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      words[index] = state;
    }
    return new Uint8Array(words.buffer, 0, count);
  }

  /** Bytes that compress a little, as files do. */
  text(count: number): Uint8Array {
    const bytes = this.bytes(count);
    for (let index = 0; index < count; index++) bytes[index] = 0x61 + ((bytes[index] as number) & 15);
    return bytes;
  }
}
