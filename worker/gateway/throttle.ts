// How fast pages may leave the server, all chains and restores together. The limit may change at any moment, also for what waits.
import { setTimeout as delay } from "node:timers/promises";

/** What may go at once after a pause. */
const BURST_MS = 50;
/** Whoever waits looks at the limit again after this long at the latest. */
const LOOK_MS = 250;

export class Throttle {
  /** Bytes a millisecond; null: no limit. */
  #rate: number | null = null;
  /** Bytes that may go now; negative: debt of what went last. */
  #credit = 0;
  #countedAt = performance.now();
  #turn: Promise<void> = Promise.resolve();

  get rate(): number | null {
    return this.#rate;
  }

  setLimit(mbit: number | null): void {
    this.#count();
    this.#rate = mbit === null ? null : (mbit * 1e6) / 8 / 1000;
    this.#credit = Math.min(0, this.#credit);
  }

  /** Resolves when so many bytes may go; in the order of the calls. */
  take(sizeBytes: number): Promise<void> {
    if (this.#rate === null) return Promise.resolve();
    this.#turn = this.#turn.then(() => this.#wait(sizeBytes));
    return this.#turn;
  }

  async #wait(sizeBytes: number): Promise<void> {
    for (;;) {
      if (this.#rate === null) return;
      this.#count();
      if (this.#credit >= 0) break;
      await delay(Math.min(LOOK_MS, Math.ceil(-this.#credit / this.#rate)));
    }
    this.#credit -= sizeBytes;
  }

  #count(): void {
    const now = performance.now();
    const rate = this.#rate ?? 0;
    this.#credit = Math.min(rate * BURST_MS, this.#credit + rate * (now - this.#countedAt));
    this.#countedAt = now;
  }
}
