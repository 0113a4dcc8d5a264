// What a recipe may say: a server's words end up in the commands of other programs, run as root on every PC of a room.
import { expect, test } from "vitest";
import {
  contentOf,
  RECIPE_CONTENT_BYTES_MAX,
  RecipeMessage,
  RecipeMessages,
  RecipeResult,
} from "./recipe.ts";

const file = { kind: "put-file", partition: "p1", path: "/etc/motd", content: "Hello\n" };
const line = { kind: "set-line", partition: "p1", path: "/etc/motd", match: "A=", line: "A=1" };
const value = {
  kind: "set-registry-value",
  partition: "p2",
  hive: "Windows/System32/config/SOFTWARE",
  key: "Sheepfold\\Lab",
  name: "Seat",
  type: "sz",
  value: "7",
};
const isValid = (message: unknown) => RecipeMessage.safeParse(message).success;

test("recipes of each kind are understood, and a field of a later version is ignored", () => {
  for (const message of [
    { kind: "set-host-name", partition: "p1", hostName: "lab-a-01" },
    { ...file, encoding: "text", mode: 0o600 },
    { ...file, encoding: "base64", content: "AAEC" },
    line,
    { ...line, line: "\tA = \"ü\" # 'quoted' \\ here" },
    { ...value, hive: "/Windows/System32/config/SOFTWARE" },
    { ...value, hive: "/Windows/System32/config/SOFTWARE", type: "dword", value: 0xffff_ffff },
  ]) {
    expect(RecipeMessage.parse({ ...message, laterField: 1 })).toEqual(message);
  }
  expect(RecipeMessage.parse(value)).toMatchObject({ hive: "/Windows/System32/config/SOFTWARE" });
});

for (const path of [
  "etc/motd",
  "",
  "/",
  "//etc/motd",
  "/etc/",
  "/etc/../shadow",
  "/..",
  "/etc/./motd",
  "/etc/motd\nrm /etc/shadow",
  "/etc/motd\r",
  "/etc/mo\0td",
  '/etc/"motd"',
  "/etc/'motd'",
  "/etc/`motd`",
  "C:\\boot.ini",
  "/etc\\motd",
  "/etc/*",
  "/etc/mot?",
  "/etc/[m]otd",
  "/file:stream",
  "/a|b",
  "/etc/motd.",
  "/etc/motd ",
  "/etc/ motd",
  "/etc/\u0085motd",
  "/etc/\ud800",
  `/${"a".repeat(256)}`,
  `/${"ü".repeat(128)}`,
  `/${"a".repeat(200)}/${"b".repeat(200)}/${"c".repeat(200)}`,
]) {
  test(`a path is refused: ${JSON.stringify(path).slice(0, 40)}`, () => {
    expect(isValid({ ...file, path })).toBe(false);
    expect(isValid({ ...line, path })).toBe(false);
    if (path.startsWith("/")) expect(isValid({ ...value, hive: path })).toBe(false);
  });
}

test("a plain path is taken as it is, with spaces and letters of all languages", () => {
  for (const path of [
    "/etc/motd",
    "/.hidden",
    "/Program Files (x86)/Größe, 日本.txt",
    `/${"a".repeat(255)}/${"b".repeat(255)}`,
  ]) {
    expect(RecipeMessage.parse({ ...file, path })).toMatchObject({ path });
  }
});

test("content is bounded by its bytes, in text and in base64", () => {
  const bytes = Buffer.alloc(RECIPE_CONTENT_BYTES_MAX, 1);
  const long = Buffer.alloc(RECIPE_CONTENT_BYTES_MAX + 1, 1);
  expect(isValid({ ...file, content: bytes.toString() })).toBe(true);
  expect(isValid({ ...file, content: long.toString() })).toBe(false);
  expect(isValid({ ...file, content: "ü".repeat(RECIPE_CONTENT_BYTES_MAX / 2 + 1) })).toBe(false);
  expect(isValid({ ...file, encoding: "base64", content: bytes.toString("base64") })).toBe(true);
  expect(isValid({ ...file, encoding: "base64", content: long.toString("base64") })).toBe(false);
  expect(isValid({ ...file, encoding: "base64", content: "not base64!" })).toBe(false);
});

test("content comes out as the bytes that were meant", () => {
  const put = (message: unknown) => {
    const recipe = RecipeMessage.parse(message);
    return recipe.kind === "put-file" ? contentOf(recipe) : null;
  };
  expect(put({ ...file, content: "ü\0" })).toEqual(Buffer.from([0xc3, 0xbc, 0]));
  expect(put({ ...file, encoding: "base64", content: "AP8=" })).toEqual(Buffer.from([0, 0xff]));
});

test("what hivexsh would read as another line, key or type is refused", () => {
  expect(isValid({ ...value, key: "A\\B C\\D/E" })).toBe(true);
  for (const key of ["", "\\A", "A\\", "A\\\\B", "A\\..\\B", ".", "A\nB", " A", "A\\ B", "A\0"]) {
    expect(isValid({ ...value, key }), JSON.stringify(key)).toBe(false);
  }
  for (const name of ["", "a\nb", "a\0", "x".repeat(256)]) expect(isValid({ ...value, name })).toBe(false);
  for (const text of ["x".repeat(1001), "a\0b"]) expect(isValid({ ...value, value: text })).toBe(false);
  for (const number of [-1, 1.5, 2 ** 32, "7"])
    expect(isValid({ ...value, type: "dword", value: number })).toBe(false);
  expect(isValid({ ...value, value: 7 })).toBe(false);
  expect(isValid({ ...value, type: "binary" })).toBe(false);
});

test("lines are single lines, and something must be looked for", () => {
  for (const change of [
    { match: "" },
    { match: "a\n" },
    { line: "a\nb" },
    { line: "a\rb" },
    { line: "a\0b" },
    { line: "x".repeat(4097) },
  ]) {
    expect(isValid({ ...line, ...change })).toBe(false);
  }
});

test("host names, modes, kinds and the number of recipes are bounded", () => {
  for (const hostName of ["", "a b", "-a", "a-", "a.b", "a_b", "x".repeat(64), "ü", "a\n"]) {
    expect(isValid({ kind: "set-host-name", partition: "p1", hostName }), hostName).toBe(false);
  }
  for (const mode of [-1, 0o10000, 0.5]) expect(isValid({ ...file, mode })).toBe(false);
  expect(isValid({ ...file, kind: "run-command" })).toBe(false);
  expect(RecipeMessages.safeParse(Array(64).fill(file)).success).toBe(true);
  expect(RecipeMessages.safeParse(Array(65).fill(file)).success).toBe(false);
});

test("a result keeps no NUL, which rows cannot hold", () => {
  expect(RecipeResult.parse({ recipe: 0, changed: true, words: "a\0b" }).words).toBe("ab");
});
