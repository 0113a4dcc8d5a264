// Transmission is the second half of a connection: requests in, replies out, many under way, in any order.
//
// Bounded: requests and bytes under way per connection; whoever does not fetch its replies is not read from any more
// and delays nobody else. Only reading is served. A read that fails is an error for the client (EIO) and for the
// operator, never zeros.
import type { Socket } from "node:net";
import type { NbdDisk } from "./disk.ts";
import { type Agreement, ALLOCATION_CONTEXT_ID, BLOCK_SIZES } from "./negotiation.ts";
import type { SocketBytes } from "./socket-bytes.ts";
import {
  CHUNK,
  decodeRequest,
  encodeBlockStatus,
  encodeChunk,
  encodeErrorChunk,
  encodeHole,
  encodeOffset,
  encodeSimpleReply,
  NBD_ERROR,
  REQUEST_BYTES,
  REQUEST_FLAG,
  REQUEST_MAGIC,
  REQUEST_TYPE,
  type Request,
  STATE_HOLE_AND_ZERO,
} from "./wire.ts";

const REQUESTS_MAX = 128;
/** A single request may be as large; more wait until it is answered. */
const BYTES_MAX = BLOCK_SIZES.maximum;
const RUNS_MAX = 1024;
/** Zero ranges below this are sent as data: a frame and a look-up cost more. */
const HOLE_BYTES_MIN = 64 * 1024;

export class Transmission {
  readonly #socket: Socket;
  readonly #bytes: SocketBytes;
  readonly #disk: NbdDisk;
  readonly #agreement: Agreement;
  readonly #onReadError: (error: unknown) => void;
  readonly #underWay = new Set<Promise<void>>();
  #bytesUnderWay = 0;

  constructor(
    socket: Socket,
    bytes: SocketBytes,
    disk: NbdDisk,
    agreement: Agreement,
    onReadError: (error: unknown) => void,
  ) {
    this.#socket = socket;
    this.#bytes = bytes;
    this.#disk = disk;
    this.#agreement = agreement;
    this.#onReadError = onReadError;
  }

