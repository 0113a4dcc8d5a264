// `sheepfold repo init DIR`: make an empty repository in a folder.
import { type Command, InvalidArgumentError } from "commander";
import { createRepository, openLocalDisk } from "#lib/engine/repository.ts";
import { formatBytes } from "#lib/model/units.ts";
import { EXIT } from "./exit-codes.ts";
import { parseByteCount } from "./numbers.ts";
import type { OutputOptions } from "./output.ts";
import { newVerb, runVerb, type VerbContext } from "./run-verb.ts";

const BLOCK_BYTES_MIN = 512;
const BLOCK_BYTES_MAX = 65536;
/** Prune and GC begin by writing a ledger of about 160 bytes a pack: this is enough for some 400 GB of packs to go at once, and gc
 *  can be told to free less at a time. */
const RESERVE_BYTES = 1024 * 1024;

interface InitOptions extends OutputOptions {
  readonly blockSize?: number;
  readonly reserve: number;
}

export function initCommand(): Command {
  return newVerb("init", "Make an empty repository in a folder (which is made when missing).")
    .argument("<DIR>", "folder of the repository")
    .option(
      "--block-size <N>",
      "bytes per block, the unit of deduplication: a power of two from 512 to 65536, fixed for ever (default 4096)",
      parseBlockSize,
    )
    .option(
      "--reserve <SIZE>",
      "a file given up when the disk is full, so that prune and gc can begin; 0 for none",
      (text) => (text.trim() === "0" ? 0 : parseByteCount(text)),
      RESERVE_BYTES,
    )
    .action((dir: string, options: InitOptions) =>
      runVerb(options, (context) => init(dir, options, context)),
    );
}

async function init(dir: string, options: InitOptions, { output }: VerbContext) {
  const storage = await openLocalDisk(dir, { create: true });
  try {
    const info = await createRepository({
      storage,
      blockSize: options.blockSize,
      reserveBytes: options.reserve,
    });
    output.result(
      info,
      () =>
        `Repository ${info.id} made in ${dir}: format ${info.formatVersion}, blocks of ${formatBytes(info.blockSize)}.`,
    );
    return EXIT.ok;
  } finally {
    await storage.close();
  }
}

/** Accepts "4096", "4k" and "64KiB". */
function parseBlockSize(text: string): number {
  const match = /^(\d+)\s*(k|ki|kib)?$/i.exec(text.trim());
  const bytes = match === null ? Number.NaN : Number(match[1]) * (match[2] === undefined ? 1 : 1024);
  const isPowerOfTwo = Number.isSafeInteger(bytes) && bytes > 0 && (bytes & (bytes - 1)) === 0;
  if (!isPowerOfTwo || bytes < BLOCK_BYTES_MIN || bytes > BLOCK_BYTES_MAX) {
    throw new InvalidArgumentError(
      `It must be a power of two from ${BLOCK_BYTES_MIN} to ${BLOCK_BYTES_MAX}.`,
    );
  }
  return bytes;
}
