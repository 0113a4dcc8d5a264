// npm test: everything. The checks, the integration tests on real Postgres and Redis, and the journeys in a real browser. What is
// missing is installed (as root on Debian or Ubuntu) or named. Ends with "N passed, N failed".
import { existsSync } from "node:fs";
import { CodedError, failureReportOf } from "#lib/model/errors.ts";
import { CHECK_STEPS, runSteps, vitestStep } from "./check-steps.ts";
import { installDebianPackages } from "./stack/services.ts";

/** Program a test needs, where Debian puts it, and the package that brings it. */
const PROGRAMS = [
  { path: "/usr/bin/redis-server", packageName: "redis-server" },
  { path: "/usr/bin/chromium", packageName: "chromium" },
  { path: "/usr/sbin/mke2fs", packageName: "e2fsprogs" },
  { path: "/usr/sbin/sfdisk", packageName: "fdisk" },
  { path: "/usr/sbin/fsck.fat", packageName: "dosfstools" },
  { path: "/usr/bin/mcopy", packageName: "mtools" },
  { path: "/usr/bin/hivexsh", packageName: "libhivex-bin" },
  { path: "/usr/bin/ntfscat", packageName: "ntfs-3g" },
] as const;

try {
  const missing = PROGRAMS.filter((program) => !existsSync(program.path)).map(
    (program) => program.packageName,
  );
  if (missing.length > 0) {
    installDebianPackages(
      missing,
      missing.join(", "),
      "install them by your system's own means",
      console.log,
    );
  }
} catch (thrown) {
  if (!(thrown instanceof CodedError)) throw thrown;
  const failure = failureReportOf(thrown);
  console.error(`${failure.message}\n  → ${failure.hint}`);
  process.exit(1);
}

const tally = runSteps([
  ...CHECK_STEPS,
  vitestStep("integration tests", "integration"),
  {
    name: "journeys in a browser",
    command: "playwright",
    args: ["test", "--config", "e2e/playwright.config.ts"],
    runner: "playwright",
  },
]);
console.log(
  `\n${tally.passed} passed, ${tally.failed} failed${tally.skipped > 0 ? `, ${tally.skipped} skipped` : ""}`,
);
process.exit(tally.failed === 0 ? 0 : 1);
