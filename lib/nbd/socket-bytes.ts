// SocketBytes reads exact numbers of bytes from a connection, and takes no more from it than were asked for (plus what
// one packet brought): a client that sends faster than we answer waits.
import type { Socket } from "node:net";

export class SocketBytes {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(socket: Socket) {
    this.#chunks = socket[Symbol.asyncIterator]();
  }

  /** Null when the client is gone before all of them. `count` must have been bounded by the caller. */
  async read(count: number): Promise<Buffer | null> {
    const parts: Buffer[] = [];
    let missing = count;
    while (missing > 0) {
      const part = await this.#take(missing);
      if (part === null) return null;
      parts.push(part);
      missing -= part.length;
    }
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
  }

  /** False when the client is gone before all of them. Keeps nothing. */
  async skip(count: number): Promise<boolean> {
    for (let missing = count; missing > 0; ) {
      const part = await this.#take(missing);
      if (part === null) return false;
      missing -= part.length;
    }
    return true;
  }

  async #take(countMax: number): Promise<Buffer | null> {
    if (this.#rest.length === 0) {
      // A broken connection is a client that is gone: nothing here can do better than to end.
      const next = await this.#chunks.next().catch(() => ({ done: true, value: undefined }) as const);
      if (next.done === true) return null;
      this.#rest = next.value;
    }
    const part = this.#rest.subarray(0, countMax);
    this.#rest = this.#rest.subarray(part.length);
    return part;
  }
}
