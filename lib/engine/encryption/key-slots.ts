// Key slots: the master key of an encrypted repository, wrapped once for each passphrase and each key file that opens it
// (docs/repository-format.md §9). They lie in `config`, for anyone to read: nothing in them helps without the key.
//
// A passphrase becomes a key by scrypt, which takes 128 MiB and a good part of a second for each guess. Its parameters
// are stored with the slot, and bounded when read: config may come from a hostile disk.
import { hkdfSync, scrypt } from "node:crypto";
import { promisify } from "node:util";
import type { Random } from "#lib/model/clock.ts";
import { bytesOfHex, ensure, FormatError, hexOf } from "../format/bytes.ts";
import {
  choiceField,
  countField,
  hexField,
  listField,
  objectField,
  objectOf,
  textField,
} from "../format/text-file.ts";
import { CIPHER_NAME, KEY_BYTES, NONCE_BYTES, SEAL_BYTES, seal, unseal } from "./aead.ts";

export const KEY_KINDS = ["passphrase", "key-file"] as const;
export type KeyKind = (typeof KEY_KINDS)[number];

/** One of the keys that open a repository. */
export type RepositoryKey =
  | { readonly kind: "passphrase"; readonly passphrase: string }
  | { readonly kind: "key-file"; readonly bytes: Uint8Array };

/** A key, or whoever can get one: asked only when the repository is encrypted. A key that is given, not asked for, is refused
 *  by a repository that is not: its owner believes that what is archived there is encrypted. */
export type KeySource = RepositoryKey | (() => Promise<RepositoryKey | null>);

/** Names as in RFC 7914. */
export interface ScryptCost {
  readonly n: number;
  readonly r: number;
  readonly p: number;
}

export interface KeySlot {
  /** 8 hex digits. */
  readonly id: string;
  readonly kind: KeyKind;
  readonly label: string;
  readonly createdAt: string;
  readonly salt: Uint8Array;
  /** Of passphrases. */
  readonly scrypt: ScryptCost | null;
  /** The master key, sealed. */
  readonly wrapped: Uint8Array;
}

/** The part of config that an encrypted repository has besides. */
export interface EncryptionConfig {
  readonly keyCheck: Uint8Array;
  readonly slots: readonly KeySlot[];
}

export const SLOTS_MAX = 32;
export const LABEL_CHARACTERS_MAX = 128;
export const PASSPHRASE_CHARACTERS_MIN = 8;
/** 128 MiB. */
const USUAL_COST: ScryptCost = { n: 2 ** 17, r: 8, p: 1 };
/** What a config may ask for: 1 GiB, and as many passes over it as take minutes, not days. */
const SCRYPT_BYTES_MAX = 1024 * 1024 * 1024;
const SCRYPT_PASSES_MAX = 16;
const SALT_BYTES = 32;
const SLOT_DOMAIN = "sheepfold-key-slot-v1";

const scryptKey = promisify<
  string,
  Uint8Array,
  number,
  { N: number; r: number; p: number; maxmem: number },
  Buffer
>(scrypt);

export interface NewSlot {
  readonly repositoryId: string;
  readonly key: RepositoryKey;
  readonly label: string;
  readonly createdAt: string;
  readonly random: Random;
}

export async function wrapMasterKey(masterKey: Uint8Array, slot: NewSlot): Promise<KeySlot> {
  const { repositoryId, key, label, createdAt, random } = slot;
  const salt = random.bytes(SALT_BYTES);
  const cost = key.kind === "passphrase" ? USUAL_COST : null;
  const wrappingKey = await wrappingKeyOf(key, salt, cost);
  const wrapped = seal(masterKey, {
    key: wrappingKey,
    nonce: random.bytes(NONCE_BYTES),
    context: slotContext(repositoryId, key.kind),
  });
  return { id: hexOf(random.bytes(4)), kind: key.kind, label, createdAt, salt, scrypt: cost, wrapped };
}

