// Which frames are kept decoded, for how long, and in how much memory.
import { describe, expect, test } from "vitest";
import { FrameCache } from "./frame-cache.ts";

const MIB = 1024 * 1024;

/** Groups one after the other, each a string of frames, "abc"; the frames each decodes. */
function decodes(groups: readonly string[], slotCount: number): string[] {
  const uses = new Map<number, number>();
  for (const frame of groups.join("")) uses.set(codeOf(frame), (uses.get(codeOf(frame)) ?? 0) + 1);
  const cache = new FrameCache(uses, slotCount * 2 * MIB);
  const done = groups.map((group) => {
    const claims = [...group].map((frame) => ({ frame, ...cache.claim(codeOf(frame), 2 * MIB) }));
    for (const { decodes, slot } of claims) if (decodes && slot !== null) cache.decoded(slot);
    for (const { slot } of claims) if (slot !== null) cache.release(slot);
    expect(cache.bytes).toBeLessThanOrEqual(slotCount * 2 * MIB);
    return claims.filter((claim) => claim.decodes).map((claim) => claim.frame);
  });
  return done.map((frames) => frames.join(""));
}

function codeOf(frame: string): number {
  return frame.charCodeAt(0);
}

describe("RS-8: each frame is decoded once where the room allows", () => {
  test.each([
    ["neighbours share one", ["ab", "bc", "cd"], 2, ["ab", "c", "d"]],
    ["scattered", ["abc", "cba", "bca"], 3, ["abc", "", ""]],
    ["streams side by side", ["ax", "axb", "bxc", "cyx"], 3, ["ax", "b", "c", "y"]],
    ["no room at all", ["ab", "ba"], 0, ["ab", "ba"]],
    ["what is in use is not driven out", ["ab", "ab"], 1, ["ab", "b"]],
    ["what was unused longest makes room", ["a", "b", "c", "b", "c", "a"], 2, ["a", "b", "c", "", "", "a"]],
    ["what nobody needs again takes no room", ["a", "b", "c", "a"], 1, ["a", "b", "c", ""]],
  ])("%s", (_name, groups, slotCount, expected) => {
    expect(decodes(groups, slotCount)).toEqual(expected);
  });
});

test("a frame nobody expected is decoded and not kept", () => {
  const cache = new FrameCache(new Map());
  expect(cache.claim(7, 2 * MIB)).toEqual({ decodes: true, slot: null });
  expect(cache.bytes).toBe(0);
});

test("who waits for a frame fails as the one who was to decode it, and the next decodes it", async () => {
  const cache = new FrameCache(new Map([[1, 3]]));
  const first = cache.claim(1, 100);
  const second = cache.claim(1, 100);
  expect([first.decodes, second.decodes]).toEqual([true, false]);
  const slot = first.slot;
  if (slot === null) throw new Error("no slot");
  cache.failed(slot, new Error("rot"));
  await expect(second.slot?.whenDecoded).rejects.toThrow("rot");
  expect(cache.bytes).toBe(0);
  expect(cache.claim(1, 100).decodes).toBe(true);
});

test("memory is as large as frames need, and room of one size is given up for another", () => {
  const cache = new FrameCache(new Map([1, 2, 3, 4].map((frame) => [frame, 2])), 4 * MIB);
  for (const [frame, rawBytes, bytes] of [
    [1, 100, MIB / 4],
    [2, MIB + 1, 2 * MIB + MIB / 4],
    [3, 4 * MIB, 4 * MIB],
    [4, 2 ** 40, 4 * MIB],
  ] as const) {
    const { slot } = cache.claim(frame, rawBytes);
    expect(cache.bytes).toBe(bytes);
    if (slot !== null) cache.decoded(slot);
    if (slot !== null) cache.release(slot);
  }
});
