// The order in which a restore writes, which decides what a power cut leaves behind. The disk is memory that notes every
// write and flush; the gateway's answers are made from the wanted bytes.
import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { contentRootOf } from "#lib/page/content-root.ts";
import { hashPage, PAGE_BYTES, PAGE_HASH_BYTES, pageCountOf, sameHash } from "#lib/page/page.ts";
import { encodePage, imageTag } from "#lib/protocol/frames.ts";
import { ExtentTarget } from "../device/extents.ts";
import type { RawDevice } from "../device/raw-device.ts";
import { GatewayClient } from "../gateway-client.ts";
import { HashPool, type PageRange } from "../hash/hash-pool.ts";
import { noise } from "../test-disk.ts";
import { ImageRestore } from "./restore-image.ts";
import { TaskProgress } from "./task-context.ts";

const START = 4096;
const SNAPSHOT = "snap_1";
const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** Every write as [offset, length], and "flush". */
type Deed = readonly [number, number] | "flush";

function memoryDevice(bytes: Buffer): { device: RawDevice; deeds: Deed[] } {
  const deeds: Deed[] = [];
  const device: RawDevice = {
    path: "memory",
    sizeBytes: bytes.length,
    read: async (offsetBytes, into) => into.set(bytes.subarray(offsetBytes, offsetBytes + into.length)),
    write: async (offsetBytes, written) => {
      deeds.push([offsetBytes, written.length]);
      bytes.set(written, offsetBytes);
    },
    zero: async (offsetBytes, lengthBytes) => {
      deeds.push([offsetBytes, lengthBytes]);
      bytes.fill(0, offsetBytes, offsetBytes + lengthBytes);
    },
    flush: async () => {
      deeds.push("flush");
    },
    close: async () => undefined,
  };
  return { device, deeds };
}

function hashesOf(bytes: Uint8Array, firstPage: number, count: number): Uint8Array {
  const hashes = new Uint8Array(count * PAGE_HASH_BYTES);
  for (let slot = 0; slot < count; slot++) {
    const at = (firstPage + slot) * PAGE_BYTES;
    hashes.set(hashPage(bytes.subarray(at, at + PAGE_BYTES)), slot * PAGE_HASH_BYTES);
  }
  return hashes;
}

class MemoryPool extends HashPool {
  readonly #bytes: Uint8Array;
  constructor(bytes: Uint8Array) {
    super(0);
    this.#bytes = bytes;
  }
  override async hashPages({ firstPage, count }: PageRange): Promise<Uint8Array> {
    return hashesOf(this.#bytes, firstPage, count);
  }
}

/** Answers comparisons from the wanted bytes, as the gateway's differ route does. */
class WantedBytes extends GatewayClient {
  readonly wanted: Uint8Array;
  constructor(wanted: Uint8Array) {
    const nobody = { certPem: "", keyPem: "", keyHash: "", code: "" };
    super({ host: "127.0.0.1", port: 1, fingerprint: "sha256:" }, nobody);
    this.wanted = wanted;
  }
  override async open(route: string, body: Uint8Array): Promise<IncomingMessage> {
    const firstPage = Number(/first=(\d+)/.exec(route)?.[1]);
    const response = new IncomingMessage(new Socket());
    for (let slot = 0; slot < body.length / PAGE_HASH_BYTES; slot++) {
      const at = (firstPage + slot) * PAGE_BYTES;
      const page = this.wanted.subarray(at, at + PAGE_BYTES);
      const contentHash = hashPage(page);
      if (sameHash(contentHash, body.subarray(slot * PAGE_HASH_BYTES, (slot + 1) * PAGE_HASH_BYTES)))
        continue;
      const header = { imageTag: imageTag(SNAPSHOT, "S", "p1"), pageIndex: firstPage + slot, contentHash };
      response.push(await encodePage({ ...header, lengthBytes: page.length }, page));
    }
    response.push(null);
    return response;
  }
}

async function restoreInMemory(wanted: Buffer, present: Buffer): Promise<Deed[]> {
  const { device, deeds } = memoryDevice(present);
  const client = new WantedBytes(wanted);
  closing.push(() => client.close());
  const context = {
    client,
    pool: new MemoryPool(present),
    diskPaths: [],
    taskId: "task_1",
    leaseId: "token_1",
    signal: new AbortController().signal,
    progress: new TaskProgress(),
  };
  const root = contentRootOf(hashesOf(wanted, 0, pageCountOf(wanted.length)), wanted.length);
  const image = {
    image: 0,
    diskSerial: "S",
    partition: "p1",
    sizeBytes: wanted.length,
    contentRoot: Buffer.from(root).toString("hex"),
  };
  const target = new ExtentTarget(device, [{ offsetBytes: 0, lengthBytes: present.length }]);
  await new ImageRestore(context, SNAPSHOT, image, target).run();
  expect(present.equals(wanted)).toBe(true);
  return deeds;
}

test("the first 4 KiB are blanked and forced before, and written after, everything else was forced", async () => {
  const wanted = noise(1, 3 * PAGE_BYTES);
  const present = Buffer.from(wanted);
  noise(2, START).copy(present, 2 * PAGE_BYTES);
  noise(3, 3 * START).copy(present, 0);
  expect(await restoreInMemory(wanted, present)).toEqual([
    [0, START],
    "flush",
    [2 * PAGE_BYTES, START],
    [START, 2 * START],
    "flush",
    [0, START],
    "flush",
  ]);
});

test("within the first page, too, its first 4 KiB come last", async () => {
  const wanted = noise(4, PAGE_BYTES);
  const present = Buffer.from(wanted);
  noise(5, START).copy(present, 8 * START);
  expect(await restoreInMemory(wanted, present)).toEqual([
    [0, START],
    "flush",
    [8 * START, START],
    "flush",
    [0, START],
    "flush",
  ]);
});

test("a start that alone differs is written, and one that is right is not touched", async () => {
  const wanted = noise(6, PAGE_BYTES);
  const other = Buffer.from(wanted);
  noise(7, START).copy(other, 0);
  expect(await restoreInMemory(wanted, other)).toEqual(["flush", [0, START], "flush"]);
  expect(await restoreInMemory(wanted, Buffer.from(wanted))).toEqual(["flush"]);
});
