// `sheepfold repo show DIR SNAPSHOT`: everything a snapshot's record says.
import type { Command } from "commander";
import type { ImageRecord, SnapshotRecord } from "#lib/engine/repository.ts";
import { diffsAgainst } from "#lib/model/snapshot.ts";
import { formatBytes, formatSeconds, formatShare } from "#lib/model/units.ts";
import { EXIT } from "./exit-codes.ts";
import { findSnapshot } from "./image-entry.ts";
import { facts, type OutputOptions } from "./output.ts";
import { newVerb, runVerb, type VerbContext } from "./run-verb.ts";
import { withRepository } from "./with-repository.ts";

export function showCommand(): Command {
  return newVerb("show", "Show one snapshot and its images in full.")
    .argument("<DIR>", "folder of the repository")
    .argument("<SNAPSHOT>", "id, an unambiguous beginning of it, or id:partition")
    .action((dir: string, reference: string, options: OutputOptions) =>
      runVerb(options, (context) => show(dir, reference, context)),
    );
}

async function show(dir: string, reference: string, { output }: VerbContext) {
  const { found, diffs } = await withRepository(dir, "read", async (repository) => {
    const found = findSnapshot(repository, reference);
    return { found, diffs: diffsAgainst(repository.snapshots(), found.snapshot.id) };
  });
  const shown: SnapshotRecord =
    found.image === null ? found.snapshot : { ...found.snapshot, images: [found.image] };
  output.result(shown, () =>
    [describeSnapshot(shown, diffs.length), ...shown.images.map(describeImage)].join("\n\n"),
  );
  return EXIT.ok;
}

function describeSnapshot(snapshot: SnapshotRecord, diffCount: number): string {
  return facts([
    ["Snapshot", snapshot.id],
    ["Node", snapshot.node],
    ["Made at", `${snapshot.createdAt} in ${formatSeconds(snapshot.seconds)}`],
    ["Purpose", snapshot.purpose],
    ["Comment", snapshot.comment === "" ? "-" : snapshot.comment],
    ["Parent", snapshot.parentId ?? "-"],
    ["Sequence", String(snapshot.sequence)],
    ["Base of", diffCount === 0 ? "-" : `${diffCount} diffs`],
  ]);
}

function describeImage(image: ImageRecord): string {
  const ofSize = (bytes: number) => `${formatBytes(bytes)} (${formatShare(bytes, image.sizeBytes)})`;
  return facts([
    ["Partition", image.partition],
    ["  Size", `${image.sizeBytes} bytes (${formatBytes(image.sizeBytes)})`],
    [
      "  Technique",
      image.baseId === undefined ? image.technique : `${image.technique} against ${image.baseId}`,
    ],
    ["  Unchanged", ofSize(image.unchangedBytes)],
    ["  One-byte fill", ofSize(image.fillBytes)],
    ["  New", ofSize(image.newBytes)],
    ["  Stored", ofSize(image.storedBytes)],
    ["  Content root", image.contentRoot],
    ...Object.entries(image.details).map(([name, value]) => [`  ${name}`, value] as const),
  ]);
}
