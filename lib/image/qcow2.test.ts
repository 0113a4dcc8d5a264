// qcow2: what the writer writes the reader reads; what is hostile, cut short or foreign is refused by name. That QEMU
// agrees is in bin/repo/exchange.integration.test.ts.
import { deflateRawSync, zstdCompressSync } from "node:zlib";
import { expect, test } from "vitest";
import { CodedError } from "#lib/model/errors.ts";
import { HEADER_BYTES } from "./qcow2-format.ts";
import { Qcow2Reader } from "./qcow2-reader.ts";
import { Qcow2Writer, refcountClusters } from "./qcow2-writer.ts";
import { zstdFrameLength } from "./zstd-frame.ts";

const CLUSTER = 65536;
const PAGE = 4 * CLUSTER;

function noise(length: number, seed: number): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 24;
  });
}

/** Data, zeros inside a page, pages left out, data far behind (another L2 table), a short end. */
const PIECES: readonly [number, Uint8Array][] = [
  [0, noise(PAGE, 1)],
  [PAGE, Buffer.concat([new Uint8Array(CLUSTER), noise(CLUSTER, 2), new Uint8Array(2 * CLUSTER)])],
  [600 * 2 ** 20, noise(PAGE, 3)],
  [601 * 2 ** 20, noise(1000, 4)],
];
const SIZE = 601 * 2 ** 20 + 1000;

async function written(): Promise<Uint8Array> {
  const file = new Uint8Array(64 * CLUSTER);
  const writer = new Qcow2Writer(SIZE, async (offset, bytes) => file.set(bytes, offset));
  for (const [offset, bytes] of PIECES) await writer.put(offset, bytes);
  return file.subarray(0, await writer.finish());
}

function open(file: Uint8Array): Promise<Qcow2Reader> {
  return Qcow2Reader.open({
    sizeBytes: file.length,
    read: async (offset, into) => {
      if (offset + into.length > file.length)
        throw new Error(`Read behind the end: ${offset}+${into.length}.`);
      into.set(file.subarray(offset, offset + into.length));
    },
  });
}

async function bytesAt(reader: Qcow2Reader, offset: number, length: number): Promise<Uint8Array> {
  const into = new Uint8Array(length).fill(0xaa);
  await reader.read(offset, into);
  return into;
}

test("what was written is read, rounded up to whole sectors, zeros where nothing was put", async () => {
  const reader = await open(await written());
  expect(reader.sizeBytes).toBe(Math.ceil(SIZE / 512) * 512);
  for (const [offset, bytes] of PIECES)
    expect(Buffer.compare(await bytesAt(reader, offset, bytes.length), bytes)).toBe(0);
  expect(Buffer.compare(await bytesAt(reader, 3 * PAGE, PAGE), new Uint8Array(PAGE))).toBe(0);
  expect(Buffer.compare(await bytesAt(reader, SIZE, 24), new Uint8Array(24))).toBe(0);
});

test("zeros take no cluster: header, L1, two L2 tables, ten of data, refcount block and table", async () => {
  expect((await written()).length / CLUSTER).toBe(1 + 1 + 2 + (4 + 1 + 4 + 1) + 1 + 1);
});

test("the refcounts count every cluster, their own included, with no block too many", () => {
  for (const others of [1, 32_765, 32_766, 32_767, 65_531, 65_533, 2 ** 24, 2 ** 28]) {
    const { blockCount, tableClusters } = refcountClusters(others);
    const used = others + blockCount + tableClusters;
    expect(blockCount * 32_768).toBeGreaterThanOrEqual(used);
    expect((blockCount - 1) * 32_768).toBeLessThan(used);
    expect(tableClusters * 8192).toBeGreaterThanOrEqual(blockCount);
  }
});

/** One cluster, compressed, of a disk of one cluster; the file ends with the frame, as QEMU's do. */
function compressedFile(packed: Uint8Array, zstd: boolean): Buffer {
  const file = Buffer.alloc(3 * CLUSTER + packed.length);
  file.write("QFI\xfb", 0, "latin1");
  file.writeUInt32BE(3, 4);
  file.writeUInt32BE(16, 20);
  file.writeBigUInt64BE(BigInt(CLUSTER), 24);
  file.writeUInt32BE(1, 36);
  file.writeBigUInt64BE(BigInt(CLUSTER), 40);
  file.writeBigUInt64BE(zstd ? 8n : 0n, 72);
  file.writeUInt32BE(112, 100);
  file[104] = zstd ? 1 : 0;
  file.writeBigUInt64BE(BigInt(2 * CLUSTER), CLUSTER);
  const sectors = BigInt(Math.ceil(packed.length / 512) - 1);
  file.writeBigUInt64BE((1n << 62n) | (sectors << 54n) | BigInt(3 * CLUSTER), 2 * CLUSTER);
  file.set(packed, 3 * CLUSTER);
  return file;
}

