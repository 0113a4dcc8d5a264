// The NBD protocol's numbers and messages as bytes. Encode and decode, nothing else.
//
// After the protocol text of the NetworkBlockDevice project (doc/proto.md): fixed newstyle handshake, options with
// replies, simple and structured replies. All numbers are big-endian.

export const HANDSHAKE_MAGIC = 0x4e42444d41474943n; // "NBDMAGIC"
export const OPTION_MAGIC = 0x49484156454f5054n; // "IHAVEOPT"
const OPTION_REPLY_MAGIC = 0x0003e889045565a9n;
export const REQUEST_MAGIC = 0x25609513;
const SIMPLE_REPLY_MAGIC = 0x67446698;
const STRUCTURED_REPLY_MAGIC = 0x668e33ef;

export const HANDSHAKE_FLAG = { fixedNewstyle: 1, noZeroes: 2 } as const;
export const OPTION = {
  exportName: 1,
  abort: 2,
  list: 3,
  info: 6,
  go: 7,
  structuredReply: 8,
  listMetaContext: 9,
  setMetaContext: 10,
} as const;
export const OPTION_REPLY = {
  ack: 1,
  server: 2,
  info: 3,
  metaContext: 4,
  errorUnsupported: 0x80000001,
  errorInvalid: 0x80000003,
  errorUnknownExport: 0x80000006,
  errorTooBig: 0x80000009,
} as const;
export const INFO = { export: 0, name: 1, description: 2, blockSize: 3 } as const;
export const EXPORT_FLAG = {
  hasFlags: 1 << 0,
  readOnly: 1 << 1,
  sendFlush: 1 << 2,
  sendDontFragment: 1 << 7,
  canMultiConnect: 1 << 8,
} as const;
export const REQUEST_TYPE = {
  read: 0,
  write: 1,
  disconnect: 2,
  flush: 3,
  trim: 4,
  writeZeroes: 6,
  blockStatus: 7,
} as const;
export const REQUEST_FLAG = { dontFragment: 1 << 2, requestOne: 1 << 3 } as const;
export const NBD_ERROR = { notPermitted: 1, io: 5, invalid: 22, shuttingDown: 108 } as const;
export const CHUNK = { none: 0, offsetData: 1, offsetHole: 2, blockStatus: 5, error: 32769 } as const;
export const STATE_HOLE_AND_ZERO = 3;
const CHUNK_DONE = 1;

export const OPTION_HEAD_BYTES = 16;
export const REQUEST_BYTES = 28;

/** The protocol's bound for names and queries. */
export const STRING_BYTES_MAX = 4096;

export interface OptionHead {
  readonly magic: bigint;
  readonly option: number;
  readonly lengthBytes: number;
}

export function decodeOptionHead(bytes: Buffer): OptionHead {
  return {
    magic: bytes.readBigUInt64BE(0),
    option: bytes.readUInt32BE(8),
    lengthBytes: bytes.readUInt32BE(12),
  };
}

export interface Request {
  readonly magic: number;
  readonly flags: number;
  readonly type: number;
  /** The client's own mark, returned with the reply. */
  readonly cookie: bigint;
  readonly offsetBytes: bigint;
  readonly lengthBytes: number;
}

export function decodeRequest(bytes: Buffer): Request {
  return {
    magic: bytes.readUInt32BE(0),
    flags: bytes.readUInt16BE(4),
    type: bytes.readUInt16BE(6),
    cookie: bytes.readBigUInt64BE(8),
    offsetBytes: bytes.readBigUInt64BE(16),
    lengthBytes: bytes.readUInt32BE(24),
  };
}

export interface InfoRequest {
  readonly name: string;
  readonly wanted: readonly number[];
}

/** Data of INFO and GO; null when the lengths inside do not add up. */
export function decodeInfoRequest(data: Buffer): InfoRequest | null {
  const named = decodeString(data, 0);
  if (named === null || data.length < named.end + 2) return null;
  const count = data.readUInt16BE(named.end);
  if (data.length !== named.end + 2 + count * 2) return null;
  const wanted = Array.from({ length: count }, (_, index) => data.readUInt16BE(named.end + 2 + index * 2));
  return { name: named.text, wanted };
}

export interface MetaContextRequest {
  readonly name: string;
  readonly queries: readonly string[];
}

