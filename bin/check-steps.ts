// The steps of `npm run check` and `npm test`, run one after the other; all run even when one fails, so that one round shows every
// problem. A step that is a test runner counts its tests, any other counts as one.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Step {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Which runner's report to count, if it is one. */
  readonly runner?: "vitest" | "playwright";
}

export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export function vitestStep(name: string, project: string): Step {
  return { name, command: "vitest", args: ["run", "--project", project], runner: "vitest" };
}

export const CHECK_STEPS: readonly Step[] = [
  { name: "format and lint", command: "biome", args: ["check", "--error-on-warnings", "."] },
  { name: "types", command: "tsc", args: ["--noEmit", "-p", "."] },
  {
    name: "import arrows",
    command: "depcruise",
    args: [
      ...["--config", ".dependency-cruiser.cjs"],
      ...["app", "components", "lib", "worker", "agent", "bin", "bench", "e2e"],
    ],
  },
  { name: "dead code", command: "knip", args: [] },
  vitestStep("fast tests", "unit"),
];

export function runSteps(steps: readonly Step[]): Tally {
  const folder = mkdtempSync(join(tmpdir(), "sheepfold-steps-"));
  const total = { passed: 0, failed: 0, skipped: 0 };
  const failedSteps: string[] = [];
  for (const step of steps) {
    console.log(`\n— ${step.name}: ${step.command} ${step.args.join(" ")}`);
    const started = performance.now();
    const tally = runStep(step, join(folder, "report.json"));
    total.passed += tally.passed;
    total.failed += tally.failed;
    total.skipped += tally.skipped;
    if (tally.failed > 0) failedSteps.push(step.name);
    console.log(`  ${((performance.now() - started) / 1000).toFixed(1)} s`);
  }
  rmSync(folder, { recursive: true });
  console.log(failedSteps.length === 0 ? "\nAll green." : `\nFailed: ${failedSteps.join(", ")}.`);
  return total;
}

function runStep(step: Step, reportFile: string): Tally {
  const reporters: readonly string[] =
    step.runner === "vitest"
      ? ["--reporter=default", "--reporter=json", `--outputFile.json=${reportFile}`]
      : step.runner === "playwright"
        ? ["--reporter=list,json"]
        : [];
  rmSync(reportFile, { force: true });
  const done = spawnSync(step.command, [...step.args, ...reporters], {
    stdio: "inherit",
    env: { ...process.env, PLAYWRIGHT_JSON_OUTPUT_NAME: reportFile },
  });
  const green = done.status === 0;
  const counted = step.runner === undefined ? null : readReport(step.runner, reportFile);
  if (counted === null) return { passed: green ? 1 : 0, failed: green ? 0 : 1, skipped: 0 };
  // A runner can fail without a failing test (a file that does not load, a leaked error): that counts too.
  return green ? counted : { ...counted, failed: Math.max(1, counted.failed) };
}

function readReport(runner: "vitest" | "playwright", file: string): Tally | null {
  let report: unknown;
  try {
    report = JSON.parse(readFileSync(file, "utf8"));
  } catch {
    // The runner ended before it wrote a report; its exit code decides.
    return null;
  }
  if (runner === "vitest") {
    const counts = report as { numPassedTests: number; numFailedTests: number; numPendingTests: number };
    return { passed: counts.numPassedTests, failed: counts.numFailedTests, skipped: counts.numPendingTests };
  }
  const { stats } = report as {
    stats: { expected: number; unexpected: number; skipped: number; flaky: number };
  };
  return { passed: stats.expected + stats.flaky, failed: stats.unexpected, skipped: stats.skipped };
}
