// Foreground is what somebody waits for: archives and restores. Upkeep asks here between small pieces of its work, and rests
// while any of that is under way.
//
// Only work in flight counts, not open sessions: an agent that stalls holds nobody up. And upkeep never starves: beside
// foreground work that does not end it gets on, at a small share of the time.
import { setTimeout as pauseFor } from "node:timers/promises";

/** How upkeep tells time and rests; tests and the simulation bring their own. */
export interface Pacing {
  nowMs(): number;
  pause(ms: number): Promise<void>;
}

export const realPacing: Pacing = {
  nowMs: () => performance.now(),
  pause: async (ms) => {
    await pauseFor(ms);
  },
};

/** Without threads all work is done in the order in which it is asked for: time never passes, and nobody rests. */
export const noPacing: Pacing = {
  nowMs: () => 0,
  pause: async () => undefined,
};

/** Less than this is not worth asking about. */
const PIECE_MS = 5;
/** A fortieth of the time for each upkeep that runs: GC and scrub together stay at 5 %. */
const REST_PER_WORK = 39;
/** A piece that had to wait for the disk does not make upkeep wait for minutes. */
const REST_MS_MAX = 1000;
/** How soon upkeep notices that it may go on, or was told to stop. */
const LOOK_EVERY_MS = 50;
/** An agent sends page after page: between two of them the foreground is not idle. */
const LINGER_MS = 200;

export class Foreground {
  readonly pacing: Pacing;
  #inFlight = 0;
  #leftMs = Number.NEGATIVE_INFINITY;

  constructor(pacing: Pacing) {
    this.pacing = pacing;
  }

  get isBusy(): boolean {
    return this.#inFlight > 0 || this.pacing.nowMs() - this.#leftMs < LINGER_MS;
  }

  async during<Value>(work: () => Promise<Value>): Promise<Value> {
    this.#inFlight += 1;
    try {
      return await work();
    } finally {
      this.#inFlight -= 1;
      this.#leftMs = this.pacing.nowMs();
    }
  }

  /** For one run of upkeep. `check` is called while it rests, and may throw to end it. */
  pace(check: () => void): Pace {
    return new Pace(this, check);
  }
}

export class Pace {
  readonly #foreground: Foreground;
  readonly #check: () => void;
  #sinceMs: number;

  constructor(foreground: Foreground, check: () => void) {
    this.#foreground = foreground;
    this.#check = check;
    this.#sinceMs = foreground.pacing.nowMs();
  }

  /** Asked between pieces of work: rests while there is foreground work, by how long the last piece took. */
  async turn(): Promise<void> {
    const { pacing } = this.#foreground;
    const workedMs = pacing.nowMs() - this.#sinceMs;
    if (workedMs < PIECE_MS) return;
    let restMs = Math.min(REST_MS_MAX, workedMs * REST_PER_WORK);
    while (restMs > 0 && this.#foreground.isBusy) {
      const ms = Math.min(restMs, LOOK_EVERY_MS);
      await pacing.pause(ms);
      restMs -= ms;
      this.#check();
    }
    this.#sinceMs = pacing.nowMs();
  }
}
