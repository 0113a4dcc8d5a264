// `sheepfold repo init DIR`: make an empty repository in a folder.
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import {
  createRepository,
  openLocalDisk,
  type RepositoryInfo,
  type Technique,
  USUAL_RESERVE_BYTES,
} from "#lib/engine/repository.ts";
import { CodedError } from "#lib/model/errors.ts";
import { formatBytes } from "#lib/model/units.ts";
import { EXIT } from "./exit-codes.ts";
import { givenKey, kept, type NewKey, newKey } from "./key-options.ts";
import { parseByteCount } from "./numbers.ts";
import type { OutputOptions } from "./output.ts";
import { newVerb, runVerb, type VerbContext } from "./run-verb.ts";
import { parseBlockSize, parseTechnique } from "./storage-options.ts";

const BLOCK_BYTES_MIN = 512;
const BLOCK_BYTES_MAX = 65536;

const ENCRYPTED =
  "encrypted.\nKeep a copy of its key away from it: when every key is lost, nothing in it can ever be read again.";

interface InitOptions extends OutputOptions {
  readonly blockSize?: number;
  readonly technique?: Technique;
  readonly reserve: number;
  readonly encrypt?: string;
  readonly passphraseFile?: string;
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
    .option(
      "--encrypt <KEY>",
      "encrypt all that will be stored, for good: passphrase (asked for, or --passphrase-file), or key-file:PATH (made when it is not there)",
    )
    .action((dir: string, options: InitOptions) =>
      runVerb(options, (context) => init(dir, options, context)),
    );
}

/** Undefined when nothing is to be encrypted. */
async function firstKey({ encrypt, passphraseFile }: InitOptions): Promise<NewKey | undefined> {
  if (encrypt === undefined) {
    if ((await givenKey()) === null) return undefined;
    throw new CodedError(
      "input-invalid",
      "A key was given, but not that the repository is to be encrypted.",
      {
        hint: "Add --encrypt passphrase or --encrypt key-file:PATH; or give no key, and unset SHEEPFOLD_KEY_FILE and SHEEPFOLD_PASSPHRASE.",
      },
    );
  }
  const given = encrypt === "passphrase" && passphraseFile === undefined ? await givenKey() : null;
  return given?.kind === "passphrase" ? kept(given) : newKey(encrypt, passphraseFile);
}

async function init(dir: string, options: InitOptions, { output }: VerbContext) {
  const first = await firstKey(options);
  let info: RepositoryInfo;
  try {
    info = await create(dir, options, first);
  } catch (error) {
    // When there is a repository after all, the new key may be the only one that opens it.
    if (isOfAnother(error) || !existsSync(join(dir, "config"))) await first?.forget();
    throw error;
  }
  output.result(
    info,
    () =>
      `Repository ${info.id} made in ${dir}: format ${info.formatVersion}, blocks of ${formatBytes(info.blockSize)}, technique ${info.technique}${info.isEncrypted ? `, ${ENCRYPTED}` : "."}`,
  );
  return EXIT.ok;
}

function isOfAnother(error: unknown): boolean {
  return error instanceof CodedError && error.code === "repository-exists";
}

async function create(dir: string, options: InitOptions, first: NewKey | undefined): Promise<RepositoryInfo> {
  const storage = await openLocalDisk(dir, { create: true });
  try {
    const { blockSize, technique, reserve: reserveBytes } = options;
    return await createRepository({ storage, blockSize, technique, reserveBytes, key: first?.key });
  } finally {
    await storage.close();
  }
}
