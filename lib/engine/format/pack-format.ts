// The byte layout of packs: header, segments, footer, trailer (docs/repository-format.md §4).
//
// Encoders write what decoders of any later version must read; decoders trust nothing and check every claimed
// size against the real one before anything of that size is allocated. They throw FormatError without a name.
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { PAGE_HASH_BYTES, sameHash } from "#lib/page/page.ts";
import { SEAL_BYTES } from "../encryption/aead.ts";
import type { RepositoryKeys } from "../encryption/repository-keys.ts";
import { ByteReader, ByteWriter, bytesOfHex, ensure } from "./bytes.ts";
import { ID_MAX } from "./node-format.ts";
import type { PackKind } from "./snapshot-format.ts";

export const PACK_VERSION = 1;
/** A pack that was rewritten: several entries of its directory may share a frame. Older programs refuse it by its version. */
export const REWRITTEN_PACK_VERSION = 2;
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
/** Directory flag: the blocks lie in the frame of the entry before, after its blocks. */
const FLAG_FOLLOWS = 2;

const KIND_NUMBERS: Record<PackKind, number> = { data: 1, nodes: 2 };
const SHA256_NUMBER = 1;
const PLAIN_NUMBER = 0;
const AES_256_GCM_NUMBER = 1;
const SEGMENT_DOMAIN = Buffer.from("sheepfold-segment-v1\0", "ascii");
const FOOTER_DOMAIN = Buffer.from("sheepfold-footer-v1\0", "ascii");

export interface SegmentHeader {
  readonly codec: number;
  readonly firstId: number;
  readonly count: number;
  readonly rawBytes: number;
  readonly encodedBytes: number;
}

/** Blocks with consecutive ids, and the frame they lie in. */
export interface SegmentClaim extends SegmentHeader {
  /** Where these blocks begin in the decoded frame. */
  readonly rawStart: number;
  /** There are more blocks in the frame than these: how many only its own header says. */
  readonly isShared: boolean;
}

/** One line of a pack's directory. */
export interface SegmentEntry extends SegmentClaim {
  /** Of the frame's header in the pack. */
  readonly offset: number;
  readonly payloadHash: Uint8Array;
  /** Its blocks never enter the index. */
  readonly isPrivate: boolean;
}

/** What a rewritten pack says of itself; zeros for packs as archives write them. */
export interface PackTraits {
  /** The zstd level its frames of 4 MiB were re-segmented with, or 0. */
  readonly level: number;
  /** A block that lies in several packs is read from the one of the highest rank: it was healed. */
  readonly rank: number;
}

export const PLAIN_TRAITS: PackTraits = { level: 0, rank: 0 };

export interface PackIdentity {
  readonly kind: PackKind;
  readonly repositoryId: string;
  readonly blockSize: number;
  /** Null where nothing is encrypted. */
  readonly keys: RepositoryKeys | null;
}

/** Where the parts of a footer lie in the file. */
export interface FooterPlace {
  readonly version: number;
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
  readonly traits: PackTraits;
}

export function encodePackHeader(pack: PackIdentity, version = PACK_VERSION): Uint8Array {
  const out = new ByteWriter();
  out.bytes(Buffer.from("SFPK"));
  out.u16(version);
  out.u16(HEADER_BYTES);
  out.u8(KIND_NUMBERS[pack.kind]);
  out.u8(SHA256_NUMBER);
  out.u8(cipherNumber(pack));
  out.u8(0);
  out.u32(pack.blockSize);
  out.bytes(bytesOfHex(pack.repositoryId));
  out.bytes(new Uint8Array(28));
  out.u32(crc32(out.finish()));
  return out.finish();
}

function cipherNumber({ keys }: PackIdentity): number {
  return keys === null ? PLAIN_NUMBER : AES_256_GCM_NUMBER;
}

/** What sealing adds to each payload of such a pack. */
export function sealBytesOf({ keys }: PackIdentity): number {
  return keys === null ? 0 : SEAL_BYTES;
}

export function checkPackHeader(bytes: Uint8Array, pack: PackIdentity): void {
  const from = new ByteReader(bytes.subarray(0, HEADER_BYTES));
  ensure(from.text(4) === "SFPK", "the header does not start with SFPK");
  const version = from.u16();
  ensureKnown(version);
  ensure(
    sameHash(bytes.subarray(0, HEADER_BYTES), encodePackHeader(pack, version)),
    "the header is damaged or foreign",
  );
}

function ensureKnown(version: number): void {
  const isKnown = version >= PACK_VERSION && version <= REWRITTEN_PACK_VERSION;
  ensure(isKnown, `it is a pack of version ${version}, this program reads up to ${REWRITTEN_PACK_VERSION}`);
}

export function encodeSegmentHeader(
  pack: PackIdentity,
  segment: SegmentHeader,
  payload: Uint8Array,
): Uint8Array {
  const out = new ByteWriter();
  writeSegmentFields(out, pack, segment);
  out.u32(crc32(payload, crc32(out.finish())));
  return out.finish();
}

