import { randomBytes } from "node:crypto";
import { zstdCompressSync } from "node:zlib";
import { expect, test } from "vitest";
import { CodedError } from "#lib/model/errors.ts";
import { hashPage, PAGE_BYTES } from "#lib/page/page.ts";
import {
  encodeFill,
  encodePage,
  FRAME_BYTES_MAX,
  FRAME_HEADER_BYTES,
  type Frame,
  FrameDecoder,
  type FrameHeader,
  framesOf,
  imageTag,
  pageOf,
} from "./frames.ts";

function headerFor(page: Uint8Array, pageIndex = 3): FrameHeader {
  return {
    imageTag: imageTag("snap_1", "S1", "p1"),
    pageIndex,
    lengthBytes: page.length,
    contentHash: hashPage(page),
  };
}

const text = Buffer.alloc(PAGE_BYTES, "The quick brown fox jumps over the lazy dog. ");
const random = randomBytes(PAGE_BYTES);
const short = randomBytes(777);

async function threeFrames(): Promise<Buffer> {
  const zeros = new Uint8Array(PAGE_BYTES);
  return Buffer.concat([
    await encodePage(headerFor(text, 0), text),
    encodeFill(headerFor(zeros, 1), 0),
    await encodePage(headerFor(random, 2), random),
    await encodePage(headerFor(short, 3), short),
  ]);
}

function decodeWhole(bytes: Uint8Array): Frame[] {
  const decoder = new FrameDecoder();
  const frames = decoder.push(bytes);
  decoder.end();
  return frames;
}

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof CodedError) return thrown.code;
    throw thrown;
  }
  return "accepted";
}

test("frames come out as they went in, whatever the cuts of the stream", async () => {
  const bytes = await threeFrames();
  for (const step of [1, 67, 68, 69, 1000, 65_536, bytes.length]) {
    const decoder = new FrameDecoder();
    const frames: Frame[] = [];
    for (let at = 0; at < bytes.length; at += step)
      frames.push(...decoder.push(Buffer.from(bytes.subarray(at, at + step))));
    decoder.end();
    expect(frames.map((frame) => [frame.pageIndex, frame.kind])).toEqual([
      [0, "zstd"],
      [1, "fill"],
      [2, "raw"],
      [3, "raw"],
    ]);
    const pages = await Promise.all(frames.map(pageOf));
    expect(Buffer.from(pages[0] ?? []).equals(text)).toBe(true);
    expect(Buffer.from(pages[2] ?? []).equals(random)).toBe(true);
    expect(
      frames.every((frame, index) => Buffer.from(hashPage(pages[index] ?? short)).equals(frame.contentHash)),
    ).toBe(true);
    if (step === 1) break; // Byte by byte is slow; one pass of it is enough.
  }
}, 60_000);

test("incompressible pages travel raw and no frame is longer than the bound", async () => {
  const frame = await encodePage(headerFor(random), random);
  expect(frame.length).toBe(FRAME_BYTES_MAX);
  expect((await encodePage(headerFor(text), text)).length).toBeLessThan(2_000);
});

test("a frame cut off is noticed at the end of the stream", async () => {
  const bytes = await threeFrames();
  for (const cut of [1, 67, FRAME_HEADER_BYTES, bytes.length - 1]) {
    expect(refusal(() => decodeWhole(bytes.subarray(0, cut)))).toBe("protocol-violation");
  }
});

test("a header that lies about lengths, version, kind or magic is refused before its payload is awaited", async () => {
  const whole = await encodePage(headerFor(text), text);
  const lies: ((frame: Buffer) => void)[] = [
    (frame) => frame.writeUInt32LE(0x12345678, 0),
    (frame) => frame.writeUInt8(2, 4),
    (frame) => frame.writeUInt8(9, 5),
    (frame) => frame.writeUInt16LE(1, 6),
    (frame) => frame.writeUInt32LE(0, 28),
    (frame) => frame.writeUInt32LE(PAGE_BYTES + 1, 28),
    (frame) => frame.writeUInt32LE(0xffffffff, 32),
    (frame) => frame.writeUInt32LE(0, 32),
    (frame) => frame.writeUInt8(3, 5),
    (frame) => frame.writeUInt8(2, 5),
  ];
  for (const lie of lies) {
    const header = Buffer.from(whole.subarray(0, FRAME_HEADER_BYTES));
    lie(header);
    expect(refusal(() => new FrameDecoder().push(header))).toBe("protocol-violation");
  }
});

test("a compressed page never unpacks to more than its length", async () => {
  const bomb = zstdCompressSync(new Uint8Array(64 * 1024 * 1024));
  const page = new Uint8Array(PAGE_BYTES);
  const frame: Frame = { ...headerFor(page), kind: "zstd", fillByte: null, payload: bomb };
  await expect(pageOf(frame)).rejects.toMatchObject({ code: "protocol-violation" });
  const tooShort: Frame = { ...frame, payload: zstdCompressSync(new Uint8Array(100)) };
  await expect(pageOf(tooShort)).rejects.toMatchObject({ code: "protocol-violation" });
  await expect(pageOf({ ...frame, payload: Buffer.from("garbage") })).rejects.toMatchObject({
    code: "protocol-violation",
  });
});

test("fuzz: damaged streams end in a typed refusal or in frames whose hash tells", async () => {
  const bytes = await threeFrames();
  for (let round = 0; round < 300; round++) {
    const damaged = Buffer.from(bytes);
    const flips = 1 + (round % 4);
    for (let flip = 0; flip < flips; flip++) {
      const at = randomBytes(4).readUInt32LE() % damaged.length;
      damaged.writeUInt8(damaged.readUInt8(at) ^ (1 << (round % 8)), at);
    }
    const end = round % 3 === 0 ? randomBytes(4).readUInt32LE() % damaged.length : damaged.length;
    try {
      for await (const frame of framesOf(chunksOf(damaged.subarray(0, end)))) {
        const page = await pageOf(frame);
        expect(page.length).toBe(frame.lengthBytes);
      }
    } catch (thrown) {
      expect(thrown).toBeInstanceOf(CodedError);
    }
  }
}, 60_000);

async function* chunksOf(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 40_000) yield bytes.subarray(at, at + 40_000);
}

test("images of one snapshot have different tags", () => {
  const tags = [
    imageTag("snap_1", "S1", "p1"),
    imageTag("snap_1", "S1", "p2"),
    imageTag("snap_1", "S2", "p1"),
    imageTag("snap_2", "S1", "p1"),
  ];
  expect(new Set(tags.map((tag) => Buffer.from(tag).toString("hex"))).size).toBe(4);
});
