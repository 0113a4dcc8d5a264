// The form shared by `config` and snapshot files: a magic line, one JSON value, and a last line with a checksum
// under a domain, so that neither kind can be taken for the other (docs/repository-format.md §2). In an encrypted repository
// the value of all but config and scrub results is sealed (§9).
import { createHash } from "node:crypto";
import type { Random } from "#lib/model/clock.ts";
import { NONCE_BYTES, seal, unseal } from "../encryption/aead.ts";
import { bytesOfHex, ensure, FormatError } from "./bytes.ts";
import { ID_MAX } from "./node-format.ts";

export const FORMAT_VERSION = 1;
/** A snapshot file lists the packs it added, 150 bytes for 64 MiB: this is enough for 100 TB at a time. */
export const TEXT_FILE_BYTES_MAX = 256 * 1024 * 1024;

export interface TextFileKind {
  readonly magic: string;
  readonly domain: string;
  /** The newest format of this kind that this program knows, where it is not FORMAT_VERSION. */
  readonly newestFormat?: number;
}

/** A well-formed file of a format this program does not know. */
export class NewerFormatError extends Error {
  override readonly name = "NewerFormatError";
  readonly found: number;
  readonly checksumFits: boolean;
  constructor(found: number, newestKnown: number, checksumFits: boolean) {
    super(`format ${found}, this program knows up to ${newestKnown}`);
    this.found = found;
    this.checksumFits = checksumFits;
  }
}

export function encodeTextFile(kind: TextFileKind, value: unknown): Uint8Array {
  const body = Buffer.from(`${kind.magic}\n${JSON.stringify(value, null, 1)}\n`, "utf8");
  return Buffer.concat([body, Buffer.from(`${kind.domain} ${checksumOf(kind, body)}\n`, "ascii")]);
}

/** The JSON value as an object. FormatError for anything damaged, NewerFormatError for a newer format. */
export function decodeTextFile(kind: TextFileKind, bytes: Uint8Array): Record<string, unknown> {
  ensure(bytes.length <= TEXT_FILE_BYTES_MAX, `${bytes.length} bytes are too many`);
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const magicEnd = file.indexOf(0x0a) + 1;
  const bodyEnd = file.lastIndexOf(0x0a, file.length - 2) + 1;
  ensure(file.toString("utf8", 0, magicEnd) === `${kind.magic}\n`, `does not start with "${kind.magic}"`);
  const checksum = file.toString("latin1", bodyEnd);
  const checksumFits =
    bodyEnd > magicEnd && checksum === `${kind.domain} ${checksumOf(kind, file.subarray(0, bodyEnd))}\n`;
  const value = parsedObject(file.toString("utf8", magicEnd, bodyEnd));
  const format = value?.format;
  // A newer program may have another checksum: tell that it is newer before judging a form we do not know.
  const newest = kind.newestFormat ?? FORMAT_VERSION;
  if (typeof format === "number" && format > newest) throw new NewerFormatError(format, newest, checksumFits);
  ensure(checksumFits, "the checksum does not fit");
  const isKnown = typeof format === "number" && Number.isInteger(format) && format >= FORMAT_VERSION;
  ensure(value !== null && isKnown, "the content has not the expected form");
  return value;
}

// Files that belong to one repository ---------------------------------------------------------------------------

/** Whose files they are; with a key where their content is sealed. */
export interface TextOwner {
  readonly repositoryId: string;
  readonly seal: { readonly key: Uint8Array; readonly random: Random } | null;
}

export function encodeOwnedFile(
  kind: TextFileKind,
  owner: TextOwner,
  value: object,
  format = FORMAT_VERSION,
): Uint8Array {
  const { repositoryId } = owner;
  const head = { format, repositoryId };
  if (owner.seal === null) return encodeTextFile(kind, { ...head, ...value });
  const { key, random } = owner.seal;
  const nonce = random.bytes(NONCE_BYTES);
  const context = textContext(kind, repositoryId, format);
  const sealed = seal(Buffer.from(JSON.stringify(value), "utf8"), { key, nonce, context });
  return encodeTextFile(kind, { ...head, sealed: Buffer.from(sealed).toString("base64") });
}

