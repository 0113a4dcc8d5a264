// What neighbours say to each other, as bytes: 1 byte of type, 4 of length (little-endian), then the body. Pages travel as the
// frames of lib/protocol/frames.ts, as they were compressed once; all else is small. The decoder trusts nothing: each type
// has its own bound, and a message is kept only as far as its bound allows.
import { z } from "zod";
import { CodedError } from "#lib/model/errors.ts";
import { FRAME_BYTES_MAX, FRAME_HEADER_BYTES } from "#lib/protocol/frames.ts";
import { RANGES_MAX } from "./chain-node.ts";
import type { DemandRange } from "./demand.ts";

export const CHAIN_VERSION = 1;
const HEADER_BYTES = 5;
const RANGE_BYTES = 12;
const JSON_BYTES_MAX = 1024;

const HelloBody = z.object({
  version: z.literal(CHAIN_VERSION),
  nodeId: z.string().min(1).max(64),
  rank: z.number().int().min(0).max(0xffff_ffff),
});
const RefuseBody = z.object({ refusal: z.enum(["order", "full", "leaving"]) });

export type ChainMessage =
  | ({ readonly kind: "hello" } & z.infer<typeof HelloBody>)
  | { readonly kind: "welcome" }
  | ({ readonly kind: "refuse" } & z.infer<typeof RefuseBody>)
  | { readonly kind: "demand"; readonly ranges: readonly DemandRange[] }
  | { readonly kind: "page"; readonly frame: Buffer }
  | { readonly kind: "ping" }
  | { readonly kind: "status"; readonly starved: boolean };

const TYPES = ["hello", "welcome", "refuse", "demand", "page", "ping", "status"] as const;

const LENGTH_MAX: Readonly<Record<ChainMessage["kind"], number>> = {
  hello: JSON_BYTES_MAX,
  welcome: 0,
  refuse: JSON_BYTES_MAX,
  demand: RANGES_MAX * RANGE_BYTES,
  page: FRAME_BYTES_MAX,
  ping: 0,
  status: 1,
};

/** In parts, so that a page's bytes are not copied. */
export function encodeMessage(message: ChainMessage): Buffer[] {
  const body = bodyOf(message);
  const header = Buffer.allocUnsafe(HEADER_BYTES);
  header.writeUInt8(TYPES.indexOf(message.kind) + 1, 0);
  header.writeUInt32LE(body.length, 1);
  return body.length === 0 ? [header] : [header, body];
}

function bodyOf(message: ChainMessage): Buffer {
  switch (message.kind) {
    case "page":
      return message.frame;
    case "demand":
      return encodeRanges(message.ranges);
    case "status":
      return Buffer.of(Number(message.starved));
    case "hello":
    case "refuse":
      return Buffer.from(JSON.stringify(message));
    default:
      return Buffer.alloc(0);
  }
}

function encodeRanges(ranges: readonly DemandRange[]): Buffer {
  const body = Buffer.allocUnsafe(ranges.length * RANGE_BYTES);
  for (const [index, { first, count, depth, again }] of ranges.entries()) {
    const at = index * RANGE_BYTES;
    body.writeUInt32LE(first, at);
    body.writeUInt32LE(count, at + 4);
    body.writeUInt16LE(depth, at + 8);
    body.writeUInt16LE(Number(again), at + 10);
  }
  return body;
}

/** Turns a byte stream, cut anywhere, into messages. "protocol-violation" for anything it does not know. */
export class MessageDecoder {
  #chunks: Buffer[] = [];
  #held = 0;

  push(chunk: Buffer): ChainMessage[] {
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    const messages: ChainMessage[] = [];
    for (;;) {
      if (this.#held < HEADER_BYTES) return messages;
      const { kind, length } = this.#header();
      if (this.#held < HEADER_BYTES + length) return messages;
      const bytes = this.#joined();
      const end = HEADER_BYTES + length;
      messages.push(messageOf(kind, bytes.subarray(HEADER_BYTES, end)));
      this.#chunks = [bytes.subarray(end)];
      this.#held = bytes.length - end;
    }
  }

  /** Looked at before the rest is waited for: what claims too much is refused at once. */
  #header(): { kind: ChainMessage["kind"]; length: number } {
    const first = this.#chunks[0];
    const bytes = first !== undefined && first.length >= HEADER_BYTES ? first : this.#joined();
    const kind = TYPES[bytes.readUInt8(0) - 1];
    if (kind === undefined) throw violation("A neighbour sent a message of an unknown type");
    const length = bytes.readUInt32LE(1);
    if (length > LENGTH_MAX[kind])
      throw violation(`A neighbour sent a message "${kind}" of ${length} bytes, more than there can be`);
    return { kind, length };
  }

  #joined(): Buffer {
    const [first] = this.#chunks;
    const bytes = this.#chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.#chunks);
    this.#chunks = [bytes];
    return bytes;
  }
}

function messageOf(kind: ChainMessage["kind"], body: Buffer): ChainMessage {
  switch (kind) {
    case "page":
      if (body.length <= FRAME_HEADER_BYTES) throw violation("A neighbour sent a page that is no page");
      return { kind, frame: body };
    case "demand":
      return { kind, ranges: decodeRanges(body) };
    case "status":
      return { kind, starved: body[0] === 1 };
    case "hello":
      return { kind, ...parsed(HelloBody, body) };
    case "refuse":
      return { kind, ...parsed(RefuseBody, body) };
    default:
      return { kind };
  }
}

function decodeRanges(body: Buffer): DemandRange[] {
  if (body.length % RANGE_BYTES !== 0) throw violation("A neighbour sent a broken list of pages");
  return Array.from({ length: body.length / RANGE_BYTES }, (_, index) => {
    const at = index * RANGE_BYTES;
    return {
      first: body.readUInt32LE(at),
      count: body.readUInt32LE(at + 4),
      depth: body.readUInt16LE(at + 8),
      again: body.readUInt16LE(at + 10) === 1,
    };
  });
}

function parsed<Body>(schema: z.ZodType<Body>, body: Buffer): Body {
  let json: unknown = null;
  try {
    json = JSON.parse(body.toString("utf8"));
  } catch {
    // The schema refuses null with the same words.
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  throw violation("A neighbour sent a message that is not understood");
}

function violation(what: string): CodedError {
  return new CodedError("protocol-violation", `${what}.`, {
    hint: "Check that all PCs run agents of versions that fit.",
  });
}
