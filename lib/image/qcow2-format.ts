// The bytes of a qcow2 file: its header and the bits of its table entries. Encode and decode, nothing else.
//
// After QEMU's docs/interop/qcow2.txt. All numbers are big-endian. A guest cluster is found through two tables: L1
// names L2 tables, and an L2 entry names the host cluster, or says that it is zero, or where its compressed bytes are.
import { CodedError } from "#lib/model/errors.ts";

export const QCOW2_MAGIC = 0x514649fb;
export const HEADER_BYTES = 104;
export const ENTRY_BYTES = 8;
/** Refcounts of 16 bits: what every QEMU writes. */
export const REFCOUNT_ORDER = 4;

/** "The refcount is exactly one": the cluster may be written in place. */
const COPIED = 1n << 63n;
const COMPRESSED = 1n << 62n;
const READS_AS_ZERO = 1n;
const OFFSET_MASK = 0x00fffffffffffe00n;

const HEADER_BYTES_V2 = 72;
const CLUSTER_BITS_MIN = 9;
const CLUSTER_BITS_MAX = 21;
const COMPRESSION_ZSTD = 1;
/** 16 TiB: above the partitions we meet, and a made-up header cannot make us loop for ever. */
const VIRTUAL_BYTES_MAX = 2 ** 44;
/** QEMU's own bound; it is 4 million tables. */
const L1_BYTES_MAX = 32 * 1024 * 1024;

const DIRTY = 1n << 0n;
const CORRUPT = 1n << 1n;
const EXTERNAL_DATA = 1n << 2n;
const COMPRESSION_TYPE = 1n << 3n;
const EXTENDED_L2 = 1n << 4n;

export interface Qcow2Header {
  readonly clusterBits: number;
  readonly virtualBytes: number;
  readonly l1Offset: number;
  readonly l1Count: number;
  readonly compression: "deflate" | "zstd";
  /** Version 2 has no bit for "reads as zero". */
  readonly hasZeroBit: boolean;
}

export interface WrittenHeader {
  readonly clusterBits: number;
  readonly virtualBytes: number;
  readonly l1Offset: number;
  readonly l1Count: number;
  readonly refcountTableOffset: number;
  readonly refcountTableClusters: number;
}

/** Version 3, followed by the empty extension that ends the list of extensions. */
export function encodeHeader(header: WrittenHeader): Uint8Array {
  const bytes = Buffer.alloc(HEADER_BYTES + 8);
  bytes.writeUInt32BE(QCOW2_MAGIC, 0);
  bytes.writeUInt32BE(3, 4);
  bytes.writeUInt32BE(header.clusterBits, 20);
  bytes.writeBigUInt64BE(BigInt(header.virtualBytes), 24);
  bytes.writeUInt32BE(header.l1Count, 36);
  bytes.writeBigUInt64BE(BigInt(header.l1Offset), 40);
  bytes.writeBigUInt64BE(BigInt(header.refcountTableOffset), 48);
  bytes.writeUInt32BE(header.refcountTableClusters, 56);
  bytes.writeUInt32BE(REFCOUNT_ORDER, 96);
  bytes.writeUInt32BE(HEADER_BYTES, 100);
  return bytes;
}

/** `start` holds the first bytes of the file. Refuses by name what we cannot read whole; believes no number unseen. */
export function decodeHeader(start: Uint8Array): Qcow2Header {
  const bytes = Buffer.from(start.buffer, start.byteOffset, start.length);
  if (bytes.length < HEADER_BYTES_V2) throw damaged("it is shorter than a header");
  if (bytes.readUInt32BE(0) !== QCOW2_MAGIC) throw damaged("it does not begin as a qcow2 file does");
  const version = bytes.readUInt32BE(4);
  if (version !== 2 && version !== 3) throw unsupported(`version ${version}`);
  if (bytes.readBigUInt64BE(8) !== 0n) throw unsupported("a backing file");
  if (bytes.readUInt32BE(32) !== 0) throw unsupported("encryption");
  const clusterBits = bytes.readUInt32BE(20);
  if (clusterBits < CLUSTER_BITS_MIN || clusterBits > CLUSTER_BITS_MAX)
    throw damaged(`its clusters have 2^${clusterBits} bytes`);
  const virtualBytes = Number(bytes.readBigUInt64BE(24));
  if (virtualBytes === 0 || virtualBytes > VIRTUAL_BYTES_MAX)
    throw damaged(`it claims to hold ${virtualBytes} bytes`);
  return {
    clusterBits,
    virtualBytes,
    l1Count: checkedL1Count(bytes.readUInt32BE(36), { virtualBytes, clusterBits }),
    l1Offset: Number(bytes.readBigUInt64BE(40)),
    compression: version === 2 ? "deflate" : compressionOf(bytes),
    hasZeroBit: version === 3,
  };
}

