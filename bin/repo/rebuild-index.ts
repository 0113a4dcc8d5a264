// `sheepfold repo rebuild-index DIR`: make the index cache again from the packs. Always safe.
import type { Command } from "commander";
import { formatSeconds } from "#lib/model/units.ts";
import { EXIT } from "./exit-codes.ts";
import type { OutputOptions } from "./output.ts";
import { newVerb, runVerb, type VerbContext } from "./run-verb.ts";
import { withRepository } from "./with-repository.ts";

export function rebuildIndexCommand(): Command {
  return newVerb("rebuild-index", "Make the index again from the packs. It is a cache: nothing can be lost.")
    .argument("<DIR>", "folder of the repository")
    .action((dir: string, options: OutputOptions) =>
      runVerb(options, (context) => rebuildIndex(dir, context)),
    );
}

async function rebuildIndex(dir: string, { signal, output }: VerbContext) {
  const report = await withRepository(dir, "write", (repository) =>
    repository.rebuildIndex({ signal, onProgress: output.beginProgress() }),
  );
  output.result(
    report,
    () =>
      `Index made from ${report.packCount} packs: ${report.blockCount} blocks in ${formatSeconds(report.seconds)}.`,
  );
  return EXIT.ok;
}
