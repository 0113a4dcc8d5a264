// Qcow2Reader gives the guest's bytes of a qcow2 file (versions 2 and 3, plain and compressed clusters), at any place.
//
// The file may be hostile: every offset is compared with the file's real length before memory is taken or bytes are
// read, tables are bounded by the file's length, and decompression by the cluster's. What a backing file, a key or an
// external data file would hold is refused, not guessed. Refcounts are not looked at: they do not tell what is read.
import { inflateRawSync, zstdDecompressSync } from "node:zlib";
import {
  type ClusterPlace,
  damaged,
  decodeHeader,
  decodeL2Entry,
  ENTRY_BYTES,
  HEADER_BYTES,
  hostOffsetOf,
  type Qcow2Header,
} from "./qcow2-format.ts";
import { zstdFrameLength } from "./zstd-frame.ts";

/** The file's bytes; `read` fills `into` completely or throws. */
export interface FileBytes {
  readonly sizeBytes: number;
  read(offsetBytes: number, into: Uint8Array): Promise<void>;
}

/** 2 MiB at most each. */
const L2_TABLES_KEPT = 8;
/** Decompressed ones, 2 MiB at most each: who reads page after page wants the same cluster several times. */
const CLUSTERS_KEPT = 8;

export class Qcow2Reader {
  readonly sizeBytes: number;
  readonly #file: FileBytes;
  readonly #header: Qcow2Header;
  readonly #clusterBytes: number;
  readonly #l1: Buffer;
  readonly #l2Tables = new Kept<Buffer>(L2_TABLES_KEPT);
  readonly #clusters = new Kept<Uint8Array>(CLUSTERS_KEPT);

  private constructor(file: FileBytes, header: Qcow2Header, l1: Buffer) {
    this.#file = file;
    this.#header = header;
    this.#l1 = l1;
    this.#clusterBytes = 2 ** header.clusterBits;
    this.sizeBytes = header.virtualBytes;
  }

  static async open(file: FileBytes): Promise<Qcow2Reader> {
    const start = new Uint8Array(Math.min(file.sizeBytes, HEADER_BYTES + 8));
    await file.read(0, start);
    const header = decodeHeader(start);
    return new Qcow2Reader(
      file,
      header,
      await readTable(file, header.l1Offset, header.l1Count * ENTRY_BYTES),
    );
  }

  async read(offsetBytes: number, into: Uint8Array): Promise<void> {
    if (offsetBytes < 0 || offsetBytes + into.length > this.sizeBytes)
      throw new Error(
        `Bug: bytes ${offsetBytes}+${into.length} of a disk of ${this.sizeBytes} were asked for.`,
      );
    for (let at = 0; at < into.length; ) {
      const guest = offsetBytes + at;
      const inCluster = guest % this.#clusterBytes;
      const length = Math.min(into.length - at, this.#clusterBytes - inCluster);
      const place = await this.#placeOf(Math.floor(guest / this.#clusterBytes));
      await this.#readCluster(place, inCluster, into.subarray(at, at + length));
      at += length;
    }
  }

  async #placeOf(guestCluster: number): Promise<ClusterPlace> {
    const entries = this.#clusterBytes / ENTRY_BYTES;
    const tableIndex = Math.floor(guestCluster / entries);
    const tableOffset = hostOffsetOf(this.#l1.readBigUInt64BE(tableIndex * ENTRY_BYTES), this.#header);
    if (tableOffset === 0) return { kind: "zero" };
    const table = await this.#l2Tables.get(tableOffset, () =>
      readTable(this.#file, tableOffset, this.#clusterBytes),
    );
    return decodeL2Entry(table.readBigUInt64BE((guestCluster % entries) * ENTRY_BYTES), this.#header);
  }

  async #readCluster(place: ClusterPlace, from: number, into: Uint8Array): Promise<void> {
    if (place.kind === "zero") into.fill(0);
    else if (place.kind === "plain") {
      checkInside(this.#file, place.hostOffset + from, into.length);
      await this.#file.read(place.hostOffset + from, into);
    } else {
      const cluster = await this.#clusters.get(place.hostOffset, () => this.#decompressed(place));
      into.set(cluster.subarray(from, from + into.length));
    }
  }

  async #decompressed(place: Extract<ClusterPlace, { kind: "compressed" }>): Promise<Uint8Array> {
    checkInside(this.#file, place.hostOffset, 1);
    // The last sector may be cut off by the end of the file: what is missing then is padding, or decoding fails.
    const length = Math.min(place.lengthBytes, this.#file.sizeBytes - place.hostOffset);
    const packed = new Uint8Array(length);
    await this.#file.read(place.hostOffset, packed);
    const cluster = this.#decode(packed, place.hostOffset);
    if (cluster.length !== this.#clusterBytes)
      throw damaged(`the compressed cluster at byte ${place.hostOffset} holds ${cluster.length} bytes`);
    return cluster;
  }

  #decode(packed: Uint8Array, hostOffset: number): Uint8Array {
    const options = { maxOutputLength: this.#clusterBytes };
    try {
      if (this.#header.compression === "deflate") return inflateRawSync(packed, options);
      return zstdDecompressSync(packed.subarray(0, zstdFrameLength(packed) ?? packed.length), options);
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      throw damaged(`the compressed cluster at byte ${hostOffset} cannot be decoded (${detail})`);
    }
  }
}

async function readTable(file: FileBytes, offset: number, lengthBytes: number): Promise<Buffer> {
  checkInside(file, offset, lengthBytes);
  const table = Buffer.alloc(lengthBytes);
  await file.read(offset, table);
  return table;
}

function checkInside(file: FileBytes, offset: number, lengthBytes: number): void {
  if (offset + lengthBytes <= file.sizeBytes) return;
  throw damaged(`it has ${file.sizeBytes} bytes, and bytes ${offset} to ${offset + lengthBytes} are needed`);
}

/** The last few of what was read, by where it lies; the oldest leaves first. */
class Kept<Value> {
  readonly #countMax: number;
  readonly #values = new Map<number, Promise<Value>>();

  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  get(key: number, read: () => Promise<Value>): Promise<Value> {
    const known = this.#values.get(key);
    const value = known ?? read();
    if (known === undefined) value.catch(() => this.#values.delete(key)); // The caller gets the error.
    this.#values.delete(key);
    this.#values.set(key, value);
    for (const oldest of this.#values.keys()) {
      if (this.#values.size <= this.#countMax) break;
      this.#values.delete(oldest);
    }
    return value;
  }
}
