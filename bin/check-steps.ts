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

/** A runner's own count, and its failed tests by name: whoever sees only the end of a long log should see these. */
interface Counted extends Tally {
  readonly failures: readonly string[];
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
  const failures: string[] = [];
  for (const step of steps) {
    console.log(`\n— ${step.name}: ${step.command} ${step.args.join(" ")}`);
    const started = performance.now();
    const tally = runStep(step, join(folder, "report.json"));
    total.passed += tally.passed;
    total.failed += tally.failed;
    total.skipped += tally.skipped;
    if (tally.failed > 0) failedSteps.push(step.name);
    failures.push(...tally.failures);
    console.log(`  ${((performance.now() - started) / 1000).toFixed(1)} s`);
  }
  rmSync(folder, { recursive: true });
  console.log(failedSteps.length === 0 ? "\nAll green." : `\nFailed: ${failedSteps.join(", ")}.`);
  for (const failure of failures) console.log(`  ✗ ${failure}`);
  return total;
}

function runStep(step: Step, reportFile: string): Counted {
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
  if (counted === null) return { passed: green ? 1 : 0, failed: green ? 0 : 1, skipped: 0, failures: [] };
  // A runner can fail without a failing test (a file that does not load, a leaked error): that counts too.
  return green ? counted : { ...counted, failed: Math.max(1, counted.failed) };
}

function readReport(runner: "vitest" | "playwright", file: string): Counted | null {
  let report: unknown;
  try {
    report = JSON.parse(readFileSync(file, "utf8"));
  } catch {
    // The runner ended before it wrote a report; its exit code decides.
    return null;
  }
  return runner === "vitest"
    ? countVitest(report as VitestReport)
    : countPlaywright(report as PlaywrightReport);
}

interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

function countVitest(report: VitestReport): Counted {
  const failures = report.testResults.flatMap((file) => {
    const failed = file.assertionResults.filter((result) => result.status === "failed");
    if (file.status === "failed" && failed.length === 0) return [named(file.name, file.message)];
    return failed.map((result) => named(result.fullName, result.failureMessages[0]));
  });
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests,
    skipped: report.numPendingTests,
    failures,
  };
}

interface PlaywrightSuite {
  readonly suites?: readonly PlaywrightSuite[];
  readonly specs?: readonly { readonly title: string; readonly ok: boolean }[];
}

interface PlaywrightReport extends PlaywrightSuite {
  readonly stats: {
    readonly expected: number;
    readonly unexpected: number;
    readonly skipped: number;
    readonly flaky: number;
  };
}

function countPlaywright(report: PlaywrightReport): Counted {
  const { expected, unexpected, skipped, flaky } = report.stats;
  return { passed: expected + flaky, failed: unexpected, skipped, failures: failedTitles(report) };
}

function failedTitles({ suites = [], specs = [] }: PlaywrightSuite): string[] {
  const own = specs.filter((spec) => !spec.ok).map((spec) => spec.title);
  return [...own, ...suites.flatMap(failedTitles)];
}

/** A test and the first line of its error. */
function named(test: string, error = ""): string {
  const [reason = ""] = error.split("\n");
  return reason === "" ? test : `${test}: ${reason}`;
}