/** Bytes 0–27 of a segment's header: all but the checksum. */
function writeSegmentFields(out: ByteWriter, pack: PackIdentity, segment: SegmentHeader): void {
  out.bytes(Buffer.from("SFSG"));
  out.u8(KIND_NUMBERS[pack.kind]);
  out.u8(segment.codec);
  out.u8(cipherNumber(pack));
  out.u8(0);
  out.u48(segment.firstId);
  out.u16(0);
  out.u32(segment.count);
  out.u32(segment.rawBytes);
  out.u32(segment.encodedBytes);
}

/** What a sealed payload is bound to: this repository and everything its segment's header says. Not its pack: a segment
 *  keeps its ids, and its payload, when it is copied to another one. */
export function segmentContext(pack: PackIdentity, segment: SegmentHeader): Uint8Array {
  const out = new ByteWriter();
  out.bytes(SEGMENT_DOMAIN);
  out.bytes(bytesOfHex(pack.repositoryId));
  writeSegmentFields(out, pack, segment);
  return out.finish();
}

export interface Frame {
  /** Of all blocks in the frame. */
  readonly header: SegmentHeader;
  readonly payload: Uint8Array;
}

/** A frame, its payload as stored, as it lies in a pack, after its header and checksum have been compared with the directory's claim. */
export function frameOf(pack: PackIdentity, claim: SegmentClaim, bytes: Uint8Array): Frame {
  ensure(bytes.length === SEGMENT_HEADER_BYTES + claim.encodedBytes, "a segment has the wrong length");
  const payload = bytes.subarray(SEGMENT_HEADER_BYTES);
  const header = claim.isShared ? sharedHeader(claim, bytes) : claim;
  const expected = encodeSegmentHeader(pack, header, payload);
  ensure(
    sameHash(bytes.subarray(0, SEGMENT_HEADER_BYTES), expected),
    "a segment's header or checksum is wrong",
  );
  return { header, payload };
}

/** What the frame says of itself, as far as the claim allows; its checksum is the caller's to compare. */
function sharedHeader(claim: SegmentClaim, bytes: Uint8Array): SegmentHeader {
  const header = decodeSegmentHeader(bytes);
  ensure(
    header.codec === claim.codec && header.encodedBytes === claim.encodedBytes,
    "a segment's header is not what the directory says",
  );
  ensure(
    header.rawBytes <= SEGMENT_RAW_BYTES_MAX && claim.rawStart + claim.rawBytes <= header.rawBytes,
    "a segment has not the room for its blocks",
  );
  return header;
}

/** Nothing in it is checked. */
export function decodeSegmentHeader(bytes: Uint8Array): SegmentHeader {
  const from = new ByteReader(bytes.subarray(0, SEGMENT_HEADER_BYTES));
  from.bytes(5);
  const codec = from.u8();
  from.u16();
  const firstId = from.u48();
  from.u16();
  return { codec, firstId, count: from.u32(), rawBytes: from.u32(), encodedBytes: from.u32() };
}

/** Footer and trailer (of a rewritten pack when there are traits) for the segments written so far; `footerOffset` is the pack's length until here. */
export function encodeFooter(
  segments: readonly SegmentEntry[],
  digests: Uint8Array,
  footerOffset: number,
  repositoryId: string,
  traits: PackTraits | null = null,
): Uint8Array {
  const version = traits === null ? PACK_VERSION : REWRITTEN_PACK_VERSION;
  const head = new ByteWriter();
  head.bytes(Buffer.from("SFFT"));
  head.u16(version);
  head.u8(traits?.level ?? 0);
  head.u8(traits?.rank ?? 0);
  head.u32(segments.length);
  head.u32(digests.length / DIGEST_BYTES);
  head.bytes(createHash("sha256").update(digests).digest());
  for (const segment of segments) encodeDirectoryEntry(head, segment);
  const directory = head.finish();
  return Buffer.concat([
    directory,
    digests,
    encodeTrailer(directory, { version, segmentCount: segments.length, footerOffset }, digests, repositoryId),
  ]);
}

function encodeDirectoryEntry(out: ByteWriter, segment: SegmentEntry): void {
  out.u32(segment.offset);
  out.u32(segment.encodedBytes);
  out.u32(segment.rawBytes);
  out.u32(segment.count);
  out.u48(segment.firstId);
  out.u8(segment.codec);
  out.u8((segment.isPrivate ? FLAG_PRIVATE : 0) | (segment.rawStart > 0 ? FLAG_FOLLOWS : 0));
  out.bytes(segment.payloadHash);
}

function encodeTrailer(
  directory: Uint8Array,
  { version, segmentCount, footerOffset }: Pick<FooterPlace, "version" | "segmentCount" | "footerOffset">,
  digests: Uint8Array,
  repositoryId: string,
): Uint8Array {
  const out = new ByteWriter();
  out.u48(footerOffset);
  out.u16(0);
  out.u32(directory.length + digests.length);
  out.u32(segmentCount);
  out.u48(digests.length / DIGEST_BYTES);
  out.u16(0);
  out.bytes(createHash("sha256").update(FOOTER_DOMAIN).update(directory).digest());
  out.bytes(bytesOfHex(repositoryId));
  out.u16(version);
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
  ensureKnown(version);
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
    version,
    footerOffset,
    directoryBytes,
    digestOffset: footerOffset + directoryBytes,
    segmentCount,
    blockCount,
    footerHash,
  };
}

