// When silence means anything. A worker or an agent counts as gone when its heartbeat is old; but heartbeats also grow old while
// the database is away, while this process is stopped (a suspended machine), and when the clock is set. After any of those
// everybody first gets the time to be heard again.

export class SilenceTrust {
  readonly #sweepEveryMs: number;
  #lastSweepMs: number;
  #trustedSinceMs: number;

  /** A start is such a moment, too: nobody could be heard before. */
  constructor(nowMs: number, sweepEveryMs: number) {
    this.#sweepEveryMs = sweepEveryMs;
    this.#lastSweepMs = nowMs;
    this.#trustedSinceMs = nowMs;
  }

  /** Call as each sweep begins, by the clock that heartbeats are written with. */
  sweepBegins(nowMs: number): void {
    const passedMs = nowMs - this.#lastSweepMs;
    this.#lastSweepMs = nowMs;
    if (passedMs < 0 || passedMs > LATE_SWEEPS * this.#sweepEveryMs) this.#trustedSinceMs = nowMs;
  }

  /** Call when the database did not answer. */
  broken(nowMs: number): void {
    this.#trustedSinceMs = nowMs;
  }

  /** Whether somebody silent for `silentMs` is gone, and not just unheard because of us. */
  covers(silentMs: number, nowMs: number): boolean {
    return nowMs - this.#trustedSinceMs >= silentMs;
  }
}

/** A sweep itself may take a while; one that comes later than this many intervals was held up. */
const LATE_SWEEPS = 5;
