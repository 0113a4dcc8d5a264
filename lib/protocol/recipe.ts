// Recipes: what the agent changes in single files of a partition after it was restored, as data. A recipe names a file and what it
// shall hold; nothing in it is ever run. Its words still end up in the commands of debugfs, mtools and hivexsh, so the characters
// those would interpret are refused here, once for all three. The agent may be older than the server: a kind it does not know is
// refused as a whole message, never skipped.
import { z } from "zod";

export const RECIPES_MAX = 64;
export const RECIPE_PATH_CHARACTERS_MAX = 512;
export const RECIPE_CONTENT_BYTES_MAX = 256 * 1024;
/** hivexsh reads lines of 8 KiB, and a character of a value takes up to eight of them. */
export const REGISTRY_TEXT_CHARACTERS_MAX = 1000;

// Base64 has four characters for three bytes.
const CONTENT_CHARACTERS_MAX = 4 * Math.ceil(RECIPE_CONTENT_BYTES_MAX / 3);
const NAME_BYTES_MAX = 255;
const HOST_NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i;
// Quotes and backslashes end or begin a word for debugfs and hivexsh; mtools takes * ? [ ] for patterns; a colon names a drive for
// mtools and a stream on NTFS; Windows allows none of < > |.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what a path must not hold
const PATH_FORBIDDEN = /["'`\\*?[\]:<>|\u0000-\u001f\u007f-\u009f]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: a line is one line, and a tab the only control character in it
const LINE_FORBIDDEN = /[\u0000-\u0008\u000a-\u001f\u007f]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: hivexsh reads a name as one line
const REGISTRY_FORBIDDEN = /[\u0000-\u001f\u007f]/;

/** Whether each segment is a name that ext4, FAT and NTFS all understand as itself. What ends in a dot or a space is not:
 *  "." and ".." lead elsewhere, and Windows drops such an end. */
function isPlainPath(path: string): boolean {
  const segments = path.slice(1).split("/");
  return (
    path.startsWith("/") &&
    path.isWellFormed() &&
    !PATH_FORBIDDEN.test(path) &&
    segments.every((segment) => segment !== "" && !/^ |[. ]$/.test(segment) && isShort(segment))
  );
}

/** debugfs does not mind a longer name, and writes a damaged folder. */
function isShort(name: string): boolean {
  return Buffer.byteLength(name) <= NAME_BYTES_MAX;
}

function isPlainKey(key: string): boolean {
  const names = key.split("\\");
  return (
    key.isWellFormed() &&
    !REGISTRY_FORBIDDEN.test(key) &&
    names.every((name) => name !== "" && name !== "." && name !== ".." && name === name.trim())
  );
}

const partition = z.string().min(1).max(64);
const path = z.string().max(RECIPE_PATH_CHARACTERS_MAX).refine(isPlainPath, {
  error:
    "A path begins with / and has no empty, relative or dotted-off parts, quotes, backslashes, patterns, colons or control characters.",
});
const hive = z
  .string()
  .max(RECIPE_PATH_CHARACTERS_MAX)
  .transform((text) => (text.startsWith("/") ? text : `/${text}`))
  .refine(isPlainPath, { error: "A hive is named by its path, such as Windows/System32/config/SOFTWARE." });
const lineText = (charactersMax: number) =>
  z
    .string()
    .max(charactersMax)
    .refine((text) => text.isWellFormed() && !LINE_FORBIDDEN.test(text), {
      error: "A line has no line breaks and no control characters but tab.",
    });

const SetHostName = z.object({
  kind: z.literal("set-host-name"),
  partition,
  hostName: z.string().regex(HOST_NAME),
});

/** Templates are rendered by the server, and arrive as this. */
const PutFile = z
  .object({
    kind: z.literal("put-file"),
    partition,
    path,
    content: z.string().max(CONTENT_CHARACTERS_MAX),
    encoding: z.enum(["text", "base64"]).default("text"),
    /** Permission bits. Kept by ext4 only; absent, those of the file that is there, or 0644. */
    mode: z.number().int().min(0).max(0o7777).optional(),
  })
  .refine(({ content, encoding }) => encoding === "text" || z.base64().safeParse(content).success, {
    path: ["content"],
    error: "This is not base64.",
  })
  .refine(
    ({ content, encoding }) => Buffer.byteLength(content, encodingOf(encoding)) <= RECIPE_CONTENT_BYTES_MAX,
    {
      path: ["content"],
      error: `A file's content has at most ${RECIPE_CONTENT_BYTES_MAX} bytes.`,
    },
  );

/** The first line that begins with `match` becomes `line`, others that do are dropped; without any, `line` is appended. */
const SetLine = z.object({
  kind: z.literal("set-line"),
  partition,
  path,
  match: lineText(512).min(1),
  line: lineText(4096),
});

const registryPlace = {
  kind: z.literal("set-registry-value"),
  partition,
  hive,
  /** Below the hive's root, its parts separated by backslashes; made where it is missing. */
  key: z
    .string()
    .min(1)
    .max(512)
    .refine(isPlainKey, { error: "A key is names separated by single backslashes." }),
  /** "@" is the key's default value. */
  name: z
    .string()
    .min(1)
    .max(255)
    .refine((text) => text.isWellFormed() && !REGISTRY_FORBIDDEN.test(text), {
      error: "A value's name has no control characters.",
    }),
} as const;
const SetRegistryValue = z.discriminatedUnion("type", [
  z.object({
    ...registryPlace,
    type: z.literal("sz"),
    value: z
      .string()
      .max(REGISTRY_TEXT_CHARACTERS_MAX)
      .refine((text) => text.isWellFormed() && !text.includes("\0"), { error: "A text has no NUL." }),
  }),
  z.object({ ...registryPlace, type: z.literal("dword"), value: z.number().int().min(0).max(0xffff_ffff) }),
]);

export const RecipeMessage = z.discriminatedUnion("kind", [SetHostName, PutFile, SetLine, SetRegistryValue]);
export const RecipeMessages = z.array(RecipeMessage).max(RECIPES_MAX);

export const RecipeResult = z.object({
  /** Which recipe of the list, counted from 0. */
  recipe: z.number().int().nonnegative().max(RECIPES_MAX),
  /** False: everything was so already, and nothing was written. */
  changed: z.boolean(),
  /** One sentence for people. A tool's words may hold NUL, which the server's rows cannot. */
  words: z
    .string()
    .max(2000)
    .transform((text) => text.replaceAll("\0", "")),
});

export type RecipeMessage = z.infer<typeof RecipeMessage>;
export type RecipeResult = z.infer<typeof RecipeResult>;

export function contentOf({ content, encoding }: Extract<RecipeMessage, { kind: "put-file" }>): Buffer {
  return Buffer.from(content, encodingOf(encoding));
}

function encodingOf(encoding: "text" | "base64"): BufferEncoding {
  return encoding === "text" ? "utf8" : "base64";
}