/** The directory, after its hash, its place in the file and its sums have been checked. */
export function decodeDirectory(bytes: Uint8Array, place: FooterPlace, pack: PackIdentity): Directory {
  const hash = createHash("sha256").update(FOOTER_DOMAIN).update(bytes).digest();
  ensure(sameHash(hash, place.footerHash), "the footer's hash does not fit");
  const from = new ByteReader(bytes);
  ensure(from.text(4) === "SFFT", "the footer does not start with SFFT");
  ensure(from.u16() === place.version, "footer and trailer have two versions");
  const traits = { level: from.u8(), rank: from.u8() };
  ensure(from.u32() === place.segmentCount && from.u32() === place.blockCount, "footer and trailer disagree");
  const digestHash = new Uint8Array(from.bytes(32));
  const segments = decodeEntries(from, place, sealBytesOf(pack));
  from.end();
  return { segments, digestHash, traits };
}

/** Entry by entry; those that share a frame together. */
function decodeEntries(from: ByteReader, place: FooterPlace, sealBytes: number): SegmentEntry[] {
  const segments: SegmentEntry[] = [];
  let frame: SegmentEntry[] = [];
  let offset = HEADER_BYTES;
  let blockCount = 0;
  const endFrame = () => {
    segments.push(...checkedFrame(frame, sealBytes));
    frame = [];
  };
  for (let index = 0; index < place.segmentCount; index++) {
    const { flags, ...entry } = decodeDirectoryEntry(from);
    const follows = (flags & FLAG_FOLLOWS) !== 0;
    ensure(
      flags <= (place.version === PACK_VERSION ? FLAG_PRIVATE : FLAG_PRIVATE | FLAG_FOLLOWS),
      `unknown flags ${flags}`,
    );
    const before = frame.at(-1);
    if (follows)
      ensure(before !== undefined && isSameFrame(before, entry), "an entry follows no frame of its own");
    else {
      if (before !== undefined) endFrame();
      ensure(entry.offset === offset, "the directory has a gap");
      offset += SEGMENT_HEADER_BYTES + entry.encodedBytes;
    }
    const rawStart = follows && before !== undefined ? before.rawStart + before.rawBytes : 0;
    frame.push({ ...entry, rawStart });
    blockCount += entry.count;
  }
  if (frame.length > 0) endFrame();
  ensure(offset === place.footerOffset && blockCount === place.blockCount, "the directory's sums do not fit");
  return segments;
}

function isSameFrame(a: SegmentEntry, b: SegmentEntry): boolean {
  return (
    a.offset === b.offset &&
    a.encodedBytes === b.encodedBytes &&
    a.codec === b.codec &&
    a.isPrivate === b.isPrivate &&
    sameHash(a.payloadHash, b.payloadHash)
  );
}

function checkedFrame(entries: readonly SegmentEntry[], sealBytes: number): readonly SegmentEntry[] {
  const rawBytes = entries.reduce((sum, entry) => sum + entry.rawBytes, 0);
  for (const { codec, encodedBytes } of entries) {
    ensure(rawBytes <= SEGMENT_RAW_BYTES_MAX, `a segment of ${rawBytes} raw bytes`);
    const compressedBytes = encodedBytes - sealBytes;
    ensure(compressedBytes >= 1 && compressedBytes <= rawBytes, `a segment of ${encodedBytes} encoded bytes`);
    ensure(
      codec === CODEC_ZSTD || codec === CODEC_GZIP || (codec === CODEC_RAW && compressedBytes === rawBytes),
      `unknown codec ${codec}`,
    );
  }
  return entries.length === 1 ? entries : entries.map((entry) => ({ ...entry, isShared: true }));
}

function decodeDirectoryEntry(from: ByteReader): SegmentEntry & { readonly flags: number } {
  const offset = from.u32();
  const encodedBytes = from.u32();
  const rawBytes = from.u32();
  const count = from.u32();
  const firstId = from.u48();
  const codec = from.u8();
  const flags = from.u8();
  const payloadHash = new Uint8Array(from.bytes(32));
  ensure(rawBytes >= 1 && rawBytes <= SEGMENT_RAW_BYTES_MAX, `a segment of ${rawBytes} raw bytes`);
  ensure(count >= 1 && count <= rawBytes && firstId + count <= ID_MAX, "a segment's ids are impossible");
  const isPrivate = (flags & FLAG_PRIVATE) !== 0;
  const claim = { offset, encodedBytes, rawBytes, count, firstId, codec, payloadHash, isPrivate, flags };
  return { ...claim, rawStart: 0, isShared: false };
}

/** Entries that share a frame, together. */
export function framesOf(entries: readonly SegmentEntry[]): SegmentEntry[][] {
  const frames: SegmentEntry[][] = [];
  for (const entry of entries) {
    if (entry.rawStart > 0) frames.at(-1)?.push(entry);
    else frames.push([entry]);
  }
  return frames;
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
