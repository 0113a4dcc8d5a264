// The password somebody else makes for a person: random, shown once, kept only as better-auth's hash.
import { randomBytes } from "node:crypto";
import { hashPassword } from "better-auth/crypto";

/** 120 bits in 20 characters: short enough to be typed from a note, and far beyond guessing. */
const SECRET_BYTES = 15;

export async function makePassword(): Promise<{ readonly password: string; readonly passwordHash: string }> {
  const password = randomBytes(SECRET_BYTES).toString("base64url");
  return { password, passwordHash: await hashPassword(password) };
}