  /** Until the client leaves, or breaks the protocol. All reads have ended when this resolves. */
  async run(): Promise<void> {
    for (;;) {
      const bytes = await this.#bytes.read(REQUEST_BYTES);
      if (bytes === null) break;
      const request = decodeRequest(bytes);
      if (request.magic !== REQUEST_MAGIC || request.type === REQUEST_TYPE.disconnect) break;
      if (request.type === REQUEST_TYPE.write) {
        // Its data comes behind it and has to be passed over, to find the next request.
        if (request.lengthBytes > BLOCK_SIZES.maximum || !(await this.#bytes.skip(request.lengthBytes)))
          break;
      }
      await this.#room(request);
      this.#begin(request);
    }
    await Promise.allSettled(this.#underWay);
  }

  async #room(request: Request): Promise<void> {
    const needed = weightOf(request);
    while (
      this.#underWay.size >= REQUESTS_MAX ||
      (this.#underWay.size > 0 && this.#bytesUnderWay + needed > BYTES_MAX)
    ) {
      await Promise.race(this.#underWay);
    }
  }

  #begin(request: Request): void {
    const weight = weightOf(request);
    this.#bytesUnderWay += weight;
    const work = this.#answer(request).finally(() => {
      this.#underWay.delete(work);
      this.#bytesUnderWay -= weight;
    });
    this.#underWay.add(work);
  }

  async #answer(request: Request): Promise<void> {
    switch (request.type) {
      case REQUEST_TYPE.read:
        return this.#answerWith(request, () => this.#read(request));
      case REQUEST_TYPE.blockStatus:
        if (!this.#agreement.allocation) return this.#fail(request, NBD_ERROR.invalid);
        return this.#answerWith(request, () => this.#blockStatus(request));
      case REQUEST_TYPE.flush:
        return this.#send([this.#emptyReply(request)]);
      case REQUEST_TYPE.write:
      case REQUEST_TYPE.trim:
      case REQUEST_TYPE.writeZeroes:
        return this.#fail(request, NBD_ERROR.notPermitted);
      default:
        return this.#fail(request, NBD_ERROR.invalid);
    }
  }

  async #answerWith(request: Request, work: () => Promise<Uint8Array[]>): Promise<void> {
    const end = request.offsetBytes + BigInt(request.lengthBytes);
    const isInside = request.lengthBytes > 0 && end <= BigInt(this.#disk.sizeBytes);
    const isTooLong = request.type === REQUEST_TYPE.read && request.lengthBytes > BLOCK_SIZES.maximum;
    if (!isInside || isTooLong) return this.#fail(request, NBD_ERROR.invalid);
    let reply: Uint8Array[];
    try {
      reply = await work();
    } catch (error) {
      this.#onReadError(error);
      return this.#fail(request, NBD_ERROR.io);
    }
    return this.#send(reply);
  }

  async #read(request: Request): Promise<Uint8Array[]> {
    const offsetBytes = Number(request.offsetBytes);
    const { lengthBytes, cookie } = request;
    if (!this.#agreement.structured) {
      return [encodeSimpleReply(cookie, 0), await this.#data(offsetBytes, lengthBytes)];
    }
    const runs = await this.#runsToSend(request, offsetBytes);
    const parts: Uint8Array[] = [];
    let at = offsetBytes;
    for (const [index, run] of runs.entries()) {
      const common = { cookie, done: index === runs.length - 1 };
      if (run.zero) {
        parts.push(encodeChunk({ ...common, type: CHUNK.offsetHole, head: encodeHole(at, run.lengthBytes) }));
      } else {
        const head = encodeOffset(at);
        parts.push(encodeChunk({ ...common, type: CHUNK.offsetData, head, dataBytes: run.lengthBytes }));
        parts.push(await this.#data(at, run.lengthBytes));
      }
      at += run.lengthBytes;
    }
    return parts;
  }

  /** The whole range as data when the client wants one piece, or when looking for zeros does not pay. */
  async #runsToSend(request: Request, offsetBytes: number) {
    const { flags, lengthBytes } = request;
    const whole = [{ lengthBytes, zero: false }];
    if ((flags & REQUEST_FLAG.dontFragment) !== 0 || lengthBytes < HOLE_BYTES_MIN) return whole;
    const runs = await this.#disk.zeroRuns(offsetBytes, lengthBytes, RUNS_MAX);
    const coveredBytes = runs.reduce((sum, run) => sum + run.lengthBytes, 0);
    return coveredBytes === lengthBytes ? runs : whole;
  }

  async #data(offsetBytes: number, lengthBytes: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(lengthBytes);
    await this.#disk.read(offsetBytes, bytes);
    return bytes;
  }

  async #blockStatus({ cookie, flags, offsetBytes, lengthBytes }: Request): Promise<Uint8Array[]> {
    const runsMax = (flags & REQUEST_FLAG.requestOne) === 0 ? RUNS_MAX : 1;
    const runs = await this.#disk.zeroRuns(Number(offsetBytes), lengthBytes, runsMax);
    const states = runs.map((run) => ({
      lengthBytes: run.lengthBytes,
      state: run.zero ? STATE_HOLE_AND_ZERO : 0,
    }));
    const head = encodeBlockStatus(ALLOCATION_CONTEXT_ID, states);
    return [encodeChunk({ type: CHUNK.blockStatus, cookie, done: true, head })];
  }

  #emptyReply({ cookie }: Request): Buffer {
    if (!this.#agreement.structured) return encodeSimpleReply(cookie, 0);
    return encodeChunk({ type: CHUNK.none, cookie, done: true, head: new Uint8Array(0) });
  }

  #fail({ cookie }: Request, error: number): Promise<void> {
    if (!this.#agreement.structured) return this.#send([encodeSimpleReply(cookie, error)]);
    const head = encodeErrorChunk(error, "");
    return this.#send([encodeChunk({ type: CHUNK.error, cookie, done: true, head })]);
  }

  /** Parts of one reply stay together; resolves when they have left, or the client is gone. */
  #send(parts: readonly Uint8Array[]): Promise<void> {
    if (!this.#socket.writable) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#socket.cork();
    for (const part of parts.slice(0, -1)) this.#socket.write(part);
    this.#socket.write(parts.at(-1) ?? new Uint8Array(0), () => resolve());
    this.#socket.uncork();
    return promise;
  }
}

/** Bytes of memory a request may take while it is under way. */
function weightOf({ type, lengthBytes }: Request): number {
  return type === REQUEST_TYPE.read ? Math.min(lengthBytes, BYTES_MAX) : 0;
}
