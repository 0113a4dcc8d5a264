// Which stretches of an NTFS volume belong to compressed files. Windows reads what lies there through a decompressor: bytes replaced in
// it are damage. Some of it lies there as it is, when it could not be made smaller, but which is nowhere said in one place.
import type { NtfsRecord, Stretch } from "./ntfs-records.ts";

const ATTRIBUTE_DATA = 0x80;
const COMPRESSED = 0x00ff;
const STRETCHES_MAX = 1_000_000;

export class CompressedStretches {
  readonly #stretches: Stretch[] = [];
  #isFull = false;

  take({ attributes }: NtfsRecord): void {
    for (const { kind, flags, stretches } of attributes) {
      if (kind !== ATTRIBUTE_DATA || (flags & COMPRESSED) === 0) continue;
      if (this.#stretches.length + stretches.length > STRETCHES_MAX) this.#isFull = true;
      else this.#stretches.push(...stretches);
    }
  }

  /** Whether any byte of it lies in a compressed file. When there are more of them than can be remembered, it might. */
  meets({
    offsetBytes,
    lengthBytes,
  }: {
    readonly offsetBytes: number;
    readonly lengthBytes: number;
  }): boolean {
    const end = offsetBytes + lengthBytes;
    return (
      this.#isFull ||
      this.#stretches.some((stretch) => stretch.offsetBytes < end && offsetBytes < stretch.endBytes)
    );
  }
}