/** Null when this key does not open this slot. */
export async function unwrapMasterKey(
  slot: KeySlot,
  key: RepositoryKey,
  repositoryId: string,
): Promise<Uint8Array | null> {
  if (slot.kind !== key.kind) return null;
  const wrappingKey = await wrappingKeyOf(key, slot.salt, slot.scrypt);
  try {
    return new Uint8Array(unseal(slot.wrapped, wrappingKey, slotContext(repositoryId, slot.kind)));
  } catch (error) {
    if (error instanceof FormatError) return null;
    throw error;
  }
}

async function wrappingKeyOf(
  key: RepositoryKey,
  salt: Uint8Array,
  cost: ScryptCost | null,
): Promise<Uint8Array> {
  if (key.kind === "key-file") {
    return new Uint8Array(hkdfSync("sha256", key.bytes, salt, SLOT_DOMAIN, KEY_BYTES));
  }
  ensure(cost !== null, "a slot for a passphrase has no scrypt parameters");
  // The same passphrase typed on another system may have other code points for the same letters.
  const passphrase = key.passphrase.normalize("NFC");
  const maxmem = 2 * scryptBytes(cost);
  return scryptKey(passphrase, salt, KEY_BYTES, { N: cost.n, r: cost.r, p: cost.p, maxmem });
}

function slotContext(repositoryId: string, kind: KeyKind): Uint8Array {
  return Buffer.concat([Buffer.from(`${SLOT_DOMAIN}\0${kind}\0`, "ascii"), bytesOfHex(repositoryId)]);
}

function scryptBytes({ n, r, p }: ScryptCost): number {
  return 128 * r * (n + p);
}

// In config ---------------------------------------------------------------------------------------------------

export function encodeEncryption({ keyCheck, slots }: EncryptionConfig): unknown {
  return { cipher: CIPHER_NAME, keyCheck: hexOf(keyCheck), slots: slots.map(encodeSlot) };
}

/** FormatError unless all of it may be used. */
export function decodeEncryption(fields: Record<string, unknown>): EncryptionConfig {
  choiceField(fields, "cipher", [CIPHER_NAME]);
  const slots = listField(fields, "slots");
  ensure(slots.length >= 1 && slots.length <= SLOTS_MAX, `${slots.length} key slots`);
  return { keyCheck: bytesOfHex(hexField(fields, "keyCheck", KEY_BYTES)), slots: slots.map(decodeSlot) };
}

function encodeSlot(slot: KeySlot): unknown {
  const { id, kind, label, createdAt, scrypt: cost } = slot;
  const parameters = cost === null ? {} : { scrypt: cost };
  return { id, kind, label, createdAt, salt: hexOf(slot.salt), ...parameters, wrapped: hexOf(slot.wrapped) };
}

function decodeSlot(value: unknown): KeySlot {
  const fields = objectOf(value, "a key slot");
  const kind = choiceField(fields, "kind", KEY_KINDS);
  return {
    id: hexField(fields, "id", 4),
    kind,
    label: textField(fields, "label", LABEL_CHARACTERS_MAX),
    createdAt: textField(fields, "createdAt", 40),
    salt: bytesOfHex(hexField(fields, "salt", SALT_BYTES)),
    scrypt: kind === "passphrase" ? decodeCost(objectField(fields, "scrypt")) : null,
    wrapped: bytesOfHex(hexField(fields, "wrapped", KEY_BYTES + SEAL_BYTES)),
  };
}

function decodeCost(fields: Record<string, unknown>): ScryptCost {
  const cost = { n: countField(fields, "n"), r: countField(fields, "r"), p: countField(fields, "p") };
  ensure(cost.n >= 2 && Number.isInteger(Math.log2(cost.n)), `scrypt's n is ${cost.n}`);
  ensure(cost.r >= 1 && cost.p >= 1 && cost.p <= SCRYPT_PASSES_MAX, "scrypt's r or p is impossible");
  ensure(scryptBytes(cost) <= SCRYPT_BYTES_MAX, `scrypt would take ${scryptBytes(cost)} bytes of memory`);
  return cost;
}
