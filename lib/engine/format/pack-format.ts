// The byte layout of packs: header, segments, footer, trailer (docs/repository-format.md §4).
//
// Encoders write what decoders of any later version must read; decoders trust nothing and check every claimed
// size against the real one before anything of that size is allocated. They throw FormatError without a name.
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { PAGE_HASH_BYTES, sameHash } from "#lib/page/page.ts";
import { ByteReader, ByteWriter, bytesOfHex, ensure } from "./bytes.ts";
import { ID_MAX } from "./node-format.ts";
import type { PackKind } from "./snapshot-format.ts";

export const PACK_VERSION = 1;
export const HEADER_BYTES = 64;
export const SEGMENT_HEADER_BYTES = 32;
export const FOOTER_HEAD_BYTES = 48;
export const DIRECTORY_ENTRY_BYTES = 56;
export const TRAILER_BYTES = 80;
export const DIGEST_BYTES = PAGE_HASH_BYTES;
/** What one data segment holds before compression (ADR 0023). */
export const SEGMENT_RAW_BYTES = 2 * 1024 * 1024;
/** What a reader accepts: re-segmented packs have larger ones. */
export const SEGMENT_RAW_BYTES_MAX = 4 * 1024 * 1024;
/** Far above what a writer makes (64 MiB and one segment): a larger claim is a damaged or hostile file. */
export const PACK_BYTES_MAX = 512 * 1024 * 1024;

export const CODEC_RAW = 0;
export const CODEC_ZSTD = 1;
export const CODEC_GZIP = 2;

/** Directory flag: the blocks belong to one image, nobody deduplicates against them. */
const FLAG_PRIVATE = 1;

const KIND_NUMBERS: Record<PackKind, number> = { data: 1, nodes: 2 };
const SHA256_NUMBER = 1;
const FOOTER_DOMAIN = Buffer.from("sheepfold-footer-v1\0", "ascii");

export interface SegmentHeader {
  readonly codec: number;
  readonly firstId: number;
  readonly count: number;
  readonly rawBytes: number;
  readonly encodedBytes: number;
}

/** One line of a pack's directory. */
export interface SegmentEntry extends SegmentHeader {
  /** Of the segment's header in the pack. */
  readonly offset: number;
  readonly payloadHash: Uint8Array;
  /** Its blocks never enter the index. */
  readonly isPrivate: boolean;
}

export interface PackIdentity {
  readonly kind: PackKind;
  readonly repositoryId: string;
  readonly blockSize: number;
}

/** Where the parts of a footer lie in the file. */
export interface FooterPlace {
  readonly footerOffset: number;
  readonly directoryBytes: number;
  readonly digestOffset: number;
  readonly segmentCount: number;
  readonly blockCount: number;
  readonly footerHash: Uint8Array;
}

export interface Directory {
  readonly segments: readonly SegmentEntry[];
  readonly digestHash: Uint8Array;
}

export function encodePackHeader(pack: PackIdentity): Uint8Array {
  const out = new ByteWriter();
  out.bytes(Buffer.from("SFPK"));
  out.u16(PACK_VERSION);
  out.u16(HEADER_BYTES);
  out.u8(KIND_NUMBERS[pack.kind]);
  out.u8(SHA256_NUMBER);
  out.u16(0);
  out.u32(pack.blockSize);
  out.bytes(bytesOfHex(pack.repositoryId));
  out.bytes(new Uint8Array(28));
  out.u32(crc32(out.finish()));
  return out.finish();
}

export function checkPackHeader(bytes: Uint8Array, pack: PackIdentity): void {
  const from = new ByteReader(bytes.subarray(0, HEADER_BYTES));
  ensure(from.text(4) === "SFPK", "the header does not start with SFPK");
  const version = from.u16();
  ensure(version === PACK_VERSION, `it is a pack of version ${version}, this program reads ${PACK_VERSION}`);
  ensure(
    sameHash(bytes.subarray(0, HEADER_BYTES), encodePackHeader(pack)),
    "the header is damaged or foreign",
  );
}

