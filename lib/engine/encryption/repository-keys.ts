// The keys that work in an encrypted repository, all derived from its one master key, one for each kind of content, so
// that what one of them made is worth nothing under another.
import { createHmac, hash, hkdfSync } from "node:crypto";
import { bytesOfHex } from "../format/bytes.ts";
import { KEY_BYTES } from "./aead.ts";

export interface RepositoryKeys {
  /** Seals the payloads of segments. */
  readonly segments: Uint8Array;
  /** Makes of a SHA-256 a digest that says nothing to whoever has not the key. */
  readonly digests: Uint8Array;
  /** Seals snapshot files, ledger and pins. */
  readonly texts: Uint8Array;
}

export function deriveKeys(masterKey: Uint8Array, repositoryId: string): RepositoryKeys {
  return {
    segments: derive(masterKey, repositoryId, "sheepfold-key-segments-v1"),
    digests: derive(masterKey, repositoryId, "sheepfold-key-digests-v1"),
    texts: derive(masterKey, repositoryId, "sheepfold-key-texts-v1"),
  };
}

/** What config says of the master key: whether it is the one, and whether id and block size are still those it was
 *  made with. */
export function keyCheckOf(masterKey: Uint8Array, repositoryId: string, blockSize: number): Uint8Array {
  const key = derive(masterKey, repositoryId, "sheepfold-key-check-v1");
  return createHmac("sha256", key).update(`${repositoryId} ${blockSize}`).digest();
}

/** Own memory: a view into Node's pool would be copied to threads with the whole pool. */
function derive(masterKey: Uint8Array, repositoryId: string, purpose: string): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", masterKey, bytesOfHex(repositoryId), purpose, KEY_BYTES));
}

/** Key and SHA-256: hashed again, they are the keyed digest. */
const keyedInput = Buffer.alloc(2 * KEY_BYTES);

/** The keyed digest of what has this SHA-256, as 32 characters of one byte each: made faster than a buffer. The inner hash has
 *  a fixed length, so nothing can be appended to what was hashed. */
export function keyedDigestText(sha256: string, key: Uint8Array): string {
  keyedInput.set(key, 0);
  keyedInput.write(sha256, KEY_BYTES, "latin1");
  return hash("sha256", keyedInput, "binary");
}

/** The digest a repository keeps for what has this SHA-256: that itself where nothing is encrypted. */
export function digestOf(sha256: Uint8Array, keys: RepositoryKeys | null): Uint8Array {
  if (keys === null) return sha256;
  keyedInput.set(keys.digests, 0);
  keyedInput.set(sha256, KEY_BYTES);
  return hash("sha256", keyedInput, "buffer");
}
