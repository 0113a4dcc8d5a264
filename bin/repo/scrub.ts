// `sheepfold repo scrub DIR`: re-read packs for rot, a budget at a time; the next run goes on.
import type { Command } from "commander";
import { listKeys, type ScrubFinding, type ScrubReport, scrubWithoutKey } from "#lib/engine/repository.ts";
import { formatBytes, formatSeconds } from "#lib/model/units.ts";
import { linesOfAffected } from "./affected-lines.ts";
import { EXIT } from "./exit-codes.ts";
import { givenKey } from "./key-options.ts";
import { parseByteCount, parseCount } from "./numbers.ts";
import type { OutputOptions } from "./output.ts";
import { newVerb, runVerb, type VerbContext } from "./run-verb.ts";
import { withRepository, withStorage } from "./with-repository.ts";

const KEYLESS = "Which snapshots need it only a key can tell.";
const KEYLESS_NOTE =
  "every pack was compared with its name, and nothing was remembered. Give a key for budgets, --deep and the snapshots concerned.";

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

async function scrub(dir: string, options: ScrubCliOptions, context: VerbContext) {
  const isKeyless = options.deep !== true && (await givenKey()) === null && (await isEncrypted(dir));
  return isKeyless ? scrubKeyless(dir, context) : scrubOpen(dir, options, context);
}

/** Files can be hashed by anybody. */
async function scrubKeyless(dir: string, { signal, output }: VerbContext) {
  const report = await withStorage(dir, (storage) =>
    scrubWithoutKey(storage, { signal, onProgress: output.beginProgress() }),
  );
  output.result(report, () => `${inWords(report, KEYLESS)}\nNo key was given: ${KEYLESS_NOTE}`);
  return report.findings.length === 0 ? EXIT.ok : EXIT.damage;
}

async function isEncrypted(dir: string): Promise<boolean> {
  return (await withStorage(dir, listKeys)).length > 0;
}

async function scrubOpen(dir: string, options: ScrubCliOptions, { signal, output }: VerbContext) {
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

function inWords(report: ScrubReport, unaffected = "No snapshot needs it."): string {
  const { packCount, checkedPackCount, checkedBytes, uncheckedPackCount, seconds, findings } = report;
  const scope = `${checkedPackCount} of ${packCount} packs, ${formatBytes(checkedBytes)} in ${formatSeconds(seconds)}`;
  const left = uncheckedPackCount === 0 ? "" : ` ${uncheckedPackCount} were never looked at.`;
  if (findings.length === 0) return `No rot found: ${scope}.${left}`;
  return [
    `Damage found: ${findings.length} packs of ${scope}.${left}`,
    ...findings.flatMap((finding) => linesOf(finding, unaffected)),
  ].join("\n");
}

function linesOf({ message, affected }: ScrubFinding, unaffected: string): string[] {
  if (affected.length === 0) return [`  ${message} ${unaffected}`];
  return [`  ${message}`, ...linesOfAffected(affected)];
}
