// Pages travel as frames: a fixed header of 68 bytes, then the payload. The same frames go up (archive) and down (restore).
//
//   offset  bytes
//        0      4  magic "SHPF"
//        4      1  version (1)
//        5      1  kind: 1 zstd, 2 raw, 3 fill
//        6      2  reserved, zero
//        8     16  image tag: which image of which snapshot (imageTag below)
//       24      4  page index, little-endian
//       28      4  length of the page, 1 … 262144
//       32      4  length of the payload
//       36     32  SHA-256 of the page
//       68      …  payload: a zstd frame, the page itself, or the one byte a fill page consists of
//
// The decoder trusts nothing: it holds at most one frame, checks every length before it keeps a byte, and decompression is
// bounded by the page's length. What it yields has been checked in form; the receiver still hashes the page.
import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { constants, zstdCompress, zstdDecompress } from "node:zlib";
import { CodedError } from "#lib/model/errors.ts";
import { PAGE_BYTES, PAGE_HASH_BYTES } from "#lib/page/page.ts";

const MAGIC = 0x46504853; // "SHPF", read little-endian
export const FRAME_VERSION = 1;
export const FRAME_HEADER_BYTES = 68;
export const IMAGE_TAG_BYTES = 16;
/** A frame is never longer: pages that zstd does not shrink travel raw. */
export const FRAME_BYTES_MAX = FRAME_HEADER_BYTES + PAGE_BYTES;

const KIND_ZSTD = 1;
const KIND_RAW = 2;
const KIND_FILL = 3;

// Level 1: on a busy PC of a classroom the network is rarely slower than zstd 1, and the engine compresses anew anyway.
const WIRE_LEVEL = 1;
/** A frame may ask for a window far larger than a page, 128 MiB of memory. */
const WINDOW_LOG_MAX = 20;
const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** Everything a frame says about its page, without the page's bytes. */
export interface FrameHeader {
  readonly imageTag: Uint8Array;
  readonly pageIndex: number;
  readonly lengthBytes: number;
  readonly contentHash: Uint8Array;
}

export interface Frame extends FrameHeader {
  /** The repeated byte of a fill frame, else null. */
  readonly fillByte: number | null;
  readonly kind: "zstd" | "raw" | "fill";
  /** As it travelled; `pageOf` makes the page of it. */
  readonly payload: Uint8Array;
}

/** Binds each frame to its image, so that a page can never land in another partition by a mixed-up stream. */
export function imageTag(snapshotId: string, diskSerial: string, partition: string): Uint8Array {
  const digest = createHash("sha256").update(`${snapshotId}/${diskSerial}/${partition}`).digest();
  return digest.subarray(0, IMAGE_TAG_BYTES);
}

/** A page as a frame: compressed when that saves at least 5 %. */
export async function encodePage(header: FrameHeader, page: Uint8Array): Promise<Buffer> {
  const packed = await compress(page, { params: { [constants.ZSTD_c_compressionLevel]: WIRE_LEVEL } });
  if (packed.length < page.length * 0.95) return assemble(KIND_ZSTD, header, packed);
  return assemble(KIND_RAW, header, page);
}

export function encodeFill(header: FrameHeader, fillByte: number): Buffer {
  return assemble(KIND_FILL, header, Uint8Array.of(fillByte));
}

function assemble(kind: number, header: FrameHeader, payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + payload.length);
  frame.writeUInt32LE(MAGIC, 0);
  frame.writeUInt8(FRAME_VERSION, 4);
  frame.writeUInt8(kind, 5);
  frame.writeUInt16LE(0, 6);
  frame.set(header.imageTag, 8);
  frame.writeUInt32LE(header.pageIndex, 24);
  frame.writeUInt32LE(header.lengthBytes, 28);
  frame.writeUInt32LE(payload.length, 32);
  frame.set(header.contentHash, 36);
  frame.set(payload, FRAME_HEADER_BYTES);
  return frame;
}

/** The page's bytes: decompressed, or the fill byte repeated. CodedError "protocol-violation" when it is not of its length. */
export async function pageOf(frame: Frame): Promise<Uint8Array> {
  if (frame.kind === "raw") return frame.payload;
  if (frame.fillByte !== null) return new Uint8Array(frame.lengthBytes).fill(frame.fillByte);
  let page: Uint8Array;
  try {
    page = await decompress(frame.payload, {
      maxOutputLength: frame.lengthBytes,
      params: { [constants.ZSTD_d_windowLogMax]: WINDOW_LOG_MAX },
    });
  } catch (cause) {
    throw violation(`The zstd payload of page ${frame.pageIndex} cannot be decompressed`, cause);
  }
  if (page.length !== frame.lengthBytes) {
    throw violation(`Page ${frame.pageIndex} has ${page.length} bytes instead of ${frame.lengthBytes}`);
  }
  return page;
}

