// npm run sim -- --seed N [--steps M]: plays one simulation and prints every step and the verdict.
// Without a seed it takes a fresh one. Exit code 0: all promises held; 1: one was broken; 2: wrong usage.
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { runSimulation } from "./run.ts";

const STEPS_DEFAULT = 300;

function wholeNumber(text: string | undefined, fallback: number): number {
  const value = text === undefined ? fallback : Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  console.error(`"${text}" is not a whole number. Usage: npm run sim -- --seed N [--steps M]`);
  process.exit(2);
}

const { values } = parseArgs({ options: { seed: { type: "string" }, steps: { type: "string" } } });
const seed = wholeNumber(values.seed, randomInt(2 ** 31));
const steps = wholeNumber(values.steps, STEPS_DEFAULT);

console.log(`Seed ${seed}, ${steps} steps`);
try {
  const world = await runSimulation({
    seed,
    steps,
    onStep: (step, line) => console.log(`${String(step).padStart(5)}  ${line}`),
  });
  console.log(`All promises held: ${world.model.snapshots.length} snapshots restore byte for byte.`);
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
