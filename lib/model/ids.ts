// Ids of rows: a prefix that says what the thing is and 20 characters of 0-9a-z (about 103 bits). Snapshot ids come from
// the engine and look the same.
import type { Random } from "./clock.ts";

export const ID_PREFIXES = [
  "node",
  "group",
  "job",
  "task",
  "plan",
  "rel",
  "loc",
  "file",
  "disk",
  "part",
  "image",
  "evaluation",
  "token",
  "key",
  "snap",
  "user",
  "sched",
  "run",
  "window",
  "blackout",
  "recipient",
  "delivery",
] as const;
export type IdPrefix = (typeof ID_PREFIXES)[number];

const ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz";
const ID_CHARACTERS = 20;

export function newId(prefix: IdPrefix, random: Random): string {
  let text = "";
  while (text.length < ID_CHARACTERS) {
    for (const byte of random.bytes(ID_CHARACTERS)) {
      // 252 is the largest multiple of 36 in a byte: larger values would make some characters likelier.
      if (byte < 252 && text.length < ID_CHARACTERS) text += ALPHABET[byte % 36];
    }
  }
  return `${prefix}_${text}`;
}

export function isId(prefix: IdPrefix, text: string): boolean {
  return text.startsWith(`${prefix}_`) && /^[0-9a-z]{20}$/.test(text.slice(prefix.length + 1));
}
