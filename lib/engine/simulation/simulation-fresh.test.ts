// The simulation with luck that nobody has had before. With the fixed seeds of simulation.test.ts these are ten thousand
// steps in every run.
import { randomInt } from "node:crypto";
import { test } from "vitest";
import { newSeeds, testSeeds } from "./seeds.ts";

const FRESH_SEEDS = 50;

testSeeds(test, "fresh", newSeeds(Array.from({ length: FRESH_SEEDS }, () => randomInt(2 ** 31))));
