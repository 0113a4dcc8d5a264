// Tokens: places in a master that are replaced for each PC. A token is written as "@@name@@", made as long as the longest value by
// underscores after the name ("@@host_name________@@"), in UTF-8 or UTF-16LE. It is found without knowing the file system, also
// across the borders of pages and blocks, and what replaces it has exactly its length: nothing else on the disk moves.
import { createHash } from "node:crypto";
import { CodedError } from "#lib/model/errors.ts";
import {
  ENCODINGS,
  type Encoding,
  type FoundToken,
  type Padding,
  type TokenPlace,
} from "#lib/model/localization.ts";

const AT = 0x40;
const CHARACTERS_MAX = 255;
/** Bytes per character. */
const WIDTH: Readonly<Record<Encoding, number>> = { utf8: 1, utf16le: 2 };
const MARKS: readonly (readonly [Encoding, Buffer])[] = ENCODINGS.map((encoding) => [
  encoding,
  Buffer.from("@@", encoding),
]);
const INSIDE = /^[a-z][a-z0-9_]*$/;

/** Looks through an image from its beginning to its end, stretch by stretch. */
export class TokenScanner {
  readonly places: TokenPlace[] = [];
  /** The end of what was looked at: a token may begin there. */
  #tail: Buffer = Buffer.alloc(0);
  #tailOffset = 0;
  /** By encoding: where the last token found ended. */
  readonly #endOf: Record<Encoding, number> = { utf8: 0, utf16le: 0 };

  push(bytes: Uint8Array): void {
    const all = Buffer.concat([this.#tail, bytes]);
    for (const [encoding, mark] of MARKS) this.#scan(all, encoding, mark);
    const kept = Math.min(all.length, 2 * CHARACTERS_MAX - 1);
    this.#tailOffset += all.length - kept;
    this.#tail = Buffer.from(all.subarray(all.length - kept));
  }

  #scan(all: Buffer, encoding: Encoding, mark: Buffer): void {
    let from = Math.max(0, this.#endOf[encoding] - this.#tailOffset);
    for (;;) {
      const at = all.indexOf(mark, from);
      if (at === -1) return;
      const length = tokenLength(all, at, encoding);
      if (length === 0) {
        from = at + 1;
        continue;
      }
      const words = all.toString(encoding, at, at + length);
      const offsetBytes = this.#tailOffset + at;
      this.places.push({ offsetBytes, lengthBytes: length, encoding, name: nameIn(words) });
      this.#endOf[encoding] = offsetBytes + length;
      from = at + length;
    }
  }
}

/** In bytes; 0 when none begins there, or its end has not come yet. */
function tokenLength(all: Buffer, at: number, encoding: Encoding): number {
  const width = WIDTH[encoding];
  const codeAt = (index: number) => {
    const offset = at + index * width;
    if (offset + width > all.length) return -1;
    return width === 1 ? (all[offset] ?? 0) : all.readUInt16LE(offset);
  };
  for (let index = 2; index + 1 < CHARACTERS_MAX; index += 1) {
    if (codeAt(index) !== AT) {
      if (codeAt(index) === -1) return 0;
      continue;
    }
    if (codeAt(index + 1) !== AT) return 0;
    const inside = all.toString(encoding, at + 2 * width, at + index * width);
    return INSIDE.test(inside) ? (index + 2) * width : 0;
  }
  return 0;
}

function nameIn(token: string): string {
  return token.slice(2, -2).replace(/_+$/, "");
}

/** What stands in the token's place on a PC: the value, filled up. Throws when it is too long or cannot be written so. */
export function bytesInPlace(
  { lengthBytes, encoding, name }: TokenPlace,
  value: string,
  padding: Padding,
): Buffer {
  const bytes = Buffer.from(value, encoding);
  if (bytes.length > lengthBytes) {
    const room = lengthBytes / WIDTH[encoding];
    throw new CodedError(
      "localization-refused",
      `The value of ${name} needs ${bytes.length} bytes, its token has ${lengthBytes}.`,
      {
        hint: `Shorten it to ${room} characters, or make the token in the master longer.`,
      },
    );
  }
  const fill = Buffer.from(padding === "nul" ? "\0" : " ", encoding);
  return Buffer.concat([bytes, Buffer.alloc(lengthBytes - bytes.length, fill)]);
}

/** How much of what lies around a token is remembered, on either side. */
const SURROUNDINGS_BYTES = 64;

/** What lies around a token and in it, for each page that it touches: the hash of the page's bytes from before the token to after
 *  it. Localizing compares, so that a table of places that belongs to other bytes is found out. */
export function surroundingsIn(place: TokenPlace, page: Uint8Array, offsetBytes: number): string {
  const from = Math.max(place.offsetBytes - SURROUNDINGS_BYTES - offsetBytes, 0);
  const to = Math.min(place.offsetBytes + place.lengthBytes + SURROUNDINGS_BYTES - offsetBytes, page.length);
  return createHash("sha256").update(page.subarray(from, to)).digest("hex");
}

export interface Patch {
  readonly place: FoundToken;
  /** What stands there on this PC: exactly as long. */
  readonly bytes: Uint8Array;
}

/** One page as it shall be on the PC: of each token whatever part lies in it. `offsetBytes`: of the page in its image. Throws
 *  `localization-refused` when the page is not what was looked through. */
export function patchPage(
  page: Uint8Array,
  offsetBytes: number,
  pageBytes: number,
  patches: readonly Patch[],
): Buffer {
  const patched = Buffer.from(page);
  for (const { place, bytes } of patches) {
    const from = Math.max(place.offsetBytes, offsetBytes);
    const to = Math.min(place.offsetBytes + place.lengthBytes, offsetBytes + page.length);
    if (from >= to) continue;
    const ordinal = Math.floor(offsetBytes / pageBytes) - Math.floor(place.offsetBytes / pageBytes);
    if (surroundingsIn(place, page, offsetBytes) !== place.surroundings[ordinal])
      throw surroundingsChanged(place);
    patched.set(bytes.subarray(from - place.offsetBytes, to - place.offsetBytes), from - offsetBytes);
  }
  return patched;
}

function surroundingsChanged({ name, offsetBytes }: TokenPlace): CodedError {
  return new CodedError(
    "localization-refused",
    `What lies around the token ${name} at ${offsetBytes} is not what was looked through.`,
    { hint: "Nothing was written. Look for the master's tokens anew on the masters' page." },
  );
}