export function encodeSegmentHeader(kind: PackKind, segment: SegmentHeader, payload: Uint8Array): Uint8Array {
  const out = new ByteWriter();
  out.bytes(Buffer.from("SFSG"));
  out.u8(KIND_NUMBERS[kind]);
  out.u8(segment.codec);
  out.u16(0);
  out.u48(segment.firstId);
  out.u16(0);
  out.u32(segment.count);
  out.u32(segment.rawBytes);
  out.u32(payload.length);
  out.u32(crc32(payload, crc32(out.finish())));
  return out.finish();
}

/** The payload of a segment, after its header and checksum have been compared with the directory's claim. */
export function payloadOf(kind: PackKind, entry: SegmentHeader, bytes: Uint8Array): Uint8Array {
  ensure(bytes.length === SEGMENT_HEADER_BYTES + entry.encodedBytes, "a segment has the wrong length");
  const payload = bytes.subarray(SEGMENT_HEADER_BYTES);
  const expected = encodeSegmentHeader(kind, entry, payload);
  ensure(
    sameHash(bytes.subarray(0, SEGMENT_HEADER_BYTES), expected),
    "a segment's header or checksum is wrong",
  );
  return payload;
}

/** Footer and trailer for the segments written so far; `footerOffset` is the pack's length until here. */
export function encodeFooter(
  segments: readonly SegmentEntry[],
  digests: Uint8Array,
  footerOffset: number,
  repositoryId: string,
): Uint8Array {
  const head = new ByteWriter();
  head.bytes(Buffer.from("SFFT"));
  head.u16(PACK_VERSION);
  head.u16(0);
  head.u32(segments.length);
  head.u32(digests.length / DIGEST_BYTES);
  head.bytes(createHash("sha256").update(digests).digest());
  for (const segment of segments) encodeDirectoryEntry(head, segment);
  const directory = head.finish();
  return Buffer.concat([
    directory,
    digests,
    encodeTrailer(directory, segments, digests, footerOffset, repositoryId),
  ]);
}

function encodeDirectoryEntry(out: ByteWriter, segment: SegmentEntry): void {
  out.u32(segment.offset);
  out.u32(segment.encodedBytes);
  out.u32(segment.rawBytes);
  out.u32(segment.count);
  out.u48(segment.firstId);
  out.u8(segment.codec);
  out.u8(segment.isPrivate ? FLAG_PRIVATE : 0);
  out.bytes(segment.payloadHash);
}

function encodeTrailer(
  directory: Uint8Array,
  segments: readonly SegmentEntry[],
  digests: Uint8Array,
  footerOffset: number,
  repositoryId: string,
): Uint8Array {
  const out = new ByteWriter();
  out.u48(footerOffset);
  out.u16(0);
  out.u32(directory.length + digests.length);
  out.u32(segments.length);
  out.u48(digests.length / DIGEST_BYTES);
  out.u16(0);
  out.bytes(createHash("sha256").update(FOOTER_DOMAIN).update(directory).digest());
  out.bytes(bytesOfHex(repositoryId));
  out.u16(PACK_VERSION);
  out.u16(0);
  out.bytes(Buffer.from("SFPE"));
  return out.finish();
}

