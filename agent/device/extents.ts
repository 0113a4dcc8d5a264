// A partition is one stretch of a disk; the disk layout is two. Extents name such stretches, and ExtentTarget lets the rest
// of the agent read and write them as if they were one file that begins at 0.
import { CodedError } from "#lib/model/errors.ts";
import type { RawDevice } from "./raw-device.ts";

export interface Extent {
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

export function extentsBytes(extents: readonly Extent[]): number {
  return extents.reduce((sum, extent) => sum + extent.lengthBytes, 0);
}

/** The stretches of the disk that `lengthBytes` from `offsetBytes` of the concatenation lie in, in order. */
export function locate(extents: readonly Extent[], offsetBytes: number, lengthBytes: number): Extent[] {
  const found: Extent[] = [];
  let skip = offsetBytes;
  let rest = lengthBytes;
  for (const extent of extents) {
    if (rest === 0) break;
    if (skip >= extent.lengthBytes) {
      skip -= extent.lengthBytes;
      continue;
    }
    const taken = Math.min(rest, extent.lengthBytes - skip);
    found.push({ offsetBytes: extent.offsetBytes + skip, lengthBytes: taken });
    rest -= taken;
    skip = 0;
  }
  if (rest > 0) {
    throw new CodedError(
      "source-changed-size",
      `Bytes ${offsetBytes} to ${offsetBytes + lengthBytes} lie outside a partition of ${extentsBytes(extents)} bytes.`,
    );
  }
  return found;
}

/** Random access to a partition or layout of an open device. */
export class ExtentTarget {
  readonly sizeBytes: number;
  readonly extents: readonly Extent[];
  readonly device: RawDevice;

  constructor(device: RawDevice, extents: readonly Extent[]) {
    this.device = device;
    this.extents = extents;
    this.sizeBytes = extentsBytes(extents);
  }

  async read(offsetBytes: number, into: Uint8Array): Promise<void> {
    let done = 0;
    for (const part of locate(this.extents, offsetBytes, into.length)) {
      await this.device.read(part.offsetBytes, into.subarray(done, done + part.lengthBytes));
      done += part.lengthBytes;
    }
  }

  async write(offsetBytes: number, bytes: Uint8Array): Promise<void> {
    let done = 0;
    for (const part of locate(this.extents, offsetBytes, bytes.length)) {
      await this.device.write(part.offsetBytes, bytes.subarray(done, done + part.lengthBytes));
      done += part.lengthBytes;
    }
  }

  async zero(offsetBytes: number, lengthBytes: number): Promise<void> {
    for (const part of locate(this.extents, offsetBytes, lengthBytes)) {
      await this.device.zero(part.offsetBytes, part.lengthBytes);
    }
  }

  flush(): Promise<void> {
    return this.device.flush();
  }
}