/** One whole frame. "protocol-violation" when it is anything else. */
export function parseFrame(bytes: Buffer): Frame {
  const whole =
    bytes.length > FRAME_HEADER_BYTES && FRAME_HEADER_BYTES + checkedPayloadLength(bytes) === bytes.length;
  if (!whole) throw violation("A frame does not have the length it claims");
  return frameFrom(bytes);
}

/** Turns a byte stream, cut anywhere, into frames. Call `push` for each chunk and `end` once. */
export class FrameDecoder {
  #chunks: Uint8Array[] = [];
  #held = 0;
  #need = FRAME_HEADER_BYTES;

  push(chunk: Uint8Array): Frame[] {
    const frames: Frame[] = [];
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    while (this.#held >= this.#need) {
      const bytes = this.#joined();
      this.#need = FRAME_HEADER_BYTES + checkedPayloadLength(bytes);
      if (bytes.length < this.#need) break;
      frames.push(frameFrom(bytes.subarray(0, this.#need)));
      this.#chunks = [bytes.subarray(this.#need)];
      this.#held = bytes.length - this.#need;
      this.#need = FRAME_HEADER_BYTES;
    }
    return frames;
  }

  end(): void {
    if (this.#held > 0)
      throw violation(`The stream of pages ends within a frame, after ${this.#held} bytes of it`);
  }

  #joined(): Buffer {
    const first = this.#chunks[0];
    const bytes =
      this.#chunks.length === 1 && first !== undefined
        ? Buffer.from(first.buffer, first.byteOffset, first.byteLength)
        : Buffer.concat(this.#chunks);
    this.#chunks = [bytes];
    return bytes;
  }
}

/** Frames of a stream, one after another; the stream is read no faster than frames are taken. */
export async function* framesOf(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Frame> {
  const decoder = new FrameDecoder();
  for await (const chunk of stream) yield* decoder.push(chunk);
  decoder.end();
}

function checkedPayloadLength(bytes: Buffer): number {
  if (bytes.readUInt32LE(0) !== MAGIC) throw violation("A frame does not begin with SHPF");
  const version = bytes.readUInt8(4);
  if (version !== FRAME_VERSION)
    throw violation(`A frame has version ${version}; this side knows ${FRAME_VERSION}`);
  if (bytes.readUInt16LE(6) !== 0) throw violation("A frame has reserved bits set");
  const kind = bytes.readUInt8(5);
  const lengthBytes = bytes.readUInt32LE(28);
  const payloadBytes = bytes.readUInt32LE(32);
  if (lengthBytes < 1 || lengthBytes > PAGE_BYTES)
    throw violation(`A frame claims a page of ${lengthBytes} bytes`);
  const fits =
    (kind === KIND_ZSTD && payloadBytes > 0 && payloadBytes < lengthBytes) ||
    (kind === KIND_RAW && payloadBytes === lengthBytes) ||
    (kind === KIND_FILL && payloadBytes === 1);
  if (!fits) throw violation(`A frame of kind ${kind} claims a payload of ${payloadBytes} bytes`);
  return payloadBytes;
}

function frameFrom(bytes: Buffer): Frame {
  const kind = bytes.readUInt8(5);
  const payload = bytes.subarray(FRAME_HEADER_BYTES);
  return {
    imageTag: bytes.subarray(8, 8 + IMAGE_TAG_BYTES),
    pageIndex: bytes.readUInt32LE(24),
    lengthBytes: bytes.readUInt32LE(28),
    contentHash: bytes.subarray(36, 36 + PAGE_HASH_BYTES),
    kind: kind === KIND_ZSTD ? "zstd" : kind === KIND_RAW ? "raw" : "fill",
    fillByte: kind === KIND_FILL ? payload.readUInt8(0) : null,
    payload,
  };
}

function violation(what: string, cause?: unknown): CodedError {
  return new CodedError("protocol-violation", `${what}.`, {
    hint: "Check that agent and server are of versions that fit, and that nothing between them changes the traffic.",
    retry: "later",
    cause,
  });
}
