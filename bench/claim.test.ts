import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { claimTable, ratio, times } from "./claim.ts";
import { differingBytes } from "./differing-bytes.ts";

test("a promise above its bound is not met, at its bound it is, and an unmeasured one is never met", () => {
  const claim = { text: "speed", atMost: 0.45, format: times };
  const [, , above, at, unmeasured] = claimTable([
    { ...claim, value: 0.451 },
    { ...claim, value: 0.45 },
    { ...claim, value: null },
  ]).split("\n");
  expect(above).toContain("**not met**");
  expect(at).toMatch(/\| met \|$/);
  expect(unmeasured).toContain("not measured");
});

test("a ratio to nothing is not a number", () => {
  expect(ratio(3, 0)).toBeNull();
  expect(ratio(undefined, 2)).toBeNull();
  expect(ratio(3, 2)).toBe(1.5);
});

test("differing bytes are counted by blocks and by pages, the short last ones too", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sheepfold-differing-"));
  try {
    const sizeBytes = 3 * 256 * 1024 + 5000;
    const one = Buffer.alloc(sizeBytes, 7);
    const two = Buffer.from(one);
    two[0] = 1; // The first block of page 0,
    two[4096] = 1; // its second,
    two[sizeBytes - 1] = 1; // and the last block, of 904 bytes, of the last page, of 5000.
    await writeFile(join(folder, "a"), one);
    await writeFile(join(folder, "b"), two);
    const difference = await differingBytes(join(folder, "a"), join(folder, "b"), sizeBytes);
    expect(difference).toEqual({ blockBytes: 2 * 4096 + 904, pageBytes: 256 * 1024 + 5000 });
  } finally {
    await rm(folder, { recursive: true });
  }
});
