// StreamSource lets the engine archive from a stream (stdin, a decompressor) of a size said beforehand.
//
// An archive reads forward, each byte once (ByteSource in lib/engine/types.ts); that is all a stream can give. A
// stream that ends early, goes on too long or breaks is an error, never zeros, and the caller commits nothing.
import type { ByteSource } from "#lib/engine/repository.ts";
import { CodedError } from "#lib/model/errors.ts";

export class StreamSource implements ByteSource {
  readonly sizeBytes: number;
  readonly #name: string;
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);
  #doneBytes = 0;
  /** Reads are served in the order they were asked for; after a failure all fail. */
  #turn: Promise<void> = Promise.resolve();

  constructor(name: string, sizeBytes: number, chunks: AsyncIterable<Uint8Array>) {
    this.#name = name;
    this.sizeBytes = sizeBytes;
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  read(offsetBytes: number, into: Uint8Array): Promise<void> {
    const turn = this.#turn.then(() => this.#fill(offsetBytes, into));
    this.#turn = turn;
    turn.catch(() => undefined); // The caller gets it.
    return turn;
  }

  /** To be called before the commit: the stream must end exactly here, its checksum (if it has one) agreeing. */
  async checkEnd(): Promise<void> {
    await this.#turn;
    if (await this.#more())
      throw new CodedError("source-changed-size", `${this.#name} goes on after ${this.sizeBytes} bytes.`, {
        hint: "Give the size of the whole image with --size. Nothing was committed.",
      });
  }

  async #fill(offsetBytes: number, into: Uint8Array): Promise<void> {
    if (offsetBytes !== this.#doneBytes)
      throw new Error(`Bug: byte ${offsetBytes} of a stream was asked for at byte ${this.#doneBytes}.`);
    for (let at = 0; at < into.length; ) {
      if (!(await this.#more())) throw this.#endsEarly();
      const length = Math.min(this.#rest.length, into.length - at);
      into.set(this.#rest.subarray(0, length), at);
      this.#rest = this.#rest.subarray(length);
      this.#doneBytes += length;
      at += length;
    }
  }

  /** True when there are bytes in `#rest`, fetched if need be. */
  async #more(): Promise<boolean> {
    while (this.#rest.length === 0) {
      const next = await this.#chunks.next().catch((error: unknown) => {
        throw streamBroken(this.#name, this.#doneBytes, error);
      });
      if (next.done === true) return false;
      this.#rest = next.value;
    }
    return true;
  }

  #endsEarly(): CodedError {
    return new CodedError(
      "source-changed-size",
      `${this.#name} ends at byte ${this.#doneBytes} instead of ${this.sizeBytes}.`,
      { hint: "It was cut short, or --size is wrong. Nothing was committed." },
    );
  }
}

/** The length of a stream, found by reading it all. */
export async function lengthOf(name: string, chunks: AsyncIterable<Uint8Array>): Promise<number> {
  let lengthBytes = 0;
  try {
    for await (const chunk of chunks) lengthBytes += chunk.length;
  } catch (error) {
    throw streamBroken(name, lengthBytes, error);
  }
  return lengthBytes;
}

function streamBroken(name: string, atBytes: number, cause: unknown): CodedError {
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new CodedError(
    "source-read-failed",
    `${name} is damaged or cut short behind byte ${atBytes}: ${detail}.`,
    {
      hint: "Take another copy of it and import again. Nothing was committed.",
      cause,
    },
  );
}
