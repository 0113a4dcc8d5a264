// `sheepfold repo stats DIR`: sizes by kind, counted from the files and manifests as they are.
import type { Command } from "commander";
import type { RepositoryStats } from "#lib/engine/repository.ts";
import { formatBytes, formatShare } from "#lib/model/units.ts";
import { EXIT } from "./exit-codes.ts";
import { facts, type OutputOptions } from "./output.ts";
import { newVerb, runVerb, type VerbContext } from "./run-verb.ts";
import { withRepository } from "./with-repository.ts";

export function statsCommand(): Command {
  return newVerb("stats", "Show how much is archived, deduplicated, compressed and stored.")
    .argument("<DIR>", "folder of the repository")
    .action((dir: string, options: OutputOptions) => runVerb(options, (context) => stats(dir, context)));
}

async function stats(dir: string, { output }: VerbContext) {
  const sizes = await withRepository(dir, "read", (repository) => repository.stats());
  output.result(sizes, () => inWords(sizes));
  return EXIT.ok;
}

function inWords(sizes: RepositoryStats): string {
  const ofLogical = (bytes: number) => `${formatBytes(bytes)} (${formatShare(bytes, sizes.logicalBytes)})`;
  return facts([
    ["Snapshots", `${sizes.snapshotCount} with ${sizes.imageCount} images`],
    ["Logical", formatBytes(sizes.logicalBytes)],
    ["Deduplicated", `${ofLogical(sizes.uniqueBytes)} in ${sizes.blockCount} blocks`],
    ["Compressed", ofLogical(sizes.compressedBytes)],
    ["Stored", `${ofLogical(sizes.storedBytes)}, all files`],
    ["  Data packs", `${formatBytes(sizes.dataPackBytes)}`],
    ["  Manifests", formatBytes(sizes.nodePackBytes)],
    ["  Snapshots", formatBytes(sizes.snapshotBytes)],
    ["  Index cache", formatBytes(sizes.indexBytes)],
    ["Packs", String(sizes.packCount)],
    ...sizes.techniques.map(
      ({ technique, imageCount, logicalBytes, storedBytes }) =>
        [
          `Technique ${technique}`,
          `${imageCount} images of ${formatBytes(logicalBytes)} added ${formatBytes(storedBytes)}`,
        ] as const,
    ),
  ]);
}
