// `sheepfold repo init DIR`: make an empty repository in a folder.
import type { Command } from "commander";
import {
  createRepository,
  openLocalDisk,
  type Technique,
  USUAL_RESERVE_BYTES,
} from "#lib/engine/repository.ts";
import { formatBytes } from "#lib/model/units.ts";
import { EXIT } from "./exit-codes.ts";
import { parseByteCount } from "./numbers.ts";
import type { OutputOptions } from "./output.ts";
import { newVerb, runVerb, type VerbContext } from "./run-verb.ts";
import { parseBlockSize, parseTechnique } from "./storage-options.ts";

const BLOCK_BYTES_MIN = 512;
const BLOCK_BYTES_MAX = 65536;

interface InitOptions extends OutputOptions {
  readonly blockSize?: number;
  readonly technique?: Technique;
  readonly reserve: number;
}

export function initCommand(): Command {
  return newVerb("init", "Make an empty repository in a folder (which is made when missing).")
    .argument("<DIR>", "folder of the repository")
    .option(
      "--block-size <N>",
      "bytes per block, the unit of deduplication: a power of two from 512 to 65536, fixed for ever (default 4096)",
      (text) => parseBlockSize(text, BLOCK_BYTES_MIN, BLOCK_BYTES_MAX),
    )
    .option(
      "--technique <NAME>",
      "what archives use that name none: full, diff or repository (default repository)",
      parseTechnique,
    )
    .option(
      "--reserve <SIZE>",
      "a file given up when the disk is full, so that prune and gc can begin; 0 for none",
      (text) => (text.trim() === "0" ? 0 : parseByteCount(text)),
      USUAL_RESERVE_BYTES,
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
      technique: options.technique,
      reserveBytes: options.reserve,
    });
    output.result(
      info,
      () =>
        `Repository ${info.id} made in ${dir}: format ${info.formatVersion}, blocks of ${formatBytes(info.blockSize)}, technique ${info.technique}.`,
    );
    return EXIT.ok;
  } finally {
    await storage.close();
  }
}