/** Where the footer lies, from the last 80 bytes and the real file size. */
export function decodeTrailer(bytes: Uint8Array, fileBytes: number, repositoryId: string): FooterPlace {
  const from = new ByteReader(bytes);
  const footerOffset = from.u64();
  const footerBytes = from.u32();
  const segmentCount = from.u32();
  const blockCount = from.u64();
  const footerHash = new Uint8Array(from.bytes(32));
  const repository = from.bytes(16);
  const version = from.u16();
  from.u16();
  ensure(from.text(4) === "SFPE", "the trailer is missing: the pack is cut off or damaged");
  ensure(version === PACK_VERSION, `it is a pack of version ${version}, this program reads ${PACK_VERSION}`);
  ensure(sameHash(repository, bytesOfHex(repositoryId)), "it belongs to another repository");
  ensure(
    footerOffset >= HEADER_BYTES && footerOffset + footerBytes + TRAILER_BYTES === fileBytes,
    "the footer does not fit",
  );
  const directoryBytes = FOOTER_HEAD_BYTES + segmentCount * DIRECTORY_ENTRY_BYTES;
  ensure(
    directoryBytes + blockCount * DIGEST_BYTES === footerBytes,
    "the footer's counts do not fit its length",
  );
  return {
    footerOffset,
    directoryBytes,
    digestOffset: footerOffset + directoryBytes,
    segmentCount,
    blockCount,
    footerHash,
  };
}

/** The directory, after its hash, its place in the file and its sums have been checked. */
export function decodeDirectory(bytes: Uint8Array, place: FooterPlace): Directory {
  const hash = createHash("sha256").update(FOOTER_DOMAIN).update(bytes).digest();
  ensure(sameHash(hash, place.footerHash), "the footer's hash does not fit");
  const from = new ByteReader(bytes);
  ensure(from.text(4) === "SFFT", "the footer does not start with SFFT");
  from.u32();
  ensure(from.u32() === place.segmentCount && from.u32() === place.blockCount, "footer and trailer disagree");
  const digestHash = new Uint8Array(from.bytes(32));
  const segments: SegmentEntry[] = [];
  let offset = HEADER_BYTES;
  let blockCount = 0;
  for (let index = 0; index < place.segmentCount; index++) {
    const entry = decodeDirectoryEntry(from);
    ensure(entry.offset === offset, "the directory has a gap");
    offset += SEGMENT_HEADER_BYTES + entry.encodedBytes;
    blockCount += entry.count;
    segments.push(entry);
  }
  from.end();
  ensure(offset === place.footerOffset && blockCount === place.blockCount, "the directory's sums do not fit");
  return { segments, digestHash };
}

function decodeDirectoryEntry(from: ByteReader): SegmentEntry {
  const offset = from.u32();
  const encodedBytes = from.u32();
  const rawBytes = from.u32();
  const count = from.u32();
  const firstId = from.u48();
  const codec = from.u8();
  const flags = from.u8();
  const payloadHash = new Uint8Array(from.bytes(32));
  ensure(rawBytes >= 1 && rawBytes <= SEGMENT_RAW_BYTES_MAX, `a segment of ${rawBytes} raw bytes`);
  ensure(encodedBytes >= 1 && encodedBytes <= rawBytes, `a segment of ${encodedBytes} encoded bytes`);
  ensure(count >= 1 && count <= rawBytes && firstId + count <= ID_MAX, "a segment's ids are impossible");
  ensure(
    codec === CODEC_ZSTD || codec === CODEC_GZIP || (codec === CODEC_RAW && encodedBytes === rawBytes),
    `unknown codec ${codec}`,
  );
  ensure(flags <= FLAG_PRIVATE, `unknown flags ${flags}`);
  const isPrivate = flags === FLAG_PRIVATE;
  return { offset, encodedBytes, rawBytes, count, firstId, codec, payloadHash, isPrivate };
}

export function packFileName(kind: PackKind, hashHex: string): string {
  return `${packFolder(kind)}/${hashHex.slice(0, 2)}/${hashHex}.pack`;
}

export function packFolder(kind: PackKind): string {
  return kind === "data" ? "packs" : "nodes";
}

/** The SHA-256 a pack's name promises, or null for a file that is not a pack. */
export function hashOfPackName(name: string): string | null {
  return /^(?:packs|nodes)\/([0-9a-f]{2})\/(\1[0-9a-f]{62})\.pack$/.exec(name)?.[2] ?? null;
}
