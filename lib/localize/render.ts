// From what a PC is told to the bytes it gets: the patches of a master's images, the identity volume, the recipes. Deterministic, so
// a preview on the server and what is written a night later are the same. Throws `localization-refused` and its kin for everything
// that must not be written; nothing has been written then.
import { CodedError } from "#lib/model/errors.ts";
import type {
  FoundToken,
  LocalizationContent,
  LocalizationSpec,
  RecipeTemplate,
  TokenScan,
} from "#lib/model/localization.ts";
import { RecipeMessage } from "#lib/protocol/recipe.ts";
import { makeFatVolume, type VolumeFile } from "./fat-volume.ts";
import { identityFiles } from "./identity-files.ts";
import { fillTemplate, valueMissing } from "./templates.ts";
import { bytesInPlace, type Patch } from "./tokens.ts";

/** What cloud-init and others look for. */
export const VOLUME_LABEL = "CIDATA";
/** A larger partition has a volume of this size and zeros behind it. */
export const VOLUME_BYTES_MAX = 32 * 1024 * 1024;

export interface Rendered {
  /** By image. */
  readonly patches: ReadonlyMap<string, readonly Patch[]>;
  /** What becomes of the identity image: these files, made into a volume by `volumeOf`. */
  readonly volume: { readonly image: string; readonly files: readonly VolumeFile[] } | null;
  readonly recipes: readonly RecipeMessage[];
}

/** `unseal` opens a secret; a preview hands in one that masks it. */
export function render(
  content: LocalizationContent,
  scan: TokenScan,
  unseal: (name: string, sealed: string) => string,
): Rendered {
  const opened = new Map(
    Object.entries(content.sealed).map(([name, sealed]) => [name, unseal(name, sealed)]),
  );
  const lookUp = (name: string) => content.values[name] ?? opened.get(name) ?? null;
  return {
    patches: patchesOf(content, scan, lookUp),
    volume: content.identityImage === null ? null : volumeFiles(content, content.identityImage, lookUp),
    recipes: content.recipes.map((recipe, index) => parseRecipe(fillRecipe(recipe, lookUp, index), index)),
  };
}

/** Its texts with the values in them. */
export function fillRecipe(
  recipe: RecipeTemplate,
  lookUp: (name: string) => string | null,
  index: number,
): RecipeTemplate {
  return Object.fromEntries(
    Object.entries(recipe).map(([field, value]) => [
      field,
      typeof value === "number" ? value : fillTemplate(value, lookUp, `Recipe ${index + 1}`),
    ]),
  );
}

/** As the agent will read it. */
function parseRecipe(recipe: RecipeTemplate, index: number): RecipeMessage {
  const parsed = RecipeMessage.safeParse(recipe);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw refused(
    `Recipe ${index + 1} cannot be: ${issue?.path.join(".") || "it"}: ${issue?.message ?? "not accepted"}`,
    "Correct it on the masters' page, or the value that it takes.",
  );
}

function patchesOf(
  { tokens }: LocalizationContent,
  scan: TokenScan,
  lookUp: (name: string) => string | null,
): Map<string, Patch[]> {
  const padding = new Map(tokens.map((token) => [token.name, token.padding]));
  const patches = new Map<string, Patch[]>();
  for (const image of scan) {
    const declared = image.tokens.filter(({ name }) => padding.has(name));
    if (declared.length === 0) continue;
    patches.set(
      image.partition,
      declared.map((place) => {
        const value = lookUp(place.name);
        if (value === null) throw valueMissing(place.name, `A token in ${image.partition}`);
        return { place, bytes: bytesInPlace(place, value, padding.get(place.name) ?? "space") };
      }),
    );
  }
  return patches;
}

function volumeFiles(
  { values, files }: LocalizationContent,
  image: string,
  lookUp: (name: string) => string | null,
): { image: string; files: VolumeFile[] } {
  const extra = files.map(({ path, template }) => ({
    path,
    bytes: Buffer.from(fillTemplate(template, lookUp, `The file ${path}`)),
  }));
  return { image, files: identityFiles(new Map(Object.entries(values)), extra) };
}

/** The volume for a partition of this size; what lies behind it is zero. */
export function volumeOf(files: readonly VolumeFile[], partitionBytes: number): Buffer {
  const sectorsBytes = partitionBytes - (partitionBytes % 512);
  return makeFatVolume({ label: VOLUME_LABEL, sizeBytes: Math.min(sectorsBytes, VOLUME_BYTES_MAX), files });
}

/** Whether a master's bytes are what was declared. Throws `localization-refused` with the first thing that is not. */
export function checkMaster(
  spec: LocalizationSpec,
  scan: TokenScan | null,
  partitions: readonly string[],
): asserts scan is TokenScan {
  if (spec.identityImage === null && spec.tokens.length === 0 && spec.recipes.length === 0) {
    throw refused(
      "Nothing is declared for this master that would make its copies differ.",
      "Choose its identity partition, or declare tokens or recipes, on the masters' page.",
    );
  }
  if (spec.identityImage !== null && !partitions.includes(spec.identityImage)) {
    throw refused(
      `The master has no partition ${spec.identityImage} for the identity volume.`,
      "Choose another one on the masters' page.",
    );
  }
  if (scan === null) {
    throw refused(
      "The master has not been looked through for tokens yet.",
      "Wait for that job, or start it anew.",
    );
  }
  const declared = new Set(spec.tokens.map(({ name }) => name));
  for (const { name, count } of spec.tokens) checkCount(name, count, tokensNamed(scan, name).length);
  for (const { partition, tokens, obstacles } of scan) {
    const concerned = tokens.some(({ name }) => declared.has(name));
    const obstacle = obstacles.find(({ token }) => (token === undefined ? concerned : declared.has(token)));
    if (obstacle !== undefined)
      throw refused(
        `Tokens in ${partition} cannot be replaced. ${obstacle.explanation}`,
        "Prepare the master anew.",
      );
  }
}

export function tokensNamed(scan: TokenScan, name: string): FoundToken[] {
  return scan.flatMap(({ tokens }) => tokens.filter((token) => token.name === name));
}

function checkCount(name: string, declared: number, found: number): void {
  if (found === declared) return;
  if (found === 0) {
    throw refused(
      `The token ${name} is nowhere in the master.`,
      "It may be compressed or encrypted there, or lie across a sector's end in an NTFS file record: put it into a file of its own, then mark the new snapshot as master.",
    );
  }
  throw refused(
    `The token ${name} is in ${found} places of the master, and was declared for ${declared}.`,
    "Look at the places on the masters' page and declare it anew: a copy in a journal or a deleted file counts, too.",
  );
}

function refused(message: string, hint: string): CodedError {
  return new CodedError("localization-refused", message, { hint });
}
