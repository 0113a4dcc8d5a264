// `sheepfold repo gc DIR`: free what no snapshot needs any more: whole packs, and the dead part of others.
import type { Command } from "commander";
import type { GcPlan, GcReport } from "#lib/engine/repository.ts";
import { formatBytes, formatSeconds, formatShare } from "#lib/model/units.ts";
import { EXIT } from "./exit-codes.ts";
import { parseByteCount, parseCount } from "./numbers.ts";
import { facts, type OutputOptions } from "./output.ts";
import { newVerb, runVerb, type VerbContext } from "./run-verb.ts";
import { withRepository } from "./with-repository.ts";

interface GcOptions extends OutputOptions {
  readonly dryRun?: boolean;
  readonly maxBytes?: number;
  readonly maxSeconds?: number;
}

export function gcCommand(): Command {
  return newVerb("gc", "Free the packs that no snapshot needs.")
    .argument("<DIR>", "folder of the repository")
    .option("--dry-run", "only say what would be freed")
    .option("--max-bytes <N>", "free about so much and stop (4096, 512k, 10G)", parseByteCount)
    .option("--max-seconds <N>", "begin nothing after so long", parseCount)
    .action((dir: string, options: GcOptions) =>
      runVerb(
        options,
        (context) => gc(dir, options, context),
        "What was freed is freed, nothing else has changed. Run the same command again to go on.",
      ),
    );
}

async function gc(dir: string, options: GcOptions, { signal, output }: VerbContext) {
  const work = { signal, onProgress: output.beginProgress() };
  if (options.dryRun === true) {
    const plan = await withRepository(dir, "read", (repository) => repository.planGc(work));
    output.result(plan, () => planInWords(plan));
    return EXIT.ok;
  }
  const budget = { ...work, bytesMax: options.maxBytes, secondsMax: options.maxSeconds };
  const report = await withRepository(dir, "write", (repository) => repository.collectGarbage(budget));
  output.result(report, () => inWords(report));
  return EXIT.ok;
}

function planInWords(plan: GcPlan): string {
  const ofAll = (bytes: number) => `${formatBytes(bytes)} (${formatShare(bytes, plan.packBytes)})`;
  return facts([
    ["Packs", `${plan.packCount}, ${formatBytes(plan.packBytes)}, for ${plan.snapshotCount} snapshots`],
    ["To be freed", `${plan.deadPackCount} packs, ${ofAll(plan.deadPackBytes)}`],
    ["To be rewritten", `${plan.repackPackCount} packs, saves about ${ofAll(plan.repackSavedBytes)}`],
    ["Not needed in the rest", `about ${ofAll(plan.mixedDeadBytes)}`],
  ]);
}

function inWords(report: GcReport): string {
  const { plan, removedPackCount, repackedPackCount, freedBytes, writtenBytes, isFinished } = report;
  const time = formatSeconds(report.seconds);
  if (plan === null)
    return `Nothing freed: ${time} were too few to see what is needed. Allow more with --max-seconds.`;
  const rewritten =
    repackedPackCount === 0
      ? ""
      : ` ${repackedPackCount} of them were needed in part: ${formatBytes(writtenBytes)} were written anew.`;
  const freed = `${formatBytes(freedBytes)} freed in ${removedPackCount} packs, ${time}.${rewritten}`;
  return isFinished ? freed : `${freed} There is more: run it again.`;
}