/** As decodeTextFile, format included; a FormatError, too, for a file of another repository, or one that is not sealed where
 *  all are. */
export function decodeOwnedFile(
  kind: TextFileKind,
  owner: TextOwner,
  bytes: Uint8Array,
): Record<string, unknown> {
  const fields = decodeTextFile(kind, bytes);
  ensure(fields.repositoryId === owner.repositoryId, "it belongs to another repository");
  if (owner.seal === null) {
    ensure(fields.sealed === undefined, "it is sealed, in a repository that is not encrypted");
    return fields;
  }
  ensure(typeof fields.sealed === "string", "it is not sealed, in a repository that is encrypted");
  const sealed = Buffer.from(fields.sealed, "base64");
  const format = countField(fields, "format");
  const plain = unseal(sealed, owner.seal.key, textContext(kind, owner.repositoryId, format));
  const value = parsedObject(Buffer.from(plain).toString("utf8"));
  ensure(value !== null, "what was sealed has not the expected form");
  return { ...value, format };
}

/** The format is readable without a key, and bound all the same: from 2 on it is part of this. */
function textContext({ domain }: TextFileKind, repositoryId: string, format: number): Uint8Array {
  const ofFormat = format === FORMAT_VERSION ? [] : [format];
  return Buffer.concat([
    Buffer.from(`${domain}\0`, "ascii"),
    bytesOfHex(repositoryId),
    Uint8Array.from(ofFormat),
  ]);
}

function checksumOf(kind: TextFileKind, body: Uint8Array): string {
  return createHash("sha256").update(`${kind.domain}\0`).update(body).digest("hex");
}

function parsedObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null; // What is not JSON is answered by the checksum test of the caller.
  }
}

// Readers of single fields: each checks one claim of the file and names the field when it fails.

export function textField(from: Record<string, unknown>, name: string, charactersMax = 4096): string {
  const value = from[name];
  ensure(typeof value === "string" && value.length <= charactersMax, `${name} is not a text`);
  return value;
}

export function numberField(from: Record<string, unknown>, name: string): number {
  const value = from[name];
  ensure(typeof value === "number" && Number.isFinite(value) && value >= 0, `${name} is not a number`);
  return value;
}

export function countField(from: Record<string, unknown>, name: string): number {
  const value = numberField(from, name);
  ensure(Number.isSafeInteger(value), `${name} is not a whole number`);
  return value;
}

/** A block's or node's number, or the one after the last. */
export function idField(from: Record<string, unknown>, name: string): number {
  const value = countField(from, name);
  ensure(value <= ID_MAX, `${name} is beyond the last possible number`);
  return value;
}

export function hexField(from: Record<string, unknown>, name: string, bytes: number): string {
  const value = textField(from, name, 2 * bytes);
  ensure(new RegExp(`^[0-9a-f]{${2 * bytes}}$`).test(value), `${name} is not ${bytes} bytes of hex`);
  return value;
}

export function objectField(from: Record<string, unknown>, name: string): Record<string, unknown> {
  return objectOf(from[name], name);
}

export function objectOf(value: unknown, name: string): Record<string, unknown> {
  ensure(typeof value === "object" && value !== null && !Array.isArray(value), `${name} is not an object`);
  return value as Record<string, unknown>;
}

export function listField(from: Record<string, unknown>, name: string): unknown[] {
  const value = from[name];
  ensure(Array.isArray(value), `${name} is not a list`);
  return value;
}

export function choiceField<Choice extends string>(
  from: Record<string, unknown>,
  name: string,
  choices: readonly Choice[],
): Choice {
  const value = from[name];
  const found = choices.find((choice) => choice === value);
  if (found === undefined) throw new FormatError(`${name} is not one of ${choices.join(", ")}`);
  return found;
}
