// How a segment's raw bytes become its payload and back. Pure; runs in worker threads and in the caller's.
//
// A segment is decoded and compared before anyone writes it: bad memory or an encoder's bug must not become a
// block with a good name, which deduplication would spread to every later snapshot.
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { assert } from "#lib/model/assert.ts";
import { hashPage, sameHash } from "#lib/page/page.ts";
import { ensure, FormatError } from "./bytes.ts";
import { CODEC_RAW, CODEC_ZSTD, type SegmentHeader } from "./pack-format.ts";

export interface EncodedSegment {
  readonly codec: number;
  readonly payload: Uint8Array;
  readonly payloadHash: Uint8Array;
}

const ZSTD_LEVEL = 3;
const ZSTD_PARAMS = { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL };
/** One output buffer for the whole result: collecting it from small ones costs a third of the speed. */
const OUTPUT_ROOM_BYTES = 4096;
/** Compression must save 3 %, or the segment is stored raw and read without work. */
const WORTHWHILE_SHARE = 0.97;

export function encodeSegment(raw: Uint8Array): EncodedSegment {
  const compressed = zstdCompressSync(raw, {
    params: ZSTD_PARAMS,
    chunkSize: raw.length + OUTPUT_ROOM_BYTES,
  });
  if (compressed.length > raw.length * WORTHWHILE_SHARE) {
    return { codec: CODEC_RAW, payload: raw, payloadHash: hashPage(raw) };
  }
  const decoded = decompress(compressed, raw.length);
  assert(
    sameHash(decoded, raw),
    "zstd did not give back what it was given; the memory of this computer may be bad",
  );
  return { codec: CODEC_ZSTD, payload: compressed, payloadHash: hashPage(compressed) };
}

/** FormatError unless the payload decodes to exactly the claimed length, which the directory bounds. */
export function decodeSegment(segment: SegmentHeader, payload: Uint8Array): Uint8Array {
  const raw = segment.codec === CODEC_RAW ? payload : decompress(payload, segment.rawBytes);
  ensure(
    raw.length === segment.rawBytes,
    `a segment decodes to ${raw.length} bytes instead of ${segment.rawBytes}`,
  );
  return raw;
}

function decompress(payload: Uint8Array, rawBytes: number): Uint8Array {
  try {
    return zstdDecompressSync(payload, {
      maxOutputLength: rawBytes,
      chunkSize: rawBytes + OUTPUT_ROOM_BYTES,
    });
  } catch (error) {
    throw new FormatError(
      `a segment does not decode (${error instanceof Error ? error.message : String(error)})`,
    );
  }
}
