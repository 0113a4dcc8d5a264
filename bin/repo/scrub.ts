// `sheepfold repo scrub DIR`: re-read packs for rot, a budget at a time; the next run goes on.
import type { Command } from "commander";
import type { ScrubFinding, ScrubReport } from "#lib/engine/repository.ts";
import { formatBytes, formatSeconds } from "#lib/model/units.ts";
import { EXIT } from "./exit-codes.ts";
import { parseByteCount, parseCount } from "./numbers.ts";
import type { OutputOptions } from "./output.ts";
import { newVerb, runVerb, type VerbContext } from "./run-verb.ts";
import { withRepository } from "./with-repository.ts";

interface ScrubCliOptions extends OutputOptions {
  readonly deep?: boolean;
  readonly maxSeconds?: number;
  readonly bytesPerSecond?: number;
}

export function scrubCommand(): Command {
  return newVerb("scrub", "Re-read packs for rot: what was bad first, then what was looked at longest ago.")
    .argument("<DIR>", "folder of the repository")
    .option("--deep", "decode every segment and check every digest, instead of hashing files only")
    .option("--max-seconds <N>", "begin no pack after so long; the next run goes on", parseCount)
    .option("--bytes-per-second <N>", "read no faster (512k, 50M)", parseByteCount)
    .action((dir: string, options: ScrubCliOptions) =>
      runVerb(
        options,
        (context) => scrub(dir, options, context),
        "What was looked at is remembered. Run the same command again to go on.",
      ),
    );
}

async function scrub(dir: string, options: ScrubCliOptions, { signal, output }: VerbContext) {
  const report = await withRepository(dir, "write", (repository) =>
    repository.scrub({
      signal,
      deep: options.deep,
      secondsMax: options.maxSeconds,
      bytesPerSecond: options.bytesPerSecond,
      onProgress: output.beginProgress(),
    }),
  );
  output.result(report, () => inWords(report));
  return report.findings.length === 0 ? EXIT.ok : EXIT.damage;
}

function inWords(report: ScrubReport): string {
  const { packCount, checkedPackCount, checkedBytes, uncheckedPackCount, seconds, findings } = report;
  const scope = `${checkedPackCount} of ${packCount} packs, ${formatBytes(checkedBytes)} in ${formatSeconds(seconds)}`;
  const left = uncheckedPackCount === 0 ? "" : ` ${uncheckedPackCount} were never looked at.`;
  if (findings.length === 0) return `No rot found: ${scope}.${left}`;
  return [`Damage found: ${findings.length} packs of ${scope}.${left}`, ...findings.flatMap(linesOf)].join(
    "\n",
  );
}

function linesOf({ message, affected }: ScrubFinding): string[] {
  if (affected.length === 0) return [`  ${message} No snapshot needs it.`];
  const whom = affected.map(({ snapshotId, partition, pageCount, firstPages }) => {
    const more = pageCount > firstPages.length ? ", …" : "";
    return `    ${snapshotId}:${partition}  ${pageCount} pages: ${firstPages.join(", ")}${more}`;
  });
  return [`  ${message}`, ...whom];
}
