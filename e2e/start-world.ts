// Starts world.ts as a process of its own before the first journey and ends it after the last. Apart, because Playwright
// rewrites what it loads, and the product is to run exactly as it does elsewhere.
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";

const START_MS_MAX = 300_000;
const STOP_MS_MAX = 40_000;

export default async function startWorld(): Promise<() => Promise<void>> {
  const world = spawn(process.execPath, [join(import.meta.dirname, "world.ts")], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, NODE_OPTIONS: "" },
  });
  process.env.SHEEPFOLD_E2E_WORLD = await readyLine(world);
  return () => stop(world);
}

function readyLine(world: ChildProcess): Promise<string> {
  return new Promise((found, fail) => {
    const timer = setTimeout(() => fail(new Error("The world did not start in time.")), START_MS_MAX);
    world.once("exit", (code) => fail(new Error(`The world ended with ${code} before it was ready.`)));
    if (world.stdout === null) return fail(new Error("The world has no output."));
    createInterface({ input: world.stdout }).on("line", (line) => {
      const match = /^world ready (\{.*\})$/.exec(line);
      if (match?.[1] === undefined) {
        console.log(line);
        return;
      }
      clearTimeout(timer);
      found(match[1]);
    });
  });
}

async function stop(world: ChildProcess): Promise<void> {
  if (world.exitCode !== null) return;
  const ended = new Promise((resolve) => world.once("exit", resolve));
  world.kill("SIGTERM");
  const timer = setTimeout(() => world.kill("SIGKILL"), STOP_MS_MAX);
  await ended;
  clearTimeout(timer);
}
