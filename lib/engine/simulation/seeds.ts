// Seeds played as tests. A seed that fails is appended to kept-seeds.json, and from then on played first.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { claim } from "./model-repository.ts";
import { runSimulation } from "./run.ts";

export interface KeptSeed {
  readonly seed: number;
  readonly steps: number;
  /** What it found. */
  readonly why: string;
}

// Many short lives find more than a long one, and cost less: a life's last steps look at all its snapshots.
const STEPS_PER_SEED = 100;
const KEPT_FILE = join(import.meta.dirname, "kept-seeds.json");
const KEPT_MAX = 100;
const TIMEOUT_MS = 120_000;

/** The test runner's; the engine itself imports no packages. */
type DefineTest = (name: string, work: () => Promise<void>, timeoutMs?: number) => void;

export function newSeeds(seeds: readonly number[]): KeptSeed[] {
  return seeds.map((seed) => ({ seed, steps: STEPS_PER_SEED, why: "" }));
}

/** A test for each seed, and one that says how many steps that were. */
export function testSeeds(test: DefineTest, kind: string, seeds: readonly KeptSeed[]): void {
  let stepCount = 0;
  for (const { seed, steps, why } of seeds) {
    const found = why === "" ? "" : `, which once found: ${why}`;
    test(
      `engine simulation keeps every promise, ${kind} seed ${seed}${found}`,
      async () => {
        stepCount += await keepingFailure(seed, steps, () => play(seed, steps));
      },
      TIMEOUT_MS,
    );
  }
  const planned = seeds.reduce((sum, { steps }) => sum + steps, 0);
  test(`${seeds.length} ${kind} seeds were ${planned} steps`, async () => {
    console.log(`Simulation: ${stepCount} steps over ${seeds.length} ${kind} seeds.`);
    claim(stepCount === planned, `only ${stepCount} of ${planned} steps were played`);
  });
}

async function play(seed: number, steps: number): Promise<number> {
  let stepCount = 0;
  const onStep = () => {
    stepCount += 1;
  };
  const world = await runSimulation({ seed, steps, onStep });
  // A simulation in which nothing happens would pass, too.
  claim(world.model.snapshots.length > 0, "a simulation without a snapshot");
  return stepCount;
}

async function keepingFailure<Value>(
  seed: number,
  steps: number,
  work: () => Promise<Value>,
): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    await keepSeed({ seed, steps, why: error instanceof Error ? (error.message.split("\n")[0] ?? "") : "" });
    throw error;
  }
}

/** Two test files may fail at once; at worst one of the seeds is only printed. */
async function keepSeed(failed: KeptSeed): Promise<void> {
  const kept = JSON.parse(await readFile(KEPT_FILE, "utf8")) as KeptSeed[];
  if (
    kept.length >= KEPT_MAX ||
    kept.some(({ seed, steps }) => seed === failed.seed && steps === failed.steps)
  )
    return;
  const lines = [...kept, failed].map((each) => `  ${JSON.stringify(each)}`);
  await writeFile(KEPT_FILE, `[\n${lines.join(",\n")}\n]\n`);
}
