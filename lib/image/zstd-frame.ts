// zstdFrameLength finds where a zstd frame ends (RFC 8878), from the sizes it states, without decoding it. A qcow2 table
// says only in which sectors a compressed cluster lies, and the next frame may begin in the same sector.

const MAGIC = 0xfd2fb528;
const BLOCK_HEAD_BYTES = 3;
const BLOCK_RLE = 1;
const CHECKSUM_BYTES = 4;

/** Null when no whole frame begins here. */
export function zstdFrameLength(bytes: Uint8Array): number | null {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.length < 5 || view.readUInt32LE(0) !== MAGIC) return null;
  const descriptor = view.readUInt8(4);
  let at = 5 + headFieldsBytes(descriptor);
  for (let isLast = false; !isLast; ) {
    if (at + BLOCK_HEAD_BYTES > view.length) return null;
    const head = view.readUIntLE(at, BLOCK_HEAD_BYTES);
    isLast = (head & 1) === 1;
    at += BLOCK_HEAD_BYTES + (((head >> 1) & 3) === BLOCK_RLE ? 1 : head >> 3);
  }
  if ((descriptor & 4) !== 0) at += CHECKSUM_BYTES;
  return at <= view.length ? at : null;
}

/** Window, dictionary and content size, as the descriptor's bits say which are there. */
function headFieldsBytes(descriptor: number): number {
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  return (isSingleSegment ? 0 : 1) + dictionaryBytes + sizeBytes;
}
