// `sheepfold repo heal DIR`: give snapshots back what they need of packs that are bad or gone, as far as it is still somewhere.
import type { Command } from "commander";
import type { HealedPack, HealReport } from "#lib/engine/repository.ts";
import { formatBytes, formatSeconds } from "#lib/model/units.ts";
import { linesOfAffected } from "./affected-lines.ts";
import { EXIT } from "./exit-codes.ts";
import type { OutputOptions } from "./output.ts";
import { newVerb, runVerb, type VerbContext } from "./run-verb.ts";
import { withRepository } from "./with-repository.ts";

interface HealCliOptions extends OutputOptions {
  readonly dryRun?: boolean;
}

export function healCommand(): Command {
  return newVerb("heal", "Give snapshots back what they need of damaged or lost packs.")
    .argument("<DIR>", "folder of the repository")
    .option("--dry-run", "only look what could be regained")
    .action((dir: string, options: HealCliOptions) =>
      runVerb(
        options,
        (context) => heal(dir, options, context),
        "Nothing is half done. Run the same command again.",
      ),
    );
}

async function heal(dir: string, { dryRun }: HealCliOptions, { signal, output }: VerbContext) {
  const isPlan = dryRun === true;
  const report = await withRepository(dir, isPlan ? "read" : "write", (repository) =>
    repository.heal({ signal, isPlan, onProgress: output.beginProgress() }),
  );
  output.result(report, () => inWords(report));
  return report.packs.some(({ affected }) => affected.length > 0) ? EXIT.damage : EXIT.ok;
}

function inWords(report: HealReport): string {
  const { isPlan, packs, regainedBlockCount, lostBlockCount, writtenBytes, isIncomplete, seconds } = report;
  if (packs.length === 0) return "Nothing to heal: no pack is known to be bad. Scrub looks for rot.";
  const regained = isPlan
    ? `${regainedBlockCount} blocks can be regained`
    : `${regainedBlockCount} blocks regained, ${formatBytes(writtenBytes)} written`;
  const lost = lostBlockCount === 0 ? "none is lost" : `${lostBlockCount} are lost`;
  const hint =
    lostBlockCount === 0
      ? []
      : ["Make a new snapshot of the PCs named above, if they still have what is lost, and heal again."];
  return [
    `${packs.length} bad packs: ${regained}, ${lost}; ${formatSeconds(seconds)}.`,
    ...packs.flatMap(linesOf),
    ...(isIncomplete ? ["A manifest cannot be read, so no bad pack was removed."] : []),
    ...hint,
  ].join("\n");
}

function linesOf({ file, neededBlockCount, regainedBlockCount, affected }: HealedPack): string[] {
  const blocks = `  ${file}: ${regainedBlockCount} of ${neededBlockCount} blocks that are needed`;
  return [blocks, ...linesOfAffected(affected)];
}
