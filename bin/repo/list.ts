// `sheepfold repo list DIR`: every image of every snapshot, in commit order.
import type { Command } from "commander";
import { formatBytes } from "#lib/model/units.ts";
import { EXIT } from "./exit-codes.ts";
import { imageEntry } from "./image-entry.ts";
import { type OutputOptions, table } from "./output.ts";
import { newVerb, runVerb, type VerbContext } from "./run-verb.ts";
import { withContents } from "./with-repository.ts";

interface ListOptions extends OutputOptions {
  readonly node?: string;
}

export function listCommand(): Command {
  return newVerb("list", "List snapshots in the order they were made.")
    .argument("<DIR>", "folder of the repository")
    .option("--node <NAME>", "only snapshots of this node")
    .action((dir: string, options: ListOptions) =>
      runVerb(options, (context) => list(dir, options, context)),
    );
}

async function list(dir: string, options: ListOptions, { output }: VerbContext) {
  const { snapshots, unreadable } = await withContents(dir, async (contents) => ({
    snapshots: contents.repository.snapshots(),
    unreadable: contents.unreadableSnapshots,
  }));
  for (const name of unreadable) {
    output.notice(
      "snapshot-corrupt",
      `${name} is damaged and not listed. Run repo verify to see what is wrong.`,
    );
  }
  const entries = snapshots
    .filter((snapshot) => options.node === undefined || snapshot.node === options.node)
    .flatMap((snapshot) => snapshot.images.map((image) => imageEntry(snapshot, image)));
  output.result(entries, () => {
    if (entries.length === 0)
      return options.node === undefined ? "No snapshots." : `No snapshots of ${options.node}.`;
    const rows = entries.map((entry) => [
      entry.id,
      entry.createdAt.slice(0, 19).replace("T", " "),
      entry.node,
      entry.partition,
      formatBytes(entry.sizeBytes),
      formatBytes(entry.newBytes),
      formatBytes(entry.storedBytes),
    ]);
    return table(["SNAPSHOT", "TIME (UTC)", "NODE", "PARTITION", "SIZE", "NEW", "STORED"], rows, [
      "SIZE",
      "NEW",
      "STORED",
    ]);
  });
  return EXIT.ok;
}
