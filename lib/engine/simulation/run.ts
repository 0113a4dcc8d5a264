// One simulation from seed to verdict, for the test and for the command line.
import { takeStep } from "./steps.ts";
import { World } from "./world.ts";

export interface RunOptions {
  readonly seed: number;
  readonly steps: number;
  readonly onStep?: (step: number, line: string) => void;
}

/** Throws at the first broken promise, saying at which step and how to replay it. */
export async function runSimulation({ seed, steps, onStep }: RunOptions): Promise<World> {
  let step = 0;
  try {
    const world = await World.create(seed);
    for (step = 1; step <= steps; step++) {
      const line = await takeStep(world);
      onStep?.(step, line);
    }
    await world.reopen();
    await world.assertSound();
    return world;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `Seed ${seed}, step ${step}: ${reason}\nReplay: npm run sim -- --seed ${seed} --steps ${Math.min(step, steps)}`,
      { cause: error },
    );
  }
}
