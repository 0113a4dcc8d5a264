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
  { path: "/usr/bin/ntfs-3g", packageName: "ntfs-3g" },
  { path: "/usr/bin/promtool", packageName: "prometheus" },
  { path: "/usr/sbin/mkfs.btrfs", packageName: "btrfs-progs" },
  { path: "/usr/sbin/cryptsetup", packageName: "cryptsetup-bin" },
  { path: "/usr/bin/setfattr", packageName: "attr" },
  { path: "/usr/bin/linux.uml", packageName: "user-mode-linux" },
  { path: "/usr/sbin/insmod", packageName: "kmod" },
  { path: "/usr/bin/python3", packageName: "python3" },
  { path: "/usr/lib/python3/dist-packages/yaml", packageName: "python3-yaml" },
  { path: "/usr/lib/python3/dist-packages/configobj", packageName: "python3-configobj" },
  { path: "/usr/lib/python3/dist-packages/jinja2", packageName: "python3-jinja2" },
  { path: "/usr/lib/python3/dist-packages/jsonpatch.py", packageName: "python3-jsonpatch" },
  { path: "/usr/lib/python3/dist-packages/jsonschema", packageName: "python3-jsonschema" },
  { path: "/usr/lib/python3/dist-packages/oauthlib", packageName: "python3-oauthlib" },
  { path: "/usr/lib/python3/dist-packages/requests", packageName: "python3-requests" },
  { path: "/usr/lib/python3/dist-packages/serial", packageName: "python3-serial" },
  { path: "/usr/share/doc/python3-netifaces", packageName: "python3-netifaces" },
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
