// The file `config`: what a repository is, fixed at its creation (docs/repository-format.md §2).
import { CodedError } from "#lib/model/errors.ts";
import { TECHNIQUES } from "#lib/model/snapshot.ts";
import { decodeEncryption, type EncryptionConfig, encodeEncryption } from "../encryption/key-slots.ts";
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
  objectField,
  type TextFileKind,
  textField,
} from "./text-file.ts";

export const CONFIG_FILE = "config";
export const BLOCK_SIZE_MIN = 512;
export const BLOCK_SIZE_MAX = 65536;

/** What an encrypted repository's config says it is: a program that knows only format 1 must not touch it. */
export const ENCRYPTED_FORMAT_VERSION = 2;

const CONFIG: TextFileKind = {
  magic: "SHEEPFOLD REPOSITORY",
  domain: "sheepfold-config-v1",
  newestFormat: ENCRYPTED_FORMAT_VERSION,
};

export function isBlockSize(size: number): boolean {
  return size >= BLOCK_SIZE_MIN && size <= BLOCK_SIZE_MAX && Number.isInteger(Math.log2(size));
}

export interface RepositoryConfig {
  readonly info: RepositoryInfo;
  readonly encryption: EncryptionConfig | null;
}

export function encodeConfig(info: RepositoryInfo, encryption: EncryptionConfig | null): Uint8Array {
  const { id, blockSize, technique, createdAt } = info;
  return encodeTextFile(CONFIG, {
    format: info.formatVersion,
    id,
    blockSize,
    technique,
    createdAt,
    ...(encryption === null ? {} : { encryption: encodeEncryption(encryption) }),
  });
}

/** CodedError "repository-format-newer" or "repository-corrupt". */
export function decodeConfig(bytes: Uint8Array, where: string): RepositoryConfig {
  try {
    const fields = decodeTextFile(CONFIG, bytes);
    const blockSize = countField(fields, "blockSize");
    ensure(isBlockSize(blockSize), `block size ${blockSize} is impossible`);
    const isEncrypted = fields.format === ENCRYPTED_FORMAT_VERSION;
    ensure(isEncrypted === (fields.encryption !== undefined), "format and encryption do not fit");
    const info: RepositoryInfo = {
      id: hexField(fields, "id", 16),
      formatVersion: isEncrypted ? ENCRYPTED_FORMAT_VERSION : FORMAT_VERSION,
      isEncrypted,
      blockSize,
      // Repositories made before there was a choice have no such field.
      technique: fields.technique === undefined ? "repository" : choiceField(fields, "technique", TECHNIQUES),
      createdAt: textField(fields, "createdAt", 40),
    };
    return { info, encryption: isEncrypted ? decodeEncryption(objectField(fields, "encryption")) : null };
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
    `The repository at ${where} has format ${error.found}; this program reads up to format ${ENCRYPTED_FORMAT_VERSION}.${doubt}`,
    {
      hint: "Use a Sheepfold at least as new as the one that made this repository.",
      facts: { found: error.found, known: ENCRYPTED_FORMAT_VERSION },
    },
  );
}

function corruptConfig(error: FormatError, where: string): CodedError {
  return new CodedError("repository-corrupt", `The file config at ${where} is damaged: ${error.message}.`, {
    hint: "Put config back from a copy. It changes only when keys do; pack headers hold its id and block size.",
    cause: error,
  });
}
