// npm run check: everything that needs no servers and little time, in the order of what is cheapest to mend. All steps run
// even when one fails, so that one round shows every problem.
import { spawnSync } from "node:child_process";

interface Step {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

const STEPS: readonly Step[] = [
  { name: "format and lint", command: "biome", args: ["check", "--error-on-warnings", "."] },
  { name: "types", command: "tsc", args: ["--noEmit", "-p", "."] },
  {
    name: "import arrows",
    command: "depcruise",
    args: [
      "--config",
      ".dependency-cruiser.cjs",
      "app",
      "components",
      "lib",
      "worker",
      "agent",
      "bin",
      "bench",
      "prisma",
      "e2e",
    ],
  },
  { name: "dead code", command: "knip", args: [] },
  { name: "fast tests", command: "vitest", args: ["run", "--project", "unit"] },
];

/** True when every step passed. */
export function runChecks(): boolean {
  const failed = STEPS.filter((step) => {
    console.log(`\n— ${step.name}: ${step.command} ${step.args.join(" ")}`);
    return spawnSync(step.command, step.args, { stdio: "inherit" }).status !== 0;
  });
  console.log(
    failed.length === 0
      ? "\ncheck: all green"
      : `\ncheck: failed: ${failed.map((step) => step.name).join(", ")}`,
  );
  return failed.length === 0;
}

if (import.meta.main) process.exit(runChecks() ? 0 : 1);
