// `sheepfold repo import DIR SOURCE`: take an image made elsewhere into the repository, as a snapshot of a node.
//
// What an import of a damaged or truncated source has stored is garbage without a name: the snapshot is committed
// only after the source has ended where it should.
import type { Command } from "commander";
import type { Repository, SnapshotRecord } from "#lib/engine/repository.ts";
import { formatBytes, formatSeconds, formatShare } from "#lib/model/units.ts";
import { checkedSource, parseComment, parseName } from "./archive.ts";
import { EXIT } from "./exit-codes.ts";
import { type ImageEntry, imageEntry } from "./image-entry.ts";
import { formatOption, type ImageFormat } from "./image-formats.ts";
import { openImportSource } from "./import-source.ts";
import { parseByteCount } from "./numbers.ts";
import type { OutputOptions } from "./output.ts";
import { newVerb, runVerb, type VerbContext } from "./run-verb.ts";
import { withRepository } from "./with-repository.ts";

interface ImportOptions extends OutputOptions {
  readonly format: ImageFormat;
  readonly node: string;
  readonly partition: string;
  readonly comment?: string;
  readonly size?: number;
}

const STDIN = "-";
export function importCommand(): Command {
  return newVerb("import", "Take an image made elsewhere into the repository, as a snapshot of a node.")
    .argument("<DIR>", "folder of the repository")
    .argument("<SOURCE>", "image file, or - for stdin")
    .addOption(formatOption())
    .requiredOption("--node <NAME>", "the PC this partition belongs to", parseName)
    .requiredOption("--partition <NAME>", "the partition's name on that PC, such as sda2", parseName)
    .option("--comment <TEXT>", "kept with the snapshot", parseComment)
    .option("--size <N>", "unpacked size of a stream: bytes, or with KiB, MiB, GiB, TiB", parseByteCount)
    .action((dir: string, source: string, options: ImportOptions) =>
      runVerb(options, (context) => importImage(dir, source, options, context)),
    );
}

async function importImage(dir: string, given: string, options: ImportOptions, context: VerbContext) {
  const path = given === STDIN ? null : await checkedSource(dir, given, {}, context);
  const entry = await withRepository(dir, "write", (repository) =>
    importInto(repository, path, options, context),
  );
  context.output.result(entry, () => inWords(entry, options.format));
  return EXIT.ok;
}

async function importInto(
  repository: Repository,
  path: string | null,
  options: ImportOptions,
  { signal, output }: VerbContext,
): Promise<ImageEntry> {
  const { format, node, partition, comment, size } = options;
  const opened = await openImportSource(path, format, size, signal);
  try {
    const session = await repository.beginArchive({ node, comment, purpose: "import" });
    let snapshot: SnapshotRecord;
    try {
      const onProgress = output.beginProgress();
      await session.archiveSource({ partition }, opened.source, { signal, onProgress });
      await opened.checkEnd();
      signal.throwIfAborted();
      snapshot = await session.commit();
    } catch (error) {
      await session.abort();
      throw error;
    }
    const image = snapshot.images[0];
    if (image === undefined) throw new Error(`Bug: snapshot ${snapshot.id} was committed without its image.`);
    return imageEntry(snapshot, image);
  } finally {
    await opened.close();
  }
}

function inWords(entry: ImageEntry, format: ImageFormat): string {
  const { id, node, partition, sizeBytes, newBytes, storedBytes, seconds } = entry;
  return (
    `Snapshot ${id}: ${node} ${partition} imported from ${format}, ${formatBytes(sizeBytes)} in ` +
    `${formatSeconds(seconds)}. New ${formatBytes(newBytes)} (${formatShare(newBytes, sizeBytes)}), ` +
    `stored ${formatBytes(storedBytes)}.`
  );
}