function compressionOf(bytes: Buffer): "deflate" | "zstd" {
  if (bytes.length < HEADER_BYTES) throw damaged("it is shorter than a header");
  const features = bytes.readBigUInt64BE(72);
  if ((features & CORRUPT) !== 0n) throw damaged("QEMU has marked it as corrupt");
  if ((features & EXTERNAL_DATA) !== 0n) throw unsupported("an external data file");
  if ((features & EXTENDED_L2) !== 0n) throw unsupported("subclusters (extended L2 entries)");
  if ((features & ~(DIRTY | COMPRESSION_TYPE)) !== 0n)
    throw unsupported(`unknown features (0x${features.toString(16)})`);
  if ((features & COMPRESSION_TYPE) === 0n) return "deflate";
  const type = bytes[HEADER_BYTES];
  if (bytes.readUInt32BE(100) <= HEADER_BYTES || type !== COMPRESSION_ZSTD)
    throw unsupported(`compression of type ${type}`);
  return "zstd";
}

/** As many L1 entries as the size needs; a file may have more, and those mean nothing to us. */
function checkedL1Count(
  claimed: number,
  { virtualBytes, clusterBits }: { readonly virtualBytes: number; readonly clusterBits: number },
): number {
  const clusterBytes = 2 ** clusterBits;
  const needed = Math.ceil(virtualBytes / (clusterBytes * (clusterBytes / ENTRY_BYTES)));
  if (claimed < needed) throw damaged(`its L1 table has ${claimed} entries instead of ${needed}`);
  if (needed * ENTRY_BYTES > L1_BYTES_MAX)
    throw unsupported(`an L1 table of ${needed * ENTRY_BYTES} bytes (tiny clusters on a large disk)`);
  return needed;
}

export function allocatedEntry(hostOffset: number): bigint {
  return BigInt(hostOffset) | COPIED;
}

export type ClusterPlace =
  | { readonly kind: "zero" }
  | { readonly kind: "plain"; readonly hostOffset: number }
  /** `lengthBytes` goes to the end of a sector: the frame may end before. */
  | { readonly kind: "compressed"; readonly hostOffset: number; readonly lengthBytes: number };

export function decodeL2Entry(entry: bigint, header: Qcow2Header): ClusterPlace {
  if ((entry & COMPRESSED) !== 0n) {
    const offsetBits = BigInt(62 - (header.clusterBits - 8));
    const hostOffset = Number(entry & ((1n << offsetBits) - 1n));
    const sectors = Number((entry & (COMPRESSED - 1n)) >> offsetBits) + 1;
    return { kind: "compressed", hostOffset, lengthBytes: sectors * 512 - (hostOffset & 511) };
  }
  const hostOffset = hostOffsetOf(entry, header);
  if ((header.hasZeroBit && (entry & READS_AS_ZERO) !== 0n) || hostOffset === 0) return { kind: "zero" };
  return { kind: "plain", hostOffset };
}

/** Where an L1 entry's table, or a plain cluster, begins; 0 for none. */
export function hostOffsetOf(entry: bigint, header: Qcow2Header): number {
  const offset = Number(entry & OFFSET_MASK);
  if (offset % 2 ** header.clusterBits !== 0)
    throw damaged(`a table points to byte ${offset}, inside a cluster`);
  return offset;
}

export function damaged(detail: string): CodedError {
  return new CodedError("source-read-failed", `The qcow2 file is damaged or cut short: ${detail}.`, {
    hint: "Look at it with qemu-img check, or take another copy. Nothing was committed.",
  });
}

function unsupported(what: string): CodedError {
  return new CodedError("input-invalid", `The qcow2 file uses ${what}, which is not read here.`, {
    hint: "Turn it into a plain one first: qemu-img convert -O qcow2 OLD NEW.",
  });
}