/** Data of LIST_META_CONTEXT and SET_META_CONTEXT; null when the lengths inside do not add up. */
export function decodeMetaContextRequest(data: Buffer): MetaContextRequest | null {
  const named = decodeString(data, 0);
  if (named === null || data.length < named.end + 4) return null;
  const count = data.readUInt32BE(named.end);
  const queries: string[] = [];
  let at = named.end + 4;
  while (queries.length < count) {
    const query = decodeString(data, at);
    if (query === null) return null;
    queries.push(query.text);
    at = query.end;
  }
  return at === data.length ? { name: named.text, queries } : null;
}

function decodeString(data: Buffer, at: number): { readonly text: string; readonly end: number } | null {
  if (data.length < at + 4) return null;
  const length = data.readUInt32BE(at);
  const end = at + 4 + length;
  if (length > STRING_BYTES_MAX || end > data.length) return null;
  return { text: data.toString("utf8", at + 4, end), end };
}

export function encodeGreeting(): Buffer {
  return joined(
    u64(HANDSHAKE_MAGIC),
    u64(OPTION_MAGIC),
    u16(HANDSHAKE_FLAG.fixedNewstyle | HANDSHAKE_FLAG.noZeroes),
  );
}

export function encodeOptionReply(
  option: number,
  type: number,
  data: Uint8Array = new Uint8Array(0),
): Buffer {
  return joined(u64(OPTION_REPLY_MAGIC), u32(option), u32(type), u32(data.length), data);
}

/** The answer to EXPORT_NAME, which has no frame around it. */
export function encodeExportName(sizeBytes: number, flags: number, withZeroes: boolean): Buffer {
  return joined(u64(BigInt(sizeBytes)), u16(flags), Buffer.alloc(withZeroes ? 124 : 0));
}

export function encodeServerName(name: string): Buffer {
  const text = Buffer.from(name);
  return joined(u32(text.length), text);
}

export function encodeExportInfo(sizeBytes: number, flags: number): Buffer {
  return joined(u16(INFO.export), u64(BigInt(sizeBytes)), u16(flags));
}

export function encodeTextInfo(kind: number, text: string): Buffer {
  return joined(u16(kind), Buffer.from(text));
}

export interface BlockSizes {
  readonly minimum: number;
  readonly preferred: number;
  readonly maximum: number;
}

export function encodeBlockSizeInfo({ minimum, preferred, maximum }: BlockSizes): Buffer {
  return joined(u16(INFO.blockSize), u32(minimum), u32(preferred), u32(maximum));
}

export function encodeMetaContext(id: number, name: string): Buffer {
  return joined(u32(id), Buffer.from(name));
}

/** Data, if any, follows the reply as it is. */
export function encodeSimpleReply(cookie: bigint, error: number): Buffer {
  return joined(u32(SIMPLE_REPLY_MAGIC), u32(error), u64(cookie));
}

export interface Chunk {
  readonly type: number;
  readonly cookie: bigint;
  /** The last of its reply. */
  readonly done: boolean;
  /** The chunk's own fields. */
  readonly head: Uint8Array;
  /** Bytes that follow `head`, sent by the caller. */
  readonly dataBytes?: number;
}

export function encodeChunk({ type, cookie, done, head, dataBytes = 0 }: Chunk): Buffer {
  const length = u32(head.length + dataBytes);
  return joined(
    u32(STRUCTURED_REPLY_MAGIC),
    u16(done ? CHUNK_DONE : 0),
    u16(type),
    u64(cookie),
    length,
    head,
  );
}

export function encodeOffset(offsetBytes: number): Buffer {
  return u64(BigInt(offsetBytes));
}

export function encodeHole(offsetBytes: number, lengthBytes: number): Buffer {
  return joined(u64(BigInt(offsetBytes)), u32(lengthBytes));
}

export function encodeErrorChunk(error: number, message: string): Buffer {
  const text = Buffer.from(message).subarray(0, STRING_BYTES_MAX);
  return joined(u32(error), u16(text.length), text);
}

export function encodeBlockStatus(
  contextId: number,
  runs: readonly { readonly lengthBytes: number; readonly state: number }[],
): Buffer {
  return joined(u32(contextId), ...runs.flatMap(({ lengthBytes, state }) => [u32(lengthBytes), u32(state)]));
}

function joined(...parts: readonly Uint8Array[]): Buffer {
  return Buffer.concat(parts);
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function u64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}
