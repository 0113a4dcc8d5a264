// The engine under a simulated year of work and bad luck, judged by a naive model. Some seeds are fixed, those
// that once found a mistake are kept in kept-seeds.json, and some are fresh with every run.
import { randomInt } from "node:crypto";
import { expect, test } from "vitest";
import keptSeeds from "./kept-seeds.json" with { type: "json" };
import { runSimulation } from "./run.ts";

interface KeptSeed {
  readonly seed: number;
  readonly steps: number;
  /** What it found. */
  readonly why: string;
}

// Many short lives find more than a long one, and cost less: a life's last steps look at all its snapshots.
const STEPS = 100;
const FIXED_SEEDS = Array.from({ length: 14 }, (_, index) => index + 1);
const FRESH_SEEDS = Array.from({ length: 6 }, () => randomInt(2 ** 31));
const TIMEOUT_MS = 120_000;

for (const seed of FIXED_SEEDS) {
  test(`engine simulation keeps every promise, seed ${seed}`, () => play(seed, STEPS), TIMEOUT_MS);
}

for (const { seed, steps, why } of keptSeeds as KeptSeed[]) {
  test(`engine simulation, kept seed ${seed}: ${why}`, () => play(seed, steps), TIMEOUT_MS);
}

for (const seed of FRESH_SEEDS) {
  test(`engine simulation keeps every promise, fresh seed ${seed}`, () => play(seed, STEPS), TIMEOUT_MS);
}

test(
  "the same seed does the same things",
  async () => {
    const tell = async () => {
      const lines: string[] = [];
      await runSimulation({ seed: 99, steps: 40, onStep: (_, line) => lines.push(line) });
      return lines;
    };
    expect(await tell()).toEqual(await tell());
  },
  TIMEOUT_MS,
);

async function play(seed: number, steps: number): Promise<void> {
  let stepCount = 0;
  const onStep = () => {
    stepCount += 1;
  };
  const world = await runSimulation({ seed, steps, onStep });
  // A simulation in which nothing happens would pass, too.
  expect(stepCount).toBe(steps);
  expect(world.model.snapshots.length).toBeGreaterThan(0);
}
