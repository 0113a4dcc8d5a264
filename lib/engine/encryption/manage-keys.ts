// The keys of a repository that is there: listed by anyone, added and removed by whoever has one of them and the writer's
// lock. Only config changes; the master key, and so everything that is stored, stays.
import { type Clock, type Random, systemClock, systemRandom } from "#lib/model/clock.ts";
import { CodedError } from "#lib/model/errors.ts";
import { CONFIG_FILE, encodeConfig, type RepositoryConfig } from "../format/config-format.ts";
import { RepositoryLock } from "../lock.ts";
import { readConfig } from "../read-config.ts";
import type { Storage } from "../storage/storage.ts";
import {
  type EncryptionConfig,
  type KeyKind,
  type KeySlot,
  LABEL_CHARACTERS_MAX,
  type RepositoryKey,
  SLOTS_MAX,
  wrapMasterKey,
} from "./key-slots.ts";
import { checkNewKey, keyMissing, masterKeyOf } from "./unlock.ts";

export interface KeyInfo {
  readonly id: string;
  readonly kind: KeyKind;
  readonly label: string;
  readonly createdAt: string;
}

export interface KeyChange {
  readonly storage: Storage;
  /** One that opens the repository, and that stays. */
  readonly key: RepositoryKey | null;
  readonly owner?: string;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** Empty for a repository that is not encrypted. Needs no key. */
export async function listKeys(storage: Storage): Promise<KeyInfo[]> {
  const { encryption } = await readConfig(storage);
  return (encryption?.slots ?? []).map(keyInfo);
}

export async function addKey(
  change: KeyChange,
  added: { readonly key: RepositoryKey; readonly label: string },
): Promise<KeyInfo> {
  checkNewKey(added.key);
  if (added.label.trim() === "" || added.label.length > LABEL_CHARACTERS_MAX) {
    throw new CodedError("input-invalid", `A key needs a label of 1 to ${LABEL_CHARACTERS_MAX} characters.`, {
      hint: "Say whose it is or where it lies: it is all that `repo key list` can show.",
    });
  }
  return changed(change, async (config, encryption) => {
    if (encryption.slots.length >= SLOTS_MAX) {
      throw new CodedError("input-invalid", `The repository has ${SLOTS_MAX} keys already.`, {
        hint: "Remove one that is not used any more.",
      });
    }
    const masterKey = await openedBy(change, config, encryption, encryption.slots);
    const slot = await wrapMasterKey(masterKey, {
      ...added,
      repositoryId: config.info.id,
      createdAt: new Date((change.clock ?? systemClock).nowMs()).toISOString(),
      random: change.random ?? systemRandom,
    });
    return { slots: [...encryption.slots, slot], result: keyInfo(slot) };
  });
}

/** Needs a key that stays: nobody can lock himself out. */
export async function removeKey(change: KeyChange, slotId: string): Promise<KeyInfo> {
  return changed(change, async (config, encryption) => {
    const slot = encryption.slots.find(({ id }) => id === slotId);
    const slots = encryption.slots.filter(({ id }) => id !== slotId);
    if (slot === undefined) {
      throw new CodedError("input-invalid", `The repository has no key ${slotId}.`, {
        hint: `It has ${encryption.slots.map(({ id, label }) => `${id} (${label})`).join(", ")}.`,
      });
    }
    if (slots.length === 0) {
      throw new CodedError("input-invalid", "This is the only key of the repository.", {
        hint: "Add another one first: without a key nothing can be read.",
      });
    }
    await openedBy(change, config, encryption, slots);
    return { slots, result: keyInfo(slot) };
  });
}

async function openedBy(
  { key, storage }: KeyChange,
  { info }: RepositoryConfig,
  encryption: EncryptionConfig,
  slots: readonly KeySlot[],
): Promise<Uint8Array> {
  if (key === null) throw keyMissing(encryption, storage.description);
  return masterKeyOf(info, { ...encryption, slots }, key, storage.description);
}

/** Under the writer's lock: two changes at a time would lose one of them. */
async function changed(
  { storage, owner, random = systemRandom }: KeyChange,
  decide: (
    config: RepositoryConfig,
    encryption: EncryptionConfig,
  ) => Promise<{ readonly slots: readonly KeySlot[]; readonly result: KeyInfo }>,
): Promise<KeyInfo> {
  const lock = await RepositoryLock.acquire(storage, random, owner);
  try {
    const config = await readConfig(storage);
    if (config.encryption === null) {
      throw new CodedError("input-invalid", `The repository at ${storage.description} is not encrypted.`, {
        hint: "That is decided when it is made: sheepfold repo init DIR --encrypt passphrase",
      });
    }
    const { slots, result } = await decide(config, config.encryption);
    await lock.assertHeld();
    await storage.writeFile(CONFIG_FILE, encodeConfig(config.info, { ...config.encryption, slots }));
    return result;
  } finally {
    await lock.release();
  }
}

function keyInfo({ id, kind, label, createdAt }: KeySlot): KeyInfo {
  return { id, kind, label, createdAt };
}
