// AES-256-GCM, the one cipher of an encrypted repository: nonce, ciphertext and tag lie together as "sealed" bytes.
//
// Every seal has a fresh random nonce of 96 bits under a key that no other kind of content uses, and names in its context
// what it belongs to: sealed bytes cannot be put in another's place. Whatever is wrong with sealed bytes, opening them is a
// FormatError, never wrong bytes.
import { createCipheriv, createDecipheriv } from "node:crypto";
import { ensure, FormatError } from "../format/bytes.ts";

export const KEY_BYTES = 32;
export const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** What sealing adds. */
export const SEAL_BYTES = NONCE_BYTES + TAG_BYTES;

export const CIPHER_NAME = "aes-256-gcm";

export interface SealOptions {
  readonly key: Uint8Array;
  readonly nonce: Uint8Array;
  /** What the bytes are and where they belong: must be the same when they are opened. */
  readonly context: Uint8Array;
}

export function seal(plain: Uint8Array, { key, nonce, context }: SealOptions): Uint8Array {
  const cipher = createCipheriv(CIPHER_NAME, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(context);
  const encrypted = cipher.update(plain);
  const rest = cipher.final(); // Empty in this mode; ends the message.
  return Buffer.concat([nonce, encrypted, rest, cipher.getAuthTag()]);
}

/** FormatError unless the bytes were sealed with this key, in this context, and are unchanged. */
export function unseal(sealed: Uint8Array, key: Uint8Array, context: Uint8Array): Uint8Array {
  ensure(sealed.length >= SEAL_BYTES, `${sealed.length} bytes are too few to be sealed`);
  const tagAt = sealed.length - TAG_BYTES;
  const decipher = createDecipheriv(CIPHER_NAME, key, sealed.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(context);
  decipher.setAuthTag(sealed.subarray(tagAt));
  const plain = decipher.update(sealed.subarray(NONCE_BYTES, tagAt));
  try {
    decipher.final();
  } catch {
    throw new FormatError("it was sealed with another key, or for another place, or was changed");
  }
  return plain;
}
