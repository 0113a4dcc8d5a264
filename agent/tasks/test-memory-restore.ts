// An image's restore in memory, for tests: the disk notes every write and flush; the gateway's answers are made from the wanted
// bytes.
import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { contentRootOf } from "#lib/page/content-root.ts";
import { hashPage, PAGE_BYTES, PAGE_HASH_BYTES, pageCountOf, sameHash } from "#lib/page/page.ts";
import type { RestoreImage } from "#lib/protocol/control.ts";
import { encodePage, imageTag } from "#lib/protocol/frames.ts";
import { ExtentTarget } from "../device/extents.ts";
import type { RawDevice } from "../device/raw-device.ts";
import { GatewayClient } from "../gateway-client.ts";
import { HashPool, type PageRange } from "../hash/hash-pool.ts";
import { ImageRestore } from "./restore-image.ts";
import { TaskProgress } from "./task-context.ts";

const SNAPSHOT = "snap_1";

/** Every write as [offset, length], and "flush". */
export type Deed = readonly [number, number] | "flush";

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

export function hashesOf(bytes: Uint8Array, firstPage: number, count: number): Uint8Array {
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

export interface MemoryRestore {
  readonly restore: ImageRestore;
  readonly image: RestoreImage;
  readonly deeds: readonly Deed[];
  close(): void;
}

/** A restore of `wanted` onto the memory `present`. */
export function memoryRestore(wanted: Buffer, present: Buffer): MemoryRestore {
  const { device, deeds } = memoryDevice(present);
  const client = new WantedBytes(wanted);
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
  return {
    restore: new ImageRestore(context, SNAPSHOT, image, target),
    image,
    deeds,
    close: () => client.close(),
  };
}
