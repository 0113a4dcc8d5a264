// ByteWriter and ByteReader: the few number encodings of the repository format, for files whose content may be
// hostile. A reader never reads past its end: it throws FormatError, which the caller turns into a CodedError
// that names the file.

/** Bytes do not have the form they claim. Carries no file name; whoever knows it adds it. */
export class FormatError extends Error {
  override readonly name = "FormatError";
}

export function ensure(claim: boolean, message: string): asserts claim {
  if (!claim) throw new FormatError(message);
}

const VARINT_BYTES_MAX = 8;

export class ByteWriter {
  #bytes = Buffer.allocUnsafe(1024);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  u8(value: number): void {
    this.#room(1);
    this.#bytes[this.#length++] = value;
  }

  u16(value: number): void {
    this.#room(2);
    this.#length = this.#bytes.writeUInt16LE(value, this.#length);
  }

  u32(value: number): void {
    this.#room(4);
    this.#length = this.#bytes.writeUInt32LE(value, this.#length);
  }

  u48(value: number): void {
    this.#room(6);
    this.#length = this.#bytes.writeUIntLE(value, this.#length, 6);
  }

  bytes(value: Uint8Array): void {
    this.#room(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  /** Seven bits a byte, low group first. Division, not shifts: ids go beyond 32 bits. */
  varint(value: number): void {
    this.#room(VARINT_BYTES_MAX);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest % 0x80) + 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#length++] = rest;
  }

  signedVarint(value: number): void {
    this.varint(value >= 0 ? 2 * value : -2 * value - 1);
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return new Uint8Array(this.#bytes.subarray(0, this.#length));
  }

  #room(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#bytes.length));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

export class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  u8(): number {
    return this.#bytes.readUInt8(this.#take(1));
  }

  u16(): number {
    return this.#bytes.readUInt16LE(this.#take(2));
  }

  u32(): number {
    return this.#bytes.readUInt32LE(this.#take(4));
  }

  u48(): number {
    return this.#bytes.readUIntLE(this.#take(6), 6);
  }

  u64(): number {
    const value = Number(this.#bytes.readBigUInt64LE(this.#take(8)));
    ensure(Number.isSafeInteger(value), "a 64-bit number is too large");
    return value;
  }

  /** A view, not a copy. */
  bytes(count: number): Uint8Array {
    const from = this.#take(count);
    return this.#bytes.subarray(from, from + count);
  }

  text(count: number): string {
    return Buffer.from(this.bytes(count)).toString("latin1");
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (let index = 0; index < VARINT_BYTES_MAX; index++) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        ensure(Number.isSafeInteger(value), "a varint is too large");
        return value;
      }
      scale *= 0x80;
    }
    throw new FormatError("a varint does not end");
  }

  signedVarint(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  end(): void {
    ensure(this.left === 0, `${this.left} bytes too many`);
  }

  #take(count: number): number {
    ensure(count <= this.left, `needs ${count} more bytes, has ${this.left}`);
    const from = this.#at;
    this.#at += count;
    return from;
  }
}

export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
}

export function bytesOfHex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, "hex"));
}
