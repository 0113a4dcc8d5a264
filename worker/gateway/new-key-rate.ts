// How fast unknown keys may enter the enrolment inbox from one address: a bucket of tokens per address, refilled steadily. Known keys
// do not count, because a whole classroom behind one address asks every few seconds until it is approved.
//
// Together with the inbox's own bound (lib/db/nodes.ts) this keeps a stranger with many keys from filling the database or from crowding
// out the PCs that wait.
import { isIPv6 } from "node:net";

/** A large classroom that is switched on at once. */
const NEW_KEYS_AT_ONCE_MAX = 200;
const NEW_KEYS_PER_MINUTE = 60;
/** Beyond this many addresses the fullest buckets are forgotten first: those lose the least by it. */
const ADDRESSES_MAX = 10_000;

interface Bucket {
  tokens: number;
  atMs: number;
}

export class NewKeyRate {
  readonly #buckets = new Map<string, Bucket>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** False when this address has sent too many unknown keys lately. */
  take(address: string): boolean {
    const atMs = this.#nowMs();
    const source = sourceOf(address);
    const tokens = this.#tokensAt(source, atMs);
    if (tokens < 1) return false;
    if (!this.#buckets.has(source) && this.#buckets.size >= ADDRESSES_MAX) this.#forgetFullest(atMs);
    this.#buckets.set(source, { tokens: tokens - 1, atMs });
    return true;
  }

  get addressCount(): number {
    return this.#buckets.size;
  }

  #tokensAt(source: string, atMs: number): number {
    const bucket = this.#buckets.get(source);
    if (bucket === undefined) return NEW_KEYS_AT_ONCE_MAX;
    const refilled = bucket.tokens + ((atMs - bucket.atMs) / 60_000) * NEW_KEYS_PER_MINUTE;
    return Math.min(NEW_KEYS_AT_ONCE_MAX, refilled);
  }

  /** A tenth at a time, so that a flood from many addresses does not sort the list at each of them. */
  #forgetFullest(atMs: number): void {
    const byTokens = [...this.#buckets.keys()].sort(
      (left, right) => this.#tokensAt(right, atMs) - this.#tokensAt(left, atMs),
    );
    for (const source of byTokens.slice(0, ADDRESSES_MAX / 10)) this.#buckets.delete(source);
  }
}

/** IPv4 as it is; of IPv6 the first half, because one network owns all addresses that share it. */
function sourceOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  return isIPv6(address) ? firstHalf(address) : address;
}

function firstHalf(address: string): string {
  const [head = "", tail] = (address.split("%")[0] ?? "").split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  const groups = [...left, ...Array.from({ length: zeros }, () => "0"), ...right];
  return groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, "").toLowerCase())
    .join(":");
}
