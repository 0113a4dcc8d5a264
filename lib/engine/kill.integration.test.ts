// The real thing, in small: a process that archives, prunes, frees and scrubs in a folder on a real disk is killed (SIGKILL)
// at random moments. `npm run proof` does it a thousand times.
import { randomInt } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { killAtRandom } from "./simulation/killing.ts";

const KILLS = 20;
const SEED = randomInt(2 ** 20);

test(`LOCK-2, COMMIT-1, GC-8: ${KILLS} kills at random moments (seed ${SEED}) lose no acknowledged snapshot and leave nothing broken`, async () => {
  const folder = await mkdtemp(join(tmpdir(), "sheepfold-kill-"));
  try {
    const report = await killAtRandom({ folder, kills: KILLS, seed: SEED });
    expect(report.killCount).toBe(KILLS);
    expect(report.committedCount).toBeGreaterThan(0);
    expect(report.restoredCount).toBeGreaterThan(0);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 300_000);
