// A stream as a source: the bytes in order, and no way to end but exactly where it was said to.
import { expect, test } from "vitest";
import { StreamSource } from "./stream-source.ts";

async function* chunksOf(bytes: Uint8Array, size: number, fails = false): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  if (fails) throw new Error("checksum");
}

const BYTES = Uint8Array.from({ length: 1000 }, (_, index) => index % 251);

test("reads under way together get the bytes in the order they asked, across chunks", async () => {
  const source = new StreamSource("stdin", 1000, chunksOf(BYTES, 37));
  const parts = [400, 1, 599].map((length) => new Uint8Array(length));
  await Promise.all([source.read(0, parts[0] as Uint8Array), source.read(400, parts[1] as Uint8Array)]);
  await source.read(401, parts[2] as Uint8Array);
  expect(Buffer.compare(Buffer.concat(parts), BYTES)).toBe(0);
  await source.checkEnd();
});

test("a stream that ends early fails the read, and every one after it", async () => {
  const source = new StreamSource("stdin", 2000, chunksOf(BYTES, 300));
  const first = source.read(0, new Uint8Array(1500));
  const second = source.read(1500, new Uint8Array(500));
  const error = { code: "source-changed-size", message: "stdin ends at byte 1000 instead of 2000." };
  await expect(first).rejects.toMatchObject(error);
  await expect(second).rejects.toMatchObject(error);
  await expect(source.checkEnd()).rejects.toMatchObject(error);
});

test("a stream that goes on, and one whose checksum is wrong at the very end, are found out before the commit", async () => {
  for (const [size, fails, code] of [
    [999, false, "source-changed-size"],
    [1000, true, "source-read-failed"],
  ] as const) {
    const source = new StreamSource("stdin", size, chunksOf(BYTES, 999, fails));
    await source.read(0, new Uint8Array(size));
    await expect(source.checkEnd()).rejects.toMatchObject({ code });
  }
});
