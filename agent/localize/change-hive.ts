// Sets values of a registry hive by hivexsh, on a copy in the workspace. hivexsh replaces all values of a key together, so those that
// stay are read before (hive.ts) and given to it again, byte for byte; what it wrote is read again and compared before anybody may put
// it on the disk.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CodedError } from "#lib/model/errors.ts";
import { Hive, type HiveValue } from "./hive.ts";
import { recipeRefused } from "./refusal.ts";
import { type RunTool, toolFailed } from "./tools.ts";

export interface RegistryChange {
  /** Names from the hive's root down. */
  readonly key: readonly string[];
  readonly value: HiveValue;
}

const COPY = "hive";
/** hivexsh reads lines into 8192 bytes with a line break and a NUL, and takes so many values for one key. */
const LINE_BYTES_MAX = 8190;
const VALUES_MAX = 1000;
const TYPE_TEXT = 1;
const TYPE_DWORD = 4;

export function textValue(name: string, text: string): HiveValue {
  return { name, type: TYPE_TEXT, data: Buffer.from(`${text}\0`, "utf16le") };
}

export function dwordValue(name: string, number: number): HiveValue {
  const data = Buffer.alloc(4);
  data.writeUInt32LE(number);
  return { name, type: TYPE_DWORD, data };
}

/** The hive with these changes; the very same bytes when all of it was so already. */
export async function changeHive(
  tools: { readonly folder: string; readonly run: RunTool },
  path: string,
  before: Buffer,
  changes: readonly RegistryChange[],
): Promise<Buffer> {
  let bytes = before;
  for (const change of changes) bytes = await changeValue(tools, path, bytes, change);
  return bytes;
}

async function changeValue(
  { folder, run }: { readonly folder: string; readonly run: RunTool },
  path: string,
  before: Buffer,
  { key, value }: RegistryChange,
): Promise<Buffer> {
  const present = valuesAt(new Hive(before, path), key);
  const wanted = withValue(present, value);
  if (sameValues(present, wanted)) return before;
  const file = join(folder, COPY);
  await writeFile(file, before);
  const input = commandsFor(new Hive(before, path), path, key, wanted);
  const outcome = await run("hivexsh", { args: ["-w", COPY], input });
  if (outcome.exitCode !== 0) throw toolFailed("hivexsh", `changing ${path}`, outcome);
  const after = await readFile(file);
  if (sameValues(valuesAt(new Hive(after, path), key), wanted)) return after;
  throw new CodedError(
    "target-write-failed",
    `hivexsh did not write what it was told into a copy of ${path}.`,
    {
      hint: "The disk still has the hive as it was. Change this value by hand in the master, and report this.",
    },
  );
}

function valuesAt(hive: Hive, names: readonly string[]): readonly HiveValue[] {
  const { key } = hive.find(names);
  return key === null ? [] : hive.values(key);
}

function withValue(present: readonly HiveValue[], value: HiveValue): readonly HiveValue[] {
  const index = present.findIndex((other) => sameName(other, value));
  // The name stays as it is spelled there: to Windows both are one.
  return index < 0
    ? [...present, value]
    : present.with(index, { ...value, name: present[index]?.name ?? value.name });
}

function commandsFor(hive: Hive, path: string, key: readonly string[], values: readonly HiveValue[]): string {
  const { missing } = hive.find(key);
  const present = key.slice(0, key.length - missing);
  const absent = key.slice(key.length - missing);
  const lines = [`cd \\${present.join("\\")}`, ...absent.flatMap((name) => [`add ${name}`, `cd ${name}`])];
  lines.push(`setval ${values.length}`);
  for (const { name, type, data } of values) {
    // "@" is hivexsh's word for the default value, so that one called so cannot be given to it; nor a name of two lines.
    if (name === "@" || /[\r\n\0]/.test(name))
      throw unspeakable(path, key, `a value is named ${JSON.stringify(name)}`);
    lines.push(name === "" ? "@" : name, `hex:${type}:${data.toString("hex")}`);
  }
  const longest = Math.max(...lines.map((line) => Buffer.byteLength(line)));
  if (longest > LINE_BYTES_MAX) throw unspeakable(path, key, "a value is longer than 4 KiB");
  if (values.length > VALUES_MAX) throw unspeakable(path, key, `there are ${values.length} values`);
  return `${[...lines, "commit", "exit"].join("\n")}\n`;
}

function unspeakable(path: string, key: readonly string[], why: string): CodedError {
  return recipeRefused(
    `The key ${key.join("\\")} of ${path} cannot be written: ${why}, which hivexsh does not take.`,
    "Set this value in the master, or by a script at the first start.",
  );
}

function sameValues(left: readonly HiveValue[], right: readonly HiveValue[]): boolean {
  return (
    left.length === right.length && left.every((value) => right.some((other) => sameValue(value, other)))
  );
}

function sameValue(left: HiveValue, right: HiveValue): boolean {
  return left.name === right.name && left.type === right.type && left.data.equals(right.data);
}

function sameName(left: HiveValue, right: HiveValue): boolean {
  return left.name.toUpperCase() === right.name.toUpperCase();
}
