// Qcow2Writer writes a qcow2 file (version 3, clusters of 64 KiB, refcounts of 16 bits) from guest bytes that come in
// order. Clusters of zeros, and those never given, are not allocated.
//
// Clusters are appended as they come, each L2 table (512 MiB of guest) after its data, then the refcounts, then L1.
// The header is written last: until then the file is no qcow2 file, so half of one is never taken for a whole.
// Memory: one L2 table, the L1 table, one cluster.
import { fillByteOf } from "#lib/page/page.ts";
import { allocatedEntry, ENTRY_BYTES, encodeHeader } from "./qcow2-format.ts";

const CLUSTER_BITS = 16;
const CLUSTER_BYTES = 2 ** CLUSTER_BITS;
const L2_ENTRIES = CLUSTER_BYTES / ENTRY_BYTES;
const REFCOUNT_BYTES = 2;
const REFCOUNTS_PER_BLOCK = CLUSTER_BYTES / REFCOUNT_BYTES;
const SECTOR_BYTES = 512;

/** Writes all of `bytes` at `offsetBytes` of the file. */
export type WriteAt = (offsetBytes: number, bytes: Uint8Array) => Promise<void>;

/** QEMU's disks consist of sectors: an image that does not is followed by zeros to the end of its last. */
export function virtualBytesOf(sizeBytes: number): number {
  return Math.ceil(sizeBytes / SECTOR_BYTES) * SECTOR_BYTES;
}

export class Qcow2Writer {
  readonly #write: WriteAt;
  readonly #virtualBytes: number;
  readonly #l1: Buffer;
  readonly #l1Offset = CLUSTER_BYTES;
  #l2: { readonly index: number; readonly entries: Buffer } | null = null;
  #clusterCount: number;
  #guestBytes = 0;

  constructor(sizeBytes: number, write: WriteAt) {
    this.#write = write;
    this.#virtualBytes = virtualBytesOf(sizeBytes);
    this.#l1 = Buffer.alloc(Math.ceil(this.#virtualBytes / (CLUSTER_BYTES * L2_ENTRIES)) * ENTRY_BYTES);
    this.#clusterCount = 1 + Math.ceil(this.#l1.length / CLUSTER_BYTES);
  }

  /** Guest bytes from `guestOffset`: a multiple of 64 KiB, at or behind the end of what came before. All but the last
   *  stretch have whole clusters. */
  async put(guestOffset: number, bytes: Uint8Array): Promise<void> {
    const isWhole =
      bytes.length % CLUSTER_BYTES === 0 || guestOffset + bytes.length >= this.#virtualBytes - SECTOR_BYTES;
    if (guestOffset % CLUSTER_BYTES !== 0 || guestOffset < this.#guestBytes || !isWhole)
      throw new Error(
        `Bug: qcow2 bytes at ${guestOffset} came after ${this.#guestBytes}, or not in clusters.`,
      );
    this.#guestBytes = guestOffset + bytes.length;
    for (let at = 0; at < bytes.length; at += CLUSTER_BYTES) {
      await this.#putCluster((guestOffset + at) / CLUSTER_BYTES, bytes.subarray(at, at + CLUSTER_BYTES));
    }
  }

  /** The length of the file. Nothing is flushed: that is the file's business. */
  async finish(): Promise<number> {
    await this.#endL2();
    const { tableOffset, tableClusters } = await this.#writeRefcounts();
    await this.#write(this.#l1Offset, this.#l1);
    const header = {
      clusterBits: CLUSTER_BITS,
      virtualBytes: this.#virtualBytes,
      l1Offset: this.#l1Offset,
      l1Count: this.#l1.length / ENTRY_BYTES,
      refcountTableOffset: tableOffset,
      refcountTableClusters: tableClusters,
    };
    await this.#write(0, encodeHeader(header));
    return this.#clusterCount * CLUSTER_BYTES;
  }

  async #putCluster(guestCluster: number, bytes: Uint8Array): Promise<void> {
    if (fillByteOf(bytes) === 0) return;
    const index = Math.floor(guestCluster / L2_ENTRIES);
    if (this.#l2?.index !== index) await this.#endL2();
    this.#l2 ??= { index, entries: Buffer.alloc(CLUSTER_BYTES) };
    const hostOffset = await this.#append(bytes);
    this.#l2.entries.writeBigUInt64BE(allocatedEntry(hostOffset), (guestCluster % L2_ENTRIES) * ENTRY_BYTES);
  }

  async #endL2(): Promise<void> {
    if (this.#l2 === null) return;
    const { index, entries } = this.#l2;
    this.#l2 = null;
    this.#l1.writeBigUInt64BE(allocatedEntry(await this.#append(entries)), index * ENTRY_BYTES);
  }

  /** Every cluster of the file is used once, the refcounts' own included. */
  async #writeRefcounts(): Promise<{ readonly tableOffset: number; readonly tableClusters: number }> {
    const { blockCount, tableClusters } = refcountClusters(this.#clusterCount);
    const firstBlock = this.#clusterCount;
    const usedCount = firstBlock + blockCount + tableClusters;
    const table = Buffer.alloc(tableClusters * CLUSTER_BYTES);
    for (let index = 0; index < blockCount; index++) {
      const block = Buffer.alloc(CLUSTER_BYTES);
      const ones = Math.min(REFCOUNTS_PER_BLOCK, usedCount - index * REFCOUNTS_PER_BLOCK);
      for (let at = 0; at < ones; at++) block.writeUInt16BE(1, at * REFCOUNT_BYTES);
      table.writeBigUInt64BE(BigInt(await this.#append(block)), index * ENTRY_BYTES);
    }
    const tableOffset = await this.#append(table);
    this.#clusterCount = usedCount;
    return { tableOffset, tableClusters };
  }

  async #append(bytes: Uint8Array): Promise<number> {
    const offset = this.#clusterCount * CLUSTER_BYTES;
    this.#clusterCount += 1;
    await this.#write(offset, bytes.length % CLUSTER_BYTES === 0 ? bytes : padded(bytes));
    return offset;
  }
}

/** The fewest refcount blocks, and clusters of the table that lists them, that count `others` and themselves. */
export function refcountClusters(others: number): {
  readonly blockCount: number;
  readonly tableClusters: number;
} {
  let blockCount = 0;
  let tableClusters = 0;
  for (;;) {
    const blocks = Math.ceil((others + blockCount + tableClusters) / REFCOUNTS_PER_BLOCK);
    const clusters = Math.ceil((blocks * ENTRY_BYTES) / CLUSTER_BYTES);
    if (blocks === blockCount && clusters === tableClusters) return { blockCount, tableClusters };
    blockCount = blocks;
    tableClusters = clusters;
  }
}

function padded(bytes: Uint8Array): Uint8Array {
  const cluster = new Uint8Array(CLUSTER_BYTES);
  cluster.set(bytes);
  return cluster;
}
