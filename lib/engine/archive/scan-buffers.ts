// ScanBuffers lends the memory pages are scanned in, and so bounds what all archives together hold at a time.
import { newScanBuffer, type ScanBuffer } from "../threads/workers.ts";

/** 12 batches of 2 MiB. */
const BUFFERS_MAX = 12;

export class ScanBuffers {
  readonly #blockSize: number;
  readonly #free: ScanBuffer[] = [];
  #made = 0;
  readonly #waiting: ((buffer: ScanBuffer) => void)[] = [];

  constructor(blockSize: number) {
    this.#blockSize = blockSize;
  }

  /** A buffer if one is to be had at once. Whoever holds one already asks this way, or two could wait for ever. */
  takeNow(): ScanBuffer | null {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#made >= BUFFERS_MAX) return null;
    this.#made += 1;
    return newScanBuffer(this.#blockSize);
  }

  /** Waits for a buffer; only for those who hold none. */
  async take(): Promise<ScanBuffer> {
    return this.takeNow() ?? new Promise<ScanBuffer>((resolve) => this.#waiting.push(resolve));
  }

  giveBack(buffer: ScanBuffer): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free.push(buffer);
    else next(buffer);
  }
}
