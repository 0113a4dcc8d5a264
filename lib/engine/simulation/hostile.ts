// Hostile bytes: valid files made wrong by chance. Some of the changes know what they change: numbers become the edges of
// their range, JSON values become others, counts lie, and checksums are put right afterwards, so that what lies
// behind a checksum is reached, too.
import { createHash } from "node:crypto";
import type { Chance } from "#lib/model/chance.ts";

/** Where lengths and counts go wrong. */
const EDGES = [
  0,
  1,
  0x7f,
  0x80,
  0xff,
  0xffff,
  0x7fffffff,
  0x80000000,
  0xffffffff,
  2 ** 32,
  2 ** 47,
  2 ** 48 - 1,
];
const CHANGES_MAX = 4;
const INSERTED_BYTES_MAX = 300;

/** A few changes at random places; now and then nothing of the original is left. */
export function mutated(bytes: Uint8Array, chance: Chance): Uint8Array {
  if (chance.happens(0.03)) return chance.bytes(chance.smallBetween(1, 4096));
  let changed: Uint8Array = new Uint8Array(bytes);
  for (let count = chance.smallBetween(1, CHANGES_MAX); count > 0; count--)
    changed = changedOnce(changed, chance);
  return changed;
}

function changedOnce(bytes: Uint8Array, chance: Chance): Uint8Array {
  if (bytes.length === 0) return chance.bytes(chance.between(1, 64));
  const at = chance.between(0, bytes.length - 1);
  const length = Math.min(bytes.length - at, chance.smallBetween(1, INSERTED_BYTES_MAX));
  return chance.pick([
    () => flipped(bytes, at, chance),
    () => withEdge(bytes, at, chance),
    () => withEdge(bytes, at, chance),
    () => bytes.slice(0, at),
    () => joined(bytes.subarray(0, at), chance.bytes(length), bytes.subarray(at)),
    () => joined(bytes.subarray(0, at), bytes.subarray(at + length)),
    () => joined(bytes.subarray(0, at + length), bytes.subarray(at)),
    () => new Uint8Array(bytes).fill(chance.pick([0, 0xff]), at, at + length),
  ])();
}

function flipped(bytes: Uint8Array, at: number, chance: Chance): Uint8Array {
  const changed = new Uint8Array(bytes);
  changed[at] = (changed[at] ?? 0) ^ (1 << chance.between(0, 7));
  return changed;
}

/** A number of 1, 2, 4 or 6 bytes becomes an edge. */
function withEdge(bytes: Uint8Array, at: number, chance: Chance): Uint8Array {
  const changed = Buffer.from(bytes);
  const width = Math.min(chance.pick([1, 2, 4, 6]), bytes.length - at);
  const value = chance.pick(EDGES) % 256 ** width;
  changed.writeUIntLE(value, at, width);
  return new Uint8Array(changed);
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** Text files of §2: the JSON value or the text changes, and the checksum fits again. */
export function mutatedText(bytes: Uint8Array, chance: Chance): Uint8Array {
  const text = Buffer.from(bytes).toString("utf8");
  const magicEnd = text.indexOf("\n") + 1;
  const bodyEnd = text.lastIndexOf("\n", text.length - 2) + 1;
  const domain = text.slice(bodyEnd).split(" ")[0] ?? "";
  const json = text.slice(magicEnd, bodyEnd);
  const body = chance.happens(0.7) ? `${mutatedJson(json, chance)}\n` : mutated(Buffer.from(json), chance);
  const file = Buffer.concat([Buffer.from(text.slice(0, magicEnd)), Buffer.from(body)]);
  const hash = createHash("sha256").update(`${domain}\0`).update(file).digest("hex");
  return new Uint8Array(Buffer.concat([file, Buffer.from(`${domain} ${hash}\n`)]));
}

function hostileValue(chance: Chance): unknown {
  return chance.pick([
    () => null,
    () => -1,
    () => 0.5,
    () => 1e308,
    () => 2 ** 53,
    () => 2 ** 48,
    () => chance.pick(EDGES),
    () => "",
    () => "\u0000../../etc/passwd",
    () => "f".repeat(chance.pick([32, 64, 5000])),
    () => [],
    () => ({}),
    () => [[[[{}]]]],
    () => ({ __proto__: null, constructor: 1, toString: 2 }),
    () => true,
  ])();
}

/** One value somewhere in it, or a whole branch, becomes another. */
function mutatedJson(json: string, chance: Chance): string {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return json; // A sample that is no JSON is changed as bytes by the caller's other ways.
  }
  for (let count = chance.smallBetween(1, 3); count > 0; count--) value = withHostile(value, chance);
  return JSON.stringify(value, null, 1) ?? "null";
}

function withHostile(value: unknown, chance: Chance): unknown {
  if (typeof value !== "object" || value === null || chance.happens(0.05)) return hostileValue(chance);
  if (Array.isArray(value)) {
    const index = value.length === 0 ? 0 : chance.between(0, value.length - 1);
    if (chance.happens(0.1)) return [...value, ...value];
    if (chance.happens(0.1)) return value.filter((_, at) => at !== index);
    return value.map((each, at) => (at === index ? withHostile(each, chance) : each));
  }
  const fields: Record<string, unknown> = { ...value };
  const names = Object.keys(fields);
  if (names.length === 0) return { ...fields, __proto__x: hostileValue(chance) };
  const name = chance.pick(names);
  if (chance.happens(0.1)) delete fields[name];
  else fields[name] = withHostile(fields[name], chance);
  return fields;
}
