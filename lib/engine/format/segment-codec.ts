// How a segment's raw bytes become its payload and back. Pure; runs in worker threads and in the caller's.
//
// A segment is decoded and compared before anyone writes it: bad memory or an encoder's bug must not become a
// block with a good name, which deduplication would spread to every later snapshot.
import { constants, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { assert } from "#lib/model/assert.ts";
import { type Compression, USUAL_COMPRESSION } from "#lib/model/compression.ts";
import { hashPage, sameHash } from "#lib/page/page.ts";
import { seal, unseal } from "../encryption/aead.ts";
import { freeMemory } from "../free-memory.ts";
import { ensure, FormatError } from "./bytes.ts";
import {
  CODEC_GZIP,
  CODEC_RAW,
  CODEC_ZSTD,
  frameOf,
  type PackIdentity,
  SEGMENT_RAW_BYTES_MAX,
  type SegmentClaim,
  type SegmentHeader,
  sealBytesOf,
  segmentContext,
} from "./pack-format.ts";

export interface EncodedSegment {
  readonly codec: number;
  readonly payload: Uint8Array;
  readonly payloadHash: Uint8Array;
}

/** How a segment is sealed, in an encrypted repository: where it belongs, and bytes never used before. */
export interface Sealing {
  readonly pack: PackIdentity;
  readonly firstId: number;
  readonly count: number;
  readonly nonce: Uint8Array;
}

/** One output buffer for the whole result: collecting it from small ones costs a third of the speed. */
const OUTPUT_ROOM_BYTES = 4096;
/** Compression must save 3 %, or the segment is stored raw and read without work. */
const WORTHWHILE_SHARE = 0.97;

export function encodeSegment(
  raw: Uint8Array,
  compression: Compression = USUAL_COMPRESSION,
  sealing: Sealing | null = null,
): EncodedSegment {
  const { codec, bytes } = compressedOrRaw(raw, compression);
  const payload = sealing === null ? bytes : sealed(bytes, codec, raw.length, sealing);
  return { codec, payload, payloadHash: hashPage(payload) };
}

function compressedOrRaw(
  raw: Uint8Array,
  compression: Compression,
): { readonly codec: number; readonly bytes: Uint8Array } {
  const compressed = compress(raw, compression);
  if (compressed.length > raw.length * WORTHWHILE_SHARE) {
    if (compressed !== raw) freeMemory(compressed);
    return { codec: CODEC_RAW, bytes: raw };
  }
  const codec = compression.codec === "gzip" ? CODEC_GZIP : CODEC_ZSTD;
  const decoded = decompress(codec, compressed, raw.length);
  assert(
    sameHash(decoded, raw),
    `${compression.codec} did not give back what it was given; the memory of this computer may be bad`,
  );
  freeMemory(decoded);
  return { codec, bytes: compressed };
}

function sealed(bytes: Uint8Array, codec: number, rawBytes: number, sealing: Sealing): Uint8Array {
  const { pack, firstId, count, nonce } = sealing;
  const { keys } = pack;
  assert(keys !== null, "a segment to be sealed without a key");
  const encodedBytes = bytes.length + sealBytesOf(pack);
  const context = segmentContext(pack, { codec, firstId, count, rawBytes, encodedBytes });
  return seal(bytes, { key: keys.segments, nonce, context });
}

function compress(raw: Uint8Array, { codec, level }: Compression): Uint8Array {
  const chunkSize = raw.length + OUTPUT_ROOM_BYTES;
  if (codec === "zstd") {
    return zstdCompressSync(raw, { params: zstdParameters(level), chunkSize });
  }
  return codec === "gzip" ? gzipSync(raw, { level, chunkSize }) : raw;
}

/** Level 3, what nearly everything is compressed with, is given smaller tables, which stay in the processor's cache, and
 *  longer matches to begin with: an eighth faster for one percent (ADR 0023). The other levels are zstd's own. */
function zstdParameters(level: number): Record<number, number> {
  const parameters = { [constants.ZSTD_c_compressionLevel]: level };
  if (level !== 3) return parameters;
  return {
    ...parameters,
    [constants.ZSTD_c_hashLog]: 16,
    [constants.ZSTD_c_chainLog]: 15,
    [constants.ZSTD_c_minMatch]: 5,
  };
}

/** Everything in the frame that holds the claimed blocks, checked and decoded. `bytes` are as they lie in the pack. */
export function decodeFrame(pack: PackIdentity, claim: SegmentClaim, bytes: Uint8Array): Uint8Array {
  const { header, payload } = frameOf(pack, claim, bytes);
  return decodeSegment(pack, header, payload);
}

/** The claimed blocks alone. */
export function decodeBlocks(pack: PackIdentity, claim: SegmentClaim, bytes: Uint8Array): Uint8Array {
  const raw = decodeFrame(pack, claim, bytes);
  return claim.isShared ? raw.slice(claim.rawStart, claim.rawStart + claim.rawBytes) : raw;
}

/** FormatError unless the payload decodes to exactly the claimed length, which the directory bounds. */
export function decodeSegment(pack: PackIdentity, segment: SegmentHeader, stored: Uint8Array): Uint8Array {
  const { keys } = pack;
  const payload = keys === null ? stored : unseal(stored, keys.segments, segmentContext(pack, segment));
  const raw = segment.codec === CODEC_RAW ? payload : decompress(segment.codec, payload, segment.rawBytes);
  ensure(
    raw.length === segment.rawBytes,
    `a segment decodes to ${raw.length} bytes instead of ${segment.rawBytes}`,
  );
  return raw;
}

/** A frame may ask for a window far larger than what it holds, 128 MiB of memory: as long as a segment is enough. */
const ZSTD_BOUNDS = { params: { [constants.ZSTD_d_windowLogMax]: Math.log2(SEGMENT_RAW_BYTES_MAX) } };

function decompress(codec: number, payload: Uint8Array, rawBytes: number): Uint8Array {
  const options = { maxOutputLength: rawBytes, chunkSize: rawBytes + OUTPUT_ROOM_BYTES };
  try {
    return codec === CODEC_GZIP
      ? gunzipSync(payload, options)
      : zstdDecompressSync(payload, { ...options, ...ZSTD_BOUNDS });
  } catch (error) {
    throw new FormatError(
      `a segment does not decode (${error instanceof Error ? error.message : String(error)})`,
    );
  }
}
