// Making the keys of a new encrypted repository, and getting them back: from config and one of the keys that open it, before
// anything else is read. What is wrong is said here, before the first byte.
import type { Random } from "#lib/model/clock.ts";
import { CodedError } from "#lib/model/errors.ts";
import { sameHash } from "#lib/page/page.ts";
import type { RepositoryInfo } from "../types.ts";
import { KEY_BYTES } from "./aead.ts";
import {
  type EncryptionConfig,
  type KeySource,
  PASSPHRASE_CHARACTERS_MIN,
  type RepositoryKey,
  unwrapMasterKey,
  wrapMasterKey,
} from "./key-slots.ts";
import { deriveKeys, keyCheckOf, type RepositoryKeys } from "./repository-keys.ts";

export async function newEncryption(
  info: Pick<RepositoryInfo, "id" | "blockSize" | "createdAt">,
  key: RepositoryKey,
  random: Random,
): Promise<EncryptionConfig> {
  checkNewKey(key);
  const masterKey = random.bytes(KEY_BYTES);
  const { id: repositoryId, createdAt } = info;
  const slot = await wrapMasterKey(masterKey, { repositoryId, key, label: "first", createdAt, random });
  return { keyCheck: keyCheckOf(masterKey, repositoryId, info.blockSize), slots: [slot] };
}

export function checkNewKey(key: RepositoryKey): void {
  if (key.kind === "key-file" || [...key.passphrase].length >= PASSPHRASE_CHARACTERS_MIN) return;
  throw new CodedError(
    "input-invalid",
    `A passphrase needs at least ${PASSPHRASE_CHARACTERS_MIN} characters.`,
    {
      hint: "Take several words nobody would guess: whoever has a copy of the repository can try passphrases for ever.",
    },
  );
}

/** Null for a repository that is not encrypted. */
export async function unlock(
  info: RepositoryInfo,
  encryption: EncryptionConfig | null,
  source: KeySource | undefined,
  where: string,
): Promise<RepositoryKeys | null> {
  if (encryption === null) {
    if (source === undefined || typeof source === "function") return null;
    throw new CodedError(
      "input-invalid",
      `The repository at ${where} is not encrypted, but a key was given.`,
      {
        hint: "Give no key, if it is meant to be so. If you made it encrypted, its file config was exchanged: archive nothing there.",
      },
    );
  }
  const key = typeof source === "function" ? await source() : source;
  if (key === undefined || key === null) throw keyMissing(encryption, where);
  const masterKey = await masterKeyOf(info, encryption, key, where);
  return deriveKeys(masterKey, info.id);
}

export async function masterKeyOf(
  info: RepositoryInfo,
  encryption: EncryptionConfig,
  key: RepositoryKey,
  where: string,
): Promise<Uint8Array> {
  for (const slot of encryption.slots) {
    const masterKey = await unwrapMasterKey(slot, key, info.id);
    if (masterKey === null) continue;
    if (sameHash(keyCheckOf(masterKey, info.id, info.blockSize), encryption.keyCheck)) return masterKey;
    throw new CodedError("repository-corrupt", `The file config at ${where} does not belong to its key.`, {
      hint: "Put config back from a copy: its id or block size is not what the repository was made with.",
    });
  }
  throw new CodedError(
    "key-wrong",
    `${key.kind === "passphrase" ? "This passphrase" : "This key file"} does not open the repository at ${where}.`,
    { hint: `It is opened by ${slotWords(encryption)}.` },
  );
}

export function keyMissing(encryption: EncryptionConfig, where: string): CodedError {
  return new CodedError("key-missing", `The repository at ${where} is encrypted, and no key was given.`, {
    hint: `It is opened by ${slotWords(encryption)}. Give --key-file or --passphrase-file, or set SHEEPFOLD_KEY_FILE or SHEEPFOLD_PASSPHRASE. Without one of these keys nothing in it can be read, by nobody.`,
  });
}

function slotWords({ slots }: EncryptionConfig): string {
  return slots
    .map(({ kind, label }) => `a ${kind === "passphrase" ? "passphrase" : "key file"} (${label})`)
    .join(" or ");
}
