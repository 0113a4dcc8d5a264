// Which PCs hold others up because their line is slow. Pages that wait for a PC say little: where all lines are equally fast,
// a few always do. A line is slow when pages wait for it without a break and it brings clearly less than another PC's does.
// The PC next to the gateway has nobody to be compared with, since all behind it get what it gets: it is measured against
// what its line should bring, and tried elsewhere once.
/** Pages wait for that long, and so long is measured. */
export const SLOW_AFTER_MS = 10_000;
/** Of the fastest line. */
const SLOW_SHARE = 0.8;
/** Of what the first line should bring. */
const FIRST_SLOW_SHARE = 0.5;
/** PCs next to the gateway that are moved in vain, at most: then it is not their line that is slow. */
const FIRST_TRIES_MAX = 3;

interface Sample {
  readonly at: number;
  readonly receivedBytes: number;
}

interface Line {
  samples: Sample[];
  waitsSince: number | null;
}

export class SlowLines {
  readonly #lines = new Map<string, Line>();
  readonly #tried = new Set<string>();

  heard(
    { nodeId, receivedBytes }: { readonly nodeId: string; readonly receivedBytes: number },
    now: number,
  ): void {
    const line = this.#lineOf(nodeId);
    const last = line.samples.at(-1);
    // Its process began anew.
    if (last !== undefined && receivedBytes < last.receivedBytes) line.samples = [];
    line.samples.push({ at: now, receivedBytes });
    const [, second] = line.samples;
    if (second !== undefined && now - second.at >= SLOW_AFTER_MS) line.samples.shift();
  }

  /** Whether pages wait for it that its line does not take. */
  waits(nodeId: string, isWaiting: boolean, now: number): void {
    const line = this.#lineOf(nodeId);
    if (isWaiting) line.waitsSince ??= now;
    else line.waitsSince = null;
  }

  forget(nodeId: string): void {
    this.#lines.delete(nodeId);
  }

  isSlow(nodeId: string, now: number): boolean {
    const rate = this.#rateOfWaiting(nodeId, now);
    if (rate === null) return false;
    const fastest = Math.max(0, ...[...this.#lines.values()].map((line) => rateOf(line) ?? 0));
    return rate < SLOW_SHARE * fastest;
  }

  /** Of a PC next to the gateway, whose line should bring `expected` bytes a millisecond. Each is said to be slow once. */
  isFirstSlow(nodeId: string, expected: number, now: number): boolean {
    if (this.#tried.has(nodeId) || this.#tried.size >= FIRST_TRIES_MAX) return false;
    const rate = this.#rateOfWaiting(nodeId, now);
    if (rate === null || rate >= FIRST_SLOW_SHARE * expected) return false;
    this.#tried.add(nodeId);
    return true;
  }

  #rateOfWaiting(nodeId: string, now: number): number | null {
    const line = this.#lines.get(nodeId);
    if (line?.waitsSince == null || now - line.waitsSince < SLOW_AFTER_MS) return null;
    return rateOf(line);
  }

  #lineOf(nodeId: string): Line {
    const known = this.#lines.get(nodeId);
    if (known !== undefined) return known;
    const line: Line = { samples: [], waitsSince: null };
    this.#lines.set(nodeId, line);
    return line;
  }
}

/** Bytes a millisecond over the samples; null while they say little. */
function rateOf({ samples }: Line): number | null {
  const [first] = samples;
  const last = samples.at(-1);
  if (first === undefined || last === undefined || last.at - first.at < SLOW_AFTER_MS / 2) return null;
  return (last.receivedBytes - first.receivedBytes) / (last.at - first.at);
}
