// Large buffers that nobody will read again are given back at once. Left to the garbage collector they make it run: it counts
// their bytes, and marks the whole heap each time some dozens of megabytes have come together, a tenth of an archive's time.

/** `bytes` must own their memory, and neither they nor any view of it may be used afterwards. */
export function freeMemory(bytes: Uint8Array): void {
  const { buffer } = bytes;
  // Node's pool of small buffers belongs to many.
  if (buffer instanceof ArrayBuffer && buffer.byteLength !== Buffer.poolSize) buffer.transfer(0);
}
