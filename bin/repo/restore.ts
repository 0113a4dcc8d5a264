// `sheepfold repo restore DIR SNAPSHOT TARGET`: make a file or block device equal to an image, writing only what
// differs. Facts are gathered, the guards decide, and only then is the target opened for writing.
import { open } from "node:fs/promises";
import type { Command } from "commander";
import {
  type ByteTarget,
  type ImageReader,
  type ImageRecord,
  openFileTarget,
  type Repository,
  type RestoreReport,
} from "#lib/engine/repository.ts";
import { formatBytes, formatSeconds } from "#lib/model/units.ts";
import { isInside } from "./archive.ts";
import { compareWithImage } from "./compare.ts";
import { EXIT } from "./exit-codes.ts";
import { findImage } from "./image-entry.ts";
import type { OutputOptions } from "./output.ts";
import { type PathFacts, pathFacts } from "./path-facts.ts";
import { Refusal } from "./refusal.ts";
import { newVerb, runVerb, type VerbContext } from "./run-verb.ts";
import { SIGNATURE_BYTES, type Signature, signatureOf } from "./signature.ts";
import { reasonNotToRestore } from "./target-guards.ts";
import { withRepository } from "./with-repository.ts";

interface RestoreOptions extends OutputOptions {
  readonly partition?: string;
  readonly allowLarger?: boolean;
  readonly overwriteOther?: boolean;
  readonly dryRun?: boolean;
}

/** Exactly what `repo restore --json` prints. */
interface RestoreResult {
  readonly id: string;
  readonly target: string;
  readonly readBytes: number;
  readonly differingBytes: number;
  readonly writtenBytes: number;
  readonly seconds: number;
}

const DETAILS = `
TARGET may be
  absent            a file of the image's size is made, with holes where the image is zero
  a file or device  it is compared, and only what differs is written; so an interrupted restore is finished by
                    running it again

Refused, always:    a target that is mounted (also through a loop device), swap, or part of LVM, RAID or
                    encryption; too small; read-only; inside the repository; a folder
Refused, unless     --allow-larger     a target larger than the image
you insist:         --overwrite-other  a disk with partitions, a file attached to a loop device, or a target that
                                       holds another kind of file system than the image`;

export function restoreCommand(): Command {
  return newVerb("restore", "Make a file or block device equal to a snapshot, writing only what differs.")
    .argument("<DIR>", "folder of the repository")
    .argument("<SNAPSHOT>", "id, an unambiguous beginning of it, or id:partition")
    .argument("<TARGET>", "block device, file, or a file to be made")
    .option("--partition <NAME>", "which image, when the snapshot holds several")
    .option("--allow-larger", "accept a target larger than the image; the bytes behind it stay as they are")
    .option("--overwrite-other", "accept a target that visibly holds something else")
    .option("--dry-run", "only compare and say how much differs; write nothing")
    .addHelpText("after", DETAILS)
    .action((dir: string, reference: string, target: string, options: RestoreOptions) =>
      runVerb(
        options,
        (context) => restore({ dir, reference, target, options, context }),
        `If ${target} was being written, it is unfinished. Run the same command again to finish it.`,
      ),
    );
}

interface RestoreCall {
  readonly dir: string;
  readonly reference: string;
  readonly target: string;
  readonly options: RestoreOptions;
  readonly context: VerbContext;
}

async function restore(call: RestoreCall) {
  const result = await withRepository(call.dir, "read", (repository) => restoreFrom(repository, call));
  call.context.output.result(result, () => inWords(result, call.options.dryRun === true));
  return EXIT.ok;
}

async function restoreFrom(repository: Repository, call: RestoreCall): Promise<RestoreResult> {
  const { options, context } = call;
  const { snapshot, image } = findImage(repository, call.reference, options.partition);
  const reader = await repository.openImage(snapshot.id, image.partition);
  const facts = await checkedTarget(call, reader, image);
  if (facts.isLink)
    context.output.notice("target-is-link", `${call.target} is a link; the target is ${facts.path}.`);
  const work = { signal: context.signal, onProgress: context.output.beginProgress() };
  const report = options.dryRun
    ? await compareWithImage(reader, facts.kind === "absent" ? null : facts.path, work)
    : await onTarget(facts, image, (target) =>
        repository.restore(snapshot.id, image.partition, target, work),
      );
  const { readBytes, differingBytes, writtenBytes, seconds } = report;
  const id = snapshot.images.length === 1 ? snapshot.id : `${snapshot.id}:${image.partition}`;
  const target = facts.isLink ? facts.path : call.target;
  return { id, target, readBytes, differingBytes, writtenBytes, seconds };
}

async function checkedTarget(call: RestoreCall, reader: ImageReader, image: ImageRecord): Promise<PathFacts> {
  const facts = await pathFacts(call.target);
  const target = {
    ...facts,
    insideRepository: await isInside(call.dir, facts.path),
    signature: facts.sizeBytes > 0 ? signatureOf(await firstBytes(facts.path)) : null,
  };
  const reason = reasonNotToRestore(target, {
    imageBytes: image.sizeBytes,
    imageSignature: await imageSignature(reader),
    allowLarger: call.options.allowLarger === true,
    overwriteOther: call.options.overwriteOther === true,
  });
  if (reason !== null) throw new Refusal(reason);
  return facts;
}

async function firstBytes(path: string): Promise<Uint8Array> {
  const handle = await open(path, "r");
  try {
    const bytes = new Uint8Array(SIGNATURE_BYTES);
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, 0);
    return bytes.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function imageSignature(reader: ImageReader): Promise<Signature> {
  let signature: Signature = "empty";
  if (reader.pageCount === 0) return signature;
  await reader.readPages([0], async (_, bytes) => {
    signature = signatureOf(bytes);
  });
  return signature;
}

async function onTarget(
  facts: PathFacts,
  image: ImageRecord,
  work: (target: ByteTarget) => Promise<RestoreReport>,
): Promise<RestoreReport> {
  const create = facts.kind === "absent" ? image.sizeBytes : undefined;
  const target = await openFileTarget(facts.path, { create });
  try {
    return await work(target);
  } finally {
    await target.close();
  }
}

function inWords(result: RestoreResult, dryRun: boolean): string {
  const { id, target, readBytes, differingBytes, writtenBytes, seconds } = result;
  if (dryRun) {
    return `${target} differs from ${id} in pages of ${formatBytes(differingBytes)} altogether. Nothing was written.`;
  }
  return (
    `${target} now equals ${id}: ${formatBytes(readBytes)} read, ${formatBytes(differingBytes)} differed, ` +
    `${formatBytes(writtenBytes)} written in ${formatSeconds(seconds)}.`
  );
}
