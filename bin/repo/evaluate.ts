// `sheepfold repo evaluate DIR SNAPSHOT...`: what other techniques, block sizes and compressions would cost for
// snapshots there are, archived in the given order into an empty repository.
import { type Command, InvalidArgumentError } from "commander";
import {
  EVALUATED_BLOCK_SIZES,
  EVALUATED_COMPRESSIONS,
  type EvaluationRequest,
  type EvaluationRow,
  type Repository,
  type Technique,
} from "#lib/engine/repository.ts";
import { type Compression, compressionInWords } from "#lib/model/compression.ts";
import { TECHNIQUES } from "#lib/model/snapshot.ts";
import { formatBytes, formatShare } from "#lib/model/units.ts";
import { EvaluationFile } from "./evaluation-file.ts";
import { EXIT } from "./exit-codes.ts";
import { findSnapshot } from "./image-entry.ts";
import { type OutputOptions, table } from "./output.ts";
import { newVerb, runVerb, type VerbContext } from "./run-verb.ts";
import { parseBlockSize, parseCompressionOption, parseTechnique } from "./storage-options.ts";
import { withRepository } from "./with-repository.ts";

const BLOCK_BYTES_MIN = 512;
const BLOCK_BYTES_MAX = 4 * 1024 * 1024;

interface EvaluateOptions extends OutputOptions {
  readonly blockSizes?: readonly number[];
  readonly techniques?: readonly Technique[];
  readonly compressions?: readonly Compression[];
  readonly base?: "first" | "previous";
  readonly partition?: string;
  readonly resume?: string;
}

export function evaluateCommand(): Command {
  return newVerb(
    "evaluate",
    "Compute what each technique, block size and compression would cost for these snapshots, in this order.",
  )
    .argument("<DIR>", "folder of the repository")
    .argument("<SNAPSHOT...>", "ids, unambiguous beginnings of them, or id:partition")
    .option(
      "--block-sizes <LIST>",
      "such as 512,4k,64k,1M (default: all powers of two to 4M)",
      parseBlockSizes,
    )
    .option("--techniques <LIST>", "of full, diff, repository (default: all)", listOf(parseTechnique))
    .option(
      "--compressions <LIST>",
      "of none, gzip, zstd, with levels if wanted (default: none,gzip,zstd)",
      listOf(parseCompressionOption),
    )
    .option("--base <WHICH>", "of diffs: previous (default) or first", parseBase)
    .option("--partition <NAME>", "evaluate only this partition of each snapshot")
    .option("--resume <FILE>", "keep rows in FILE, and go on with those it has")
    .action((dir: string, references: string[], options: EvaluateOptions) =>
      runVerb(options, (context) => evaluate(dir, references, options, context), afterInterruption(options)),
    );
}

async function evaluate(
  dir: string,
  references: readonly string[],
  options: EvaluateOptions,
  { signal, output }: VerbContext,
) {
  const { blockSizes, techniques, compressions, base, partition } = options;
  const rows = await withRepository(dir, "read", async (repository) => {
    const snapshots = references.map((reference) => {
      const { snapshot, image } = findSnapshot(repository, reference, partition);
      return { snapshotId: snapshot.id, partition: image?.partition };
    });
    const request = { snapshots, blockSizes, techniques, compressions, base };
    const work = { signal, onProgress: output.beginProgress() };
    if (options.resume === undefined) return repository.evaluate(request, work);
    const file = await EvaluationFile.open(options.resume, questionOf(repository, request));
    try {
      return await repository.evaluate(request, {
        ...work,
        known: file.known,
        onRows: (made) => file.keep(made),
      });
    } finally {
      await file.close();
    }
  });
  const printed = rows.map((row) => ({ ...row, compression: compressionInWords(row.compression) }));
  output.result(printed, () => inWords(rows, references.length));
  return EXIT.ok;
}

/** What the rows depend on, with what is usual written out: asking for it by name is the same question. */
function questionOf(repository: Repository, request: EvaluationRequest): object {
  return {
    repositoryId: repository.info.id,
    snapshots: request.snapshots,
    techniques: request.techniques ?? TECHNIQUES,
    blockSizes: request.blockSizes ?? EVALUATED_BLOCK_SIZES,
    compressions: request.compressions ?? EVALUATED_COMPRESSIONS,
    base: request.base ?? "previous",
  };
}

function afterInterruption({ resume }: EvaluateOptions): string {
  if (resume === undefined) return "Nothing was kept; with --resume FILE it goes on the next time.";
  return `${resume} has the block sizes that are complete. Run the same command again to go on.`;
}

/** One line for each technique, block size and compression: rows come snapshot by snapshot in equal numbers. */
function inWords(rows: readonly EvaluationRow[], snapshotCount: number): string {
  const kinds = rows.length / snapshotCount;
  const lines = rows.slice(0, kinds).map((first, kind) => {
    const last = rows[(snapshotCount - 1) * kinds + kind] ?? first;
    const mean = snapshotCount > 1 ? (last.totalBytes - first.totalBytes) / (snapshotCount - 1) : null;
    return [
      first.technique,
      formatBytes(first.blockSize),
      compressionInWords(first.compression),
      formatBytes(first.totalBytes),
      mean === null ? "-" : formatBytes(Math.round(mean)),
      formatBytes(last.totalBytes),
      `${formatBytes(last.metadataBytes)} (${formatShare(last.metadataBytes, last.totalBytes)})`,
    ];
  });
  const head = ["TECHNIQUE", "BLOCK", "COMPRESSION", "FIRST", "EACH FURTHER", "TOTAL", "OF THAT METADATA"];
  return table(head, lines, head.slice(3));
}

function listOf<Value>(parse: (text: string) => Value): (text: string) => Value[] {
  return (text) => [...new Set(text.split(","))].map((part) => parse(part));
}

function parseBlockSizes(text: string): number[] {
  const sizes = text.split(",").map((part) => parseBlockSize(part, BLOCK_BYTES_MIN, BLOCK_BYTES_MAX));
  return [...new Set(sizes)]; // "4k" and "4096" are one.
}

function parseBase(text: string): "first" | "previous" {
  if (text === "first" || text === "previous") return text;
  throw new InvalidArgumentError("It must be first or previous.");
}
