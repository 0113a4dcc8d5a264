import { describe, expect, test } from "vitest";
import { Chance } from "#lib/model/chance.ts";
import { FRAME_BYTES_MAX } from "#lib/protocol/frames.ts";
import { RANGES_MAX } from "./chain-node.ts";
import { type ChainMessage, encodeMessage, MessageDecoder } from "./wire.ts";

const MESSAGES: readonly ChainMessage[] = [
  { kind: "hello", version: 1, nodeId: "node_1", rank: 3 },
  { kind: "welcome" },
  { kind: "refuse", refusal: "order" },
  {
    kind: "demand",
    ranges: [
      { first: 0, count: 7, depth: 2, again: false },
      { first: 9, count: 1, depth: 0, again: true },
    ],
  },
  { kind: "page", frame: Buffer.alloc(100, 7) },
  { kind: "ping" },
  { kind: "status", starved: true },
];
const STREAM = Buffer.concat(MESSAGES.flatMap(encodeMessage));

test("messages come out as they went in, wherever the stream is cut", () => {
  for (const size of [1, 3, 5, 64, STREAM.length]) {
    const decoder = new MessageDecoder();
    const out: ChainMessage[] = [];
    for (let at = 0; at < STREAM.length; at += size)
      out.push(...decoder.push(STREAM.subarray(at, at + size)));
    expect(out).toEqual(MESSAGES);
  }
});

describe("refused", () => {
  const header = (type: number, length: number) => {
    const bytes = Buffer.alloc(5);
    bytes.writeUInt8(type, 0);
    bytes.writeUInt32LE(length, 1);
    return bytes;
  };
  const HOSTILE: readonly [string, Buffer][] = [
    ["an unknown type", header(99, 0)],
    ["type 0", header(0, 0)],
    ["a hello without end", header(1, 0xffff_ffff)],
    ["a welcome with a body", header(2, 1)],
    ["too many ranges", header(4, (RANGES_MAX + 1) * 12)],
    ["half a range", Buffer.concat([header(4, 6), Buffer.alloc(6)])],
    ["a page larger than any", header(5, FRAME_BYTES_MAX + 1)],
    ["a page without content", Buffer.concat([header(5, 10), Buffer.alloc(10)])],
    ["a hello that is no JSON", Buffer.concat([header(1, 4), Buffer.from("nope")])],
    ["a hello of another version", Buffer.concat(encodeMessage({ ...MESSAGES[0], version: 2 } as never))],
    ["a rank below 0", Buffer.concat(encodeMessage({ ...MESSAGES[0], rank: -1 } as never))],
  ];
  for (const [what, bytes] of HOSTILE) {
    test(what, () => {
      expect(() => new MessageDecoder().push(bytes)).toThrowError(
        expect.objectContaining({ code: "protocol-violation" }),
      );
    });
  }
});

test("hostile bytes are refused by name or wait for more, and never hold more than one message", () => {
  const chance = new Chance(4711);
  for (let round = 0; round < 2_000; round += 1) {
    const bytes = Buffer.from(STREAM);
    for (let flips = chance.between(1, 6); flips > 0; flips -= 1) {
      bytes[chance.between(0, bytes.length - 1)] = chance.between(0, 255);
    }
    try {
      new MessageDecoder().push(bytes);
    } catch (thrown) {
      expect(thrown).toMatchObject({ code: "protocol-violation" });
    }
  }
});
