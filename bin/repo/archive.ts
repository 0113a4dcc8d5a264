// `sheepfold repo archive DIR SOURCE`: put one partition (a block device or an image file) into the repository as a
// snapshot of a node.
import { realpath } from "node:fs/promises";
import { sep } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import {
  type ChangeHints,
  hintsFinding,
  openFileSource,
  type Repository,
  type SnapshotRecord,
  type Technique,
} from "#lib/engine/repository.ts";
import type { Compression } from "#lib/model/compression.ts";
import { CodedError } from "#lib/model/errors.ts";
import { formatBytes, formatSeconds, formatShare } from "#lib/model/units.ts";
import { readChangedRanges } from "./changed-ranges.ts";
import { EXIT } from "./exit-codes.ts";
import { type ImageEntry, imageEntry } from "./image-entry.ts";
import { parseCount } from "./numbers.ts";
import type { OutputOptions } from "./output.ts";
import { pathFacts } from "./path-facts.ts";
import { Refusal } from "./refusal.ts";
import { newVerb, runVerb, type VerbContext } from "./run-verb.ts";
import { beingWritten, reasonNotToArchive } from "./source-guards.ts";
import { parseCompressionOption, parseTechnique } from "./storage-options.ts";
import { withRepository } from "./with-repository.ts";

interface ArchiveOptions extends OutputOptions {
  readonly node: string;
  readonly partition: string;
  readonly comment?: string;
  readonly live?: boolean;
  readonly technique?: Technique;
  readonly compression?: Compression;
  readonly base?: string;
  readonly changedRanges?: string;
  readonly changedSince?: string;
  readonly readAllEvery: number;
}

/** Lists of changes are wrong now and then, and a sample may miss it: this bounds for how long. */
const READ_ALL_EVERY = 16;
const NAME_CHARACTERS_MAX = 200;
const COMMENT_CHARACTERS_MAX = 2000;

export function archiveCommand(): Command {
  return newVerb(
    "archive",
    "Archive a partition, from a block device or an image file, as a snapshot of a node.",
  )
    .argument("<DIR>", "folder of the repository")
    .argument("<SOURCE>", "block device (/dev/sda2) or image file")
    .requiredOption("--node <NAME>", "the PC this partition belongs to", parseName)
    .requiredOption("--partition <NAME>", "the partition's name on that PC, such as sda2", parseName)
    .option("--comment <TEXT>", "kept with the snapshot", parseComment)
    .option(
      "--technique <NAME>",
      "how it is stored: full, diff or repository (default: the repository's own)",
      parseTechnique,
    )
    .option(
      "--compression <NAME>",
      "none, gzip or zstd, with a level if wanted: zstd:19 (default zstd:3)",
      parseCompressionOption,
    )
    .option("--base <SNAPSHOT>", "what a diff is made against: previous (default), first, or a snapshot's id")
    .option(
      "--changed-ranges <FILE>",
      "read only these ranges (lines of `offset length` in bytes, or JSON) and a sample of the rest",
    )
    .option("--changed-since <SNAPSHOT>", "the snapshot since which they changed; refused when it is another")
    .option(
      "--read-all-every <N>",
      "after so many archives in a row everything is read, whatever the ranges say",
      parseCount,
      READ_ALL_EVERY,
    )
    .option("--live", "archive even while the source is mounted for writing; the image may be inconsistent")
    .action((dir: string, source: string, options: ArchiveOptions) =>
      runVerb(options, (context) => archive(dir, source, options, context)),
    );
}

async function archive(dir: string, given: string, options: ArchiveOptions, context: VerbContext) {
  const path = await checkedSource(dir, given, options, context);
  const entry = await withRepository(dir, "write", (repository) =>
    archiveInto(repository, path, options, context),
  );
  context.output.result(entry, () => inWords(entry));
  return EXIT.ok;
}

/** The path to read from, links followed; a Refusal when it must not be read. */
export async function checkedSource(
  dir: string,
  given: string,
  options: { readonly live?: boolean },
  { output }: VerbContext,
): Promise<string> {
  const facts = await pathFacts(given);
  const source = { ...facts, insideRepository: await isInside(dir, facts.path) };
  const reason = reasonNotToArchive(source, { live: options.live === true });
  if (reason !== null) throw new Refusal(reason);
  const warning = beingWritten(source);
  if (warning !== null) {
    output.notice(warning.code, `${warning.message} The image may hold a state that never was on the disk.`);
  }
  if (facts.isLink) output.notice("source-is-link", `${given} is a link; reading ${facts.path}.`);
  return facts.path;
}

async function archiveInto(
  repository: Repository,
  path: string,
  options: ArchiveOptions,
  { signal, output }: VerbContext,
): Promise<ImageEntry> {
  const changed = await changeHints(repository, options);
  const source = await openFileSource(path);
  try {
    const session = await repository.beginArchive({
      node: options.node,
      comment: options.comment,
      technique: options.technique,
      compression: options.compression,
      base: options.base,
    });
    let snapshot: SnapshotRecord;
    try {
      const onProgress = output.beginProgress();
      await session.archiveSource({ partition: options.partition }, source, { signal, onProgress, changed });
      signal.throwIfAborted();
      snapshot = await session.commit();
    } catch (error) {
      await session.abort();
      throw error;
    }
    const image = snapshot.images[0];
    if (image === undefined) throw new Error(`Bug: snapshot ${snapshot.id} was committed without its image.`);
    const finding = hintsFinding(image);
    if (finding !== null) output.notice("changed-ranges-wrong", finding);
    return imageEntry(snapshot, image);
  } finally {
    await source.close();
  }
}

async function changeHints(
  repository: Repository,
  { changedRanges, changedSince, readAllEvery }: ArchiveOptions,
): Promise<ChangeHints | undefined> {
  if (changedRanges === undefined) {
    if (changedSince === undefined) return undefined;
    throw new CodedError("input-invalid", "--changed-since says nothing without --changed-ranges.", {
      hint: "Give both, or neither.",
    });
  }
  const { ranges, since = changedSince } = await readChangedRanges(changedRanges);
  return { ranges, readAllEvery, since: since === undefined ? undefined : repository.snapshot(since).id };
}

/** Both paths with links followed; a repository that is not there holds nothing. */
export async function isInside(dir: string, path: string): Promise<boolean> {
  const root = await realpath(dir).catch(() => null);
  return root !== null && (path === root || path.startsWith(root.endsWith(sep) ? root : root + sep));
}

function inWords(entry: ImageEntry): string {
  const { id, node, partition, sizeBytes, newBytes, storedBytes, seconds } = entry;
  const rate = seconds > 0 ? ` (${formatBytes(sizeBytes / seconds)}/s)` : "";
  return (
    `Snapshot ${id}: ${node} ${partition}, ${formatBytes(sizeBytes)} in ${formatSeconds(seconds)}${rate}. ` +
    `New ${formatBytes(newBytes)} (${formatShare(newBytes, sizeBytes)}), stored ${formatBytes(storedBytes)}.`
  );
}

export function parseName(text: string): string {
  const name = text.trim();
  const printable = [...name].every((character) => character >= " " && character !== "\u007f");
  if (name === "" || name.length > NAME_CHARACTERS_MAX || !printable) {
    throw new InvalidArgumentError(`It must have 1 to ${NAME_CHARACTERS_MAX} printable characters.`);
  }
  return name;
}

export function parseComment(text: string): string {
  if (text.length > COMMENT_CHARACTERS_MAX) {
    throw new InvalidArgumentError(`It may have at most ${COMMENT_CHARACTERS_MAX} characters.`);
  }
  return text;
}
