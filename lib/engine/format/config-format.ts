// The file `config`: what a repository is, fixed at its creation (docs/repository-format.md §2).
import { CodedError } from "#lib/model/errors.ts";
import { TECHNIQUES } from "#lib/model/snapshot.ts";
import type { RepositoryInfo } from "../types.ts";
import { ensure, FormatError } from "./bytes.ts";
import {
  choiceField,
  countField,
  decodeTextFile,
  encodeTextFile,
  FORMAT_VERSION,
  hexField,
  NewerFormatError,
  type TextFileKind,
  textField,
} from "./text-file.ts";

export const CONFIG_FILE = "config";
export const BLOCK_SIZE_MIN = 512;
export const BLOCK_SIZE_MAX = 65536;

const CONFIG: TextFileKind = { magic: "SHEEPFOLD REPOSITORY", domain: "sheepfold-config-v1" };

export function isBlockSize(size: number): boolean {
  return size >= BLOCK_SIZE_MIN && size <= BLOCK_SIZE_MAX && Number.isInteger(Math.log2(size));
}

export function encodeConfig(info: RepositoryInfo): Uint8Array {
  const { id, blockSize, technique, createdAt } = info;
  return encodeTextFile(CONFIG, { format: info.formatVersion, id, blockSize, technique, createdAt });
}

/** CodedError "repository-format-newer" or "repository-corrupt". */
export function decodeConfig(bytes: Uint8Array, where: string): RepositoryInfo {
  try {
    const fields = decodeTextFile(CONFIG, bytes);
    const blockSize = countField(fields, "blockSize");
    ensure(isBlockSize(blockSize), `block size ${blockSize} is impossible`);
    return {
      id: hexField(fields, "id", 16),
      formatVersion: FORMAT_VERSION,
      blockSize,
      // Repositories made before there was a choice have no such field.
      technique: fields.technique === undefined ? "repository" : choiceField(fields, "technique", TECHNIQUES),
      createdAt: textField(fields, "createdAt", 40),
    };
  } catch (error) {
    if (error instanceof NewerFormatError) throw newerFormat(error, where);
    if (error instanceof FormatError) throw corruptConfig(error, where);
    throw error;
  }
}

function newerFormat(error: NewerFormatError, where: string): CodedError {
  const doubt = error.checksumFits ? "" : " Its checksum is unknown to this program, too.";
  return new CodedError(
    "repository-format-newer",
    `The repository at ${where} has format ${error.found}; this program reads up to format ${FORMAT_VERSION}.${doubt}`,
    {
      hint: "Use a Sheepfold at least as new as the one that made this repository.",
      facts: { found: error.found, known: FORMAT_VERSION },
    },
  );
}

function corruptConfig(error: FormatError, where: string): CodedError {
  return new CodedError("repository-corrupt", `The file config at ${where} is damaged: ${error.message}.`, {
    hint: "Put config back from a copy. It never changes after the repository's creation; pack headers hold its id and block size.",
    cause: error,
  });
}
