// DigestColumns keeps the digest columns of recently used packs in memory, so that a deduplication hit can be
// confirmed against the full digest. Bounded by bytes; the least recently used column goes first.

/** Two dozen columns of full packs of 4 KiB blocks that compressed to half; three of the longest there are. */
const COLUMN_BYTES_MAX = 24 * 1024 * 1024;

export class DigestColumns {
  /** A Map keeps insertion order: the first key is the least recently used one. */
  readonly #columns = new Map<number, Uint8Array>();
  #bytes = 0;

  get(packIndex: number): Uint8Array | undefined {
    const column = this.#columns.get(packIndex);
    if (column !== undefined) this.#touch(packIndex, column);
    return column;
  }

  put(packIndex: number, digests: Uint8Array): void {
    if (this.#columns.has(packIndex)) return;
    this.#columns.set(packIndex, digests);
    this.#bytes += digests.length;
    for (const [oldest, column] of this.#columns) {
      if (this.#bytes <= COLUMN_BYTES_MAX || oldest === packIndex) break;
      this.#columns.delete(oldest);
      this.#bytes -= column.length;
    }
  }

  drop(packIndex: number): void {
    this.#bytes -= this.#columns.get(packIndex)?.length ?? 0;
    this.#columns.delete(packIndex);
  }

  /** Moving a key to the end costs a delete and an insert; not worth it when few columns are held. */
  #touch(packIndex: number, column: Uint8Array): void {
    if (this.#bytes < COLUMN_BYTES_MAX / 2) return;
    this.#columns.delete(packIndex);
    this.#columns.set(packIndex, column);
  }
}
