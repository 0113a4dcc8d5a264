// Secrets among the variables, sealed under a key that follows from the server's own secret: rows and backups of the database say
// nothing of them. AES-256-GCM; the variable's name is bound to it, so that one cannot be passed off as another.
// Whoever changes BETTER_AUTH_SECRET enters them again: what cannot be opened says so by its name.
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from "node:crypto";
import { environment } from "#lib/env.ts";
import { CodedError } from "#lib/model/errors.ts";

const CIPHER = "aes-256-gcm";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const PREFIX = "v1.";

export function seal(name: string, value: string): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key(), nonce).setAAD(Buffer.from(name));
  const bytes = Buffer.concat([nonce, cipher.update(value, "utf8"), cipher.final(), cipher.getAuthTag()]);
  return PREFIX + bytes.toString("base64url");
}

/** Throws `secret-unreadable`. */
export function unseal(name: string, sealed: string): string {
  const bytes = Buffer.from(sealed.slice(PREFIX.length), "base64url");
  try {
    if (!sealed.startsWith(PREFIX)) throw new Error("of another version");
    const opener = createDecipheriv(CIPHER, key(), bytes.subarray(0, NONCE_BYTES)).setAAD(Buffer.from(name));
    opener.setAuthTag(bytes.subarray(-TAG_BYTES));
    const plain = Buffer.concat([opener.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), opener.final()]);
    return plain.toString("utf8");
  } catch (cause) {
    throw new CodedError("secret-unreadable", `The secret ${name} cannot be opened any more.`, {
      hint: "The server's BETTER_AUTH_SECRET is another than when it was entered: enter the secret again.",
      cause,
    });
  }
}

/** 32 bytes that only this server can make of these words, and makes again when a request is repeated. */
export function secretForRequest(purpose: string, requestId: string): Buffer {
  return createHmac("sha256", key("sheepfold requests v1"))
    .update(JSON.stringify([purpose, requestId]))
    .digest();
}

function key(use = "sheepfold variables v1"): Buffer {
  return Buffer.from(hkdfSync("sha256", environment("BETTER_AUTH_SECRET"), "", use, 32));
}
