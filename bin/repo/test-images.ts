// For tests: images that look like partitions, made of bytes that are the same every time.
import { open } from "node:fs/promises";

export const MIB = 1024 * 1024;

/** Deterministic bytes that do not compress: a stored block each. */
export function noise(bytes: number, seed: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  let state = seed * 2654435761;
  for (let offset = 0; offset < bytes; offset += 4) {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 0x9e3779b9) >>> 0;
    buffer.writeUInt32LE(state, offset);
  }
  return buffer;
}

/** An image with an ext superblock's mark, noise in part, and zeros in the rest. */
export async function makeImage(path: string, sizeBytes: number, noiseMib = 4): Promise<void> {
  const handle = await open(path, "w");
  try {
    await handle.truncate(sizeBytes);
    for (let mib = 0; mib < noiseMib; mib += 1) await handle.write(noise(MIB, mib + 1), 0, MIB, mib * MIB);
    await handle.write(Buffer.alloc(4096), 0, 4096, 0);
    await handle.write(Buffer.from([0x53, 0xef]), 0, 2, 0x438);
  } finally {
    await handle.close();
  }
}

export async function overwrite(path: string, offset: number, bytes: Uint8Array): Promise<void> {
  const handle = await open(path, "r+");
  try {
    await handle.write(bytes, 0, bytes.length, offset);
  } finally {
    await handle.close();
  }
}
