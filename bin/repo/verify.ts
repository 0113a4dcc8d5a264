// `sheepfold repo verify DIR [SNAPSHOT]`: re-read what is stored and say what is damaged. Damage is an answer, with
// an exit code of its own.
import type { Command } from "commander";
import type { VerifyReport } from "#lib/engine/repository.ts";
import { formatBytes, formatSeconds } from "#lib/model/units.ts";
import { EXIT } from "./exit-codes.ts";
import { findSnapshot } from "./image-entry.ts";
import type { OutputOptions } from "./output.ts";
import { newVerb, runVerb, type VerbContext } from "./run-verb.ts";
import { withRepository } from "./with-repository.ts";

export function verifyCommand(): Command {
  return newVerb(
    "verify",
    "Re-read every pack, block and page (or those of one snapshot) and check every hash.",
  )
    .argument("<DIR>", "folder of the repository")
    .argument(
      "[SNAPSHOT]",
      "id, an unambiguous beginning of it, or id:partition; default: the whole repository",
    )
    .action((dir: string, reference: string | undefined, options: OutputOptions) =>
      runVerb(options, (context) => verify(dir, reference, context)),
    );
}

async function verify(dir: string, reference: string | undefined, { signal, output }: VerbContext) {
  const report = await withRepository(dir, "read", (repository) => {
    const snapshotId = reference === undefined ? undefined : findSnapshot(repository, reference).snapshot.id;
    return repository.verify({ signal, onProgress: output.beginProgress(), snapshotId });
  });
  output.result(report, () => inWords(report));
  return report.findings.length === 0 ? EXIT.ok : EXIT.damage;
}

function inWords(report: VerifyReport): string {
  const { snapshotCount, imageCount, packCount, checkedBytes, seconds, findings } = report;
  const scope =
    `${snapshotCount} snapshots, ${imageCount} images, ${packCount} packs, ` +
    `${formatBytes(checkedBytes)} in ${formatSeconds(seconds)}`;
  if (findings.length === 0) return `All is well: ${scope}.`;
  const lines = findings.map(({ code, file, message, snapshotId, partition }) => {
    const hit = snapshotId === null ? "" : ` [${snapshotId}${partition === null ? "" : `:${partition}`}]`;
    return `  ${code}  ${file}${hit}: ${message}`;
  });
  return [`Damage found: ${findings.length} findings in ${scope}.`, ...lines].join("\n");
}
