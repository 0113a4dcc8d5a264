// What `npm run proof` proves in full, in small: single faults over a whole life, and flipped bits in a real folder.
import { randomInt } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { faultEverywhere } from "./simulation/faulting.ts";
import { flipEverywhere } from "./simulation/flipping.ts";

const FLIPS = 60;
const SEED = randomInt(2 ** 20);
const STRIDE = 17;

test(`COMMIT-1, GC-8, SN-3: a crash, or a full disk, at every ${STRIDE}th storage call of a whole life loses nothing`, async () => {
  const report = await faultEverywhere({ stride: STRIDE });
  expect(report.callCount).toBeGreaterThan(100);
  expect(report.crashCount).toBeGreaterThan(20);
  expect(report.fullCount).toBeGreaterThan(2);
  expect(report.restoredCount).toBeGreaterThan(0);
});

const KEY = { kind: "key-file", bytes: new Uint8Array(32).fill(5) } as const;

test.each([
  { what: "a folder", key: undefined },
  { what: "an encrypted folder", key: KEY },
])(
  `VF-1, RS-2, EN-4: ${FLIPS} bits flipped in any file of $what (seed ${SEED}) are named, and no wrong byte is restored`,
  async ({ key }) => {
    const folder = await mkdtemp(join(tmpdir(), "sheepfold-flips-"));
    try {
      const report = await flipEverywhere({ folder, flips: FLIPS, seed: SEED, key });
      expect(report.namedCount + report.harmlessCount).toBe(FLIPS);
      expect(report.namedCount).toBeGreaterThan(FLIPS / 3);
      expect(report.refusedRestoreCount).toBeGreaterThan(0);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
);
