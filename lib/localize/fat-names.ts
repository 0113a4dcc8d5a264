// Names in a FAT directory: a long one as UTF-16 entries, and the short one of eight and three characters that each needs.
// Facts: Microsoft, "FAT: General Overview of On-Disk Format" (fatgen103), §§ 6 and 7.
import { CodedError } from "#lib/model/errors.ts";

export const ENTRY_BYTES = 32;
const LONG_NAME_CHARACTERS_MAX = 255;
const CHARACTERS_PER_ENTRY = 13;
const ATTRIBUTE_LONG_NAME = 0x0f;
const LAST_LONG_ENTRY = 0x40;
/** Where in an entry its thirteen characters lie. */
const CHARACTER_OFFSETS = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30];
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what a name must not hold
const FORBIDDEN = /["*/:<>?\\|\u0000-\u001f]/;

/** Refuses what a FAT directory cannot hold. */
export function checkName(name: string): void {
  const isBad =
    name === "" || name.length > LONG_NAME_CHARACTERS_MAX || FORBIDDEN.test(name) || /[. ]$/.test(name);
  if (!isBad) return;
  throw new CodedError("input-invalid", `"${name}" cannot be a file's name on the identity volume.`, {
    hint: 'Names have 1 to 255 characters, none of " * / : < > ? \\ |, and end in neither a dot nor a space.',
  });
}

/** Eleven bytes, padded with spaces, no two alike in `taken`. */
export function shortNameOf(name: string, taken: ReadonlySet<string>): string {
  const upper = name.toUpperCase();
  const dot = upper.lastIndexOf(".");
  const clean = (text: string) => text.replace(/[^A-Z0-9_-]/g, "");
  const base = clean(dot > 0 ? upper.slice(0, dot) : upper);
  const extension = clean(dot > 0 ? upper.slice(dot + 1) : "").slice(0, 3);
  const padded = (stem: string) => stem.padEnd(8) + extension.padEnd(3);
  if (isShort(name) && !taken.has(padded(base))) return padded(base);
  for (let number = 1; ; number += 1) {
    const tail = `~${number}`;
    const candidate = padded(base.slice(0, 8 - tail.length) + tail);
    if (!taken.has(candidate)) return candidate;
  }
}

function isShort(name: string): boolean {
  return /^[A-Z0-9_-]{1,8}(\.[A-Z0-9_-]{1,3})?$/.test(name);
}

/** The entries that carry the long name, in the order they stand before the short one's. */
export function longNameEntries(name: string, shortName: string): Buffer[] {
  if (isShort(name)) return [];
  const count = Math.ceil(name.length / CHARACTERS_PER_ENTRY);
  const checksum = checksumOf(shortName);
  const entries = Array.from({ length: count }, (_, index) => {
    const entry = Buffer.alloc(ENTRY_BYTES);
    entry[0] = index + 1 + (index === count - 1 ? LAST_LONG_ENTRY : 0);
    entry[11] = ATTRIBUTE_LONG_NAME;
    entry[13] = checksum;
    for (const [at, offset] of CHARACTER_OFFSETS.entries()) {
      const position = index * CHARACTERS_PER_ENTRY + at;
      // The character after the last is NUL, those after it 0xFFFF.
      const code = position < name.length ? name.charCodeAt(position) : position === name.length ? 0 : 0xffff;
      entry.writeUInt16LE(code, offset);
    }
    return entry;
  });
  return entries.reverse();
}

function checksumOf(shortName: string): number {
  let sum = 0;
  for (const byte of Buffer.from(shortName, "latin1")) sum = (((sum & 1) << 7) + (sum >> 1) + byte) & 0xff;
  return sum;
}
