// What would be written to one PC, for people: rendered files, where tokens are and what comes there, how many bytes and pages. Made
// from the same rendering as what is written; only secrets are masked.

import type { LocalizationContent, RecipeTemplate, TokenScan } from "#lib/model/localization.ts";
import { PAGE_BYTES } from "#lib/page/page.ts";
import { identityFiles } from "./identity-files.ts";
import { pagesOf } from "./image-scanner.ts";
import { fillRecipe, volumeOf } from "./render.ts";
import { fillTemplate } from "./templates.ts";

const MASK = "(secret)";
/** A file is shown as text up to here. */
const SHOWN_CHARACTERS_MAX = 16_384;

export interface LocalizationPreview {
  readonly files: readonly { readonly path: string; readonly sizeBytes: number; readonly text: string }[];
  readonly tokens: readonly {
    readonly partition: string;
    readonly offsetBytes: number;
    readonly name: string;
    readonly encoding: string;
    readonly lengthBytes: number;
    readonly value: string;
  }[];
  readonly recipes: readonly RecipeTemplate[];
  /** Pages of the master that are another here. */
  readonly patchedPageCount: number;
  /** What differs from the master at most: those pages, and the volume's that are not empty. */
  readonly differingBytes: number;
  readonly volumeBytes: number;
}

export function previewOf(
  content: LocalizationContent,
  scan: TokenScan,
  identityBytes: number | null,
): LocalizationPreview {
  const secretNames = new Set(Object.keys(content.sealed));
  const lookUp = (name: string) => (secretNames.has(name) ? MASK : (content.values[name] ?? null));
  const declared = new Set(content.tokens.map(({ name }) => name));
  const places = scan.flatMap(({ partition, tokens }) =>
    tokens.filter(({ name }) => declared.has(name)).map((token) => ({ partition, token })),
  );
  const files =
    content.identityImage === null
      ? []
      : identityFiles(
          new Map(Object.entries(content.values)),
          content.files.map(({ path, template }) => ({
            path,
            bytes: Buffer.from(fillTemplate(template, lookUp, `The file ${path}`)),
          })),
        );
  const volume = identityBytes === null || files.length === 0 ? null : volumeOf(files, identityBytes);
  const pages = new Set(
    places.flatMap(({ partition, token }) => pagesOf(token).map((page) => `${partition} ${page}`)),
  );
  return {
    files: files.map(({ path, bytes }) => ({
      path,
      sizeBytes: bytes.length,
      text: Buffer.from(bytes).toString("utf8").slice(0, SHOWN_CHARACTERS_MAX),
    })),
    tokens: places.map(({ partition, token: { offsetBytes, name, encoding, lengthBytes } }) => ({
      ...{ partition, offsetBytes, name, encoding, lengthBytes },
      value: lookUp(name) ?? "",
    })),
    recipes: content.recipes.map((recipe, index) => fillRecipe(recipe, lookUp, index)),
    patchedPageCount: pages.size,
    differingBytes: pages.size * PAGE_BYTES + (volume === null ? 0 : usedPages(volume) * PAGE_BYTES),
    volumeBytes: volume?.length ?? 0,
  };
}

function usedPages(volume: Buffer): number {
  let count = 0;
  for (let offset = 0; offset < volume.length; offset += PAGE_BYTES)
    if (volume.subarray(offset, offset + PAGE_BYTES).some((byte) => byte !== 0)) count += 1;
  return count;
}
