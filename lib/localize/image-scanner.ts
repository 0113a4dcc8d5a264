// One look through an image, from its first page to its last: the tokens in it, with what lies around each, and what stands against
// replacing them. Memory is bounded by what is found, and that by a ceiling.
import { CodedError } from "#lib/model/errors.ts";
import type { FoundToken, Obstacle, TokenPlace } from "#lib/model/localization.ts";
import { PAGE_BYTES } from "#lib/page/page.ts";
import { ObstacleScanner } from "./obstacles.ts";
import { surroundingsIn, TokenScanner } from "./tokens.ts";

/** A master for people has dozens. */
export const TOKENS_MAX = 10_000;

export interface ScannedImage {
  readonly tokens: readonly TokenPlace[];
  readonly obstacles: readonly Obstacle[];
}

export class ImageScanner {
  readonly #tokens = new TokenScanner();
  readonly #obstacles = new ObstacleScanner();

  push(page: Uint8Array): void {
    this.#tokens.push(page);
    this.#obstacles.push(page);
    if (this.#tokens.places.length <= TOKENS_MAX) return;
    throw new CodedError("localization-refused", `The image holds more than ${TOKENS_MAX} tokens.`, {
      hint: "Tokens are written @@name@@: look whether something on the disk uses such words for itself.",
    });
  }

  finish(): ScannedImage {
    const tokens = [...this.#tokens.places].sort((left, right) => left.offsetBytes - right.offsetBytes);
    return { tokens, obstacles: this.#obstacles.obstacles(tokens) };
  }
}

/** The pages that a stretch of an image touches, in order. */
export function pagesOf({
  offsetBytes,
  lengthBytes,
}: Pick<TokenPlace, "offsetBytes" | "lengthBytes">): number[] {
  const first = Math.floor(offsetBytes / PAGE_BYTES);
  const last = Math.floor((offsetBytes + lengthBytes - 1) / PAGE_BYTES);
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/** Takes the pages that hold tokens, in any order, and answers the tokens with what lies around them. */
export class Surroundings {
  readonly #tokens: readonly TokenPlace[];
  readonly #touching = new Map<number, TokenPlace[]>();
  readonly #hashes = new Map<TokenPlace, Map<number, string>>();

  constructor(tokens: readonly TokenPlace[]) {
    this.#tokens = tokens;
    for (const token of tokens) {
      this.#hashes.set(token, new Map());
      for (const page of pagesOf(token))
        this.#touching.set(page, [...(this.#touching.get(page) ?? []), token]);
    }
  }

  get pages(): number[] {
    return [...this.#touching.keys()].sort((left, right) => left - right);
  }

  take(pageIndex: number, page: Uint8Array): void {
    for (const token of this.#touching.get(pageIndex) ?? [])
      this.#hashes.get(token)?.set(pageIndex, surroundingsIn(token, page, pageIndex * PAGE_BYTES));
  }

  finish(): FoundToken[] {
    return this.#tokens.map((token) => ({
      ...token,
      surroundings: pagesOf(token).map((page) => this.#hashes.get(token)?.get(page) ?? ""),
    }));
  }
}