const text = Buffer.alloc(CLUSTER, "Sheepfold ");
for (const [name, zstd, pack] of [
  ["deflate", false, deflateRawSync],
  ["zstd", true, zstdCompressSync],
] as const) {
  test(`a cluster compressed with ${name} is read; a bomb, a short and a damaged one are refused`, async () => {
    const reader = await open(compressedFile(pack(text), zstd));
    expect(Buffer.compare(await bytesAt(reader, 100, 5000), text.subarray(100, 5100))).toBe(0);
    const behind = Buffer.concat([pack(text), pack(text)]);
    expect(Buffer.compare(await bytesAt(await open(compressedFile(behind, zstd)), 0, CLUSTER), text)).toBe(0);
    const bad = [
      pack(Buffer.alloc(CLUSTER + 1)),
      pack(Buffer.alloc(CLUSTER - 1)),
      pack(text).subarray(0, 15),
    ];
    for (const packed of bad) {
      const damagedReader = await open(compressedFile(packed, zstd));
      await expect(bytesAt(damagedReader, 0, 10)).rejects.toMatchObject({ code: "source-read-failed" });
    }
  });
}

test("the end of a zstd frame is found whatever follows it", () => {
  for (const bytes of [Buffer.alloc(0), Buffer.alloc(3e5), noise(3e5, 7), text]) {
    const frame = zstdCompressSync(bytes);
    expect(zstdFrameLength(Buffer.concat([frame, noise(700, 9)]))).toBe(frame.length);
    expect(zstdFrameLength(frame.subarray(0, frame.length - 1))).toBeNull();
  }
});

const refusals: [string, (file: Buffer) => unknown, string][] = [
  ["another magic", (file) => file.writeUInt32BE(1, 0), "source-read-failed"],
  ["version 1", (file) => file.writeUInt32BE(1, 4), "input-invalid"],
  ["a backing file", (file) => file.writeBigUInt64BE(1024n, 8), "input-invalid"],
  ["encryption", (file) => file.writeUInt32BE(1, 32), "input-invalid"],
  ["an external data file", (file) => file.writeBigUInt64BE(4n, 72), "input-invalid"],
  ["subclusters", (file) => file.writeBigUInt64BE(16n, 72), "input-invalid"],
  ["features nobody knows", (file) => file.writeBigUInt64BE(1n << 40n, 72), "input-invalid"],
  ["a mark of corruption", (file) => file.writeBigUInt64BE(2n, 72), "source-read-failed"],
  ["clusters of 4 GiB", (file) => file.writeUInt32BE(32, 20), "source-read-failed"],
  ["a disk of 2^63 bytes", (file) => file.writeBigUInt64BE(1n << 63n, 24), "source-read-failed"],
  ["a disk of 8 TiB with a small L1", (file) => file.writeBigUInt64BE(1n << 43n, 24), "source-read-failed"],
  ["no bytes", (file) => file.writeBigUInt64BE(0n, 24), "source-read-failed"],
  ["an L1 table behind the end", (file) => file.writeBigUInt64BE(1n << 60n, 40), "source-read-failed"],
  ["an L2 table behind the end", (file) => file.writeBigUInt64BE(1n << 50n, CLUSTER), "source-read-failed"],
  [
    "an L2 table inside a cluster",
    (file) => file.writeBigUInt64BE(BigInt(CLUSTER + 512), CLUSTER),
    "source-read-failed",
  ],
];
for (const [name, spoil, code] of refusals) {
  test(`a qcow2 file with ${name} is refused`, async () => {
    const file = Buffer.from(await written());
    spoil(file);
    await expect(open(file).then((reader) => bytesAt(reader, 0, 10))).rejects.toMatchObject({ code });
  });
}

test("a file cut short anywhere is never read as if it were whole", async () => {
  const file = await written();
  for (const length of [0, 50, HEADER_BYTES, CLUSTER, 3 * CLUSTER, 12 * CLUSTER]) {
    const reading = open(file.subarray(0, length)).then(async (reader) => {
      for (const [offset, bytes] of PIECES) await bytesAt(reader, offset, bytes.length);
    });
    await expect(reading).rejects.toMatchObject({ code: "source-read-failed" });
  }
});

test("hostile bytes in header and tables end in bytes or a named error, never a read outside the file", async () => {
  const good = await written();
  let refusedCount = 0;
  for (let round = 0; round < 2000; round++) {
    const file = Buffer.from(good);
    const [tableByte = 0, bit = 0, place = 0] = noise(3, round + 1);
    const at = round % 2 === 0 ? place % HEADER_BYTES : CLUSTER + (tableByte % 16);
    file[at] = (file[at] ?? 0) ^ (1 << (bit % 8));
    try {
      await bytesAt(await open(file), 0, 3 * CLUSTER);
    } catch (error) {
      expect(error).toBeInstanceOf(CodedError);
      refusedCount += 1;
    }
  }
  expect(refusedCount).toBeGreaterThan(500);
});
