// The engine under a simulated year of work and bad luck, judged by a naive model. Seeds that once found a mistake come
// first, then fixed ones; fresh ones are in simulation-fresh.test.ts, which runs beside this.
import { expect, test } from "vitest";
import keptSeeds from "./kept-seeds.json" with { type: "json" };
import { runSimulation } from "./run.ts";
import { type KeptSeed, newSeeds, testSeeds } from "./seeds.ts";

const FIXED_SEEDS = 50;

testSeeds(test, "kept", keptSeeds as KeptSeed[]);
testSeeds(test, "fixed", newSeeds(Array.from({ length: FIXED_SEEDS }, (_, index) => index + 1)));

test("the same seed does the same things", async () => {
  const tell = async () => {
    const lines: string[] = [];
    await runSimulation({ seed: 99, steps: 40, onStep: (_, line) => lines.push(line) });
    return lines;
  };
  expect(await tell()).toEqual(await tell());
});
