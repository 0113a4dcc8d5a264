// Registry hives for tests, built cell by cell: no package brings one. They hold what Windows writes and hivexsh does not: lists of
// lists of keys, keys without hashes, values in pieces. hivexsh reads them as an independent judge, and fills them, too.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checksumOf } from "./hive.ts";

const NONE = 0xffff_ffff;
const HEADER_BYTES = 0x1000;
const BIN_HEADER_BYTES = 0x20;
const PIECE_BYTES = 16_344;

export interface TestValue {
  readonly name: string;
  readonly type: number;
  readonly data: Buffer;
}

export interface TestKey {
  readonly name: string;
  readonly values?: readonly TestValue[];
  readonly keys?: readonly TestKey[];
  /** The mark of its list of keys; "ri" is a list of two lists. */
  readonly list?: "lh" | "lf" | "li" | "ri";
}

/** A hive whose root has these values and keys. */
export function hiveOf(root: Omit<TestKey, "name"> = {}): Buffer {
  const cells = new Cells();
  const security = cells.add(securityCell(cells.next));
  const rootKey = addKey(cells, { name: "$$$PROTO.HIV", ...root }, { parent: NONE, security, isRoot: true });
  return cells.hive(rootKey);
}

/** An empty hive after these commands of hivexsh. */
export function filledHive(...commands: readonly string[]): Buffer {
  return inHive(hiveOf(), ["-w"], [...commands, "commit"]).bytes;
}

/** What hivexsh says of it. */
export function askHive(bytes: Buffer, ...commands: readonly string[]): string {
  return inHive(bytes, [], commands).output;
}

class Cells {
  readonly #cells: Buffer[] = [];
  next = BIN_HEADER_BYTES;

  /** Answers where the content will lie, as hives name places. */
  add(content: Buffer): number {
    const offset = this.next;
    const cell = Buffer.alloc(Math.ceil((content.length + 4) / 8) * 8);
    cell.writeInt32LE(-cell.length);
    content.copy(cell, 4);
    this.#cells.push(cell);
    this.next += cell.length;
    return offset;
  }

  rewrite(offset: number, content: Buffer): void {
    let at = BIN_HEADER_BYTES;
    for (const cell of this.#cells) {
      if (at === offset) content.copy(cell, 4);
      at += cell.length;
    }
  }

  hive(rootKey: number): Buffer {
    const binBytes = Math.ceil((this.next + 8) / 4096) * 4096;
    const free = Buffer.alloc(binBytes - this.next);
    free.writeInt32LE(free.length);
    const bin = Buffer.alloc(BIN_HEADER_BYTES);
    bin.write("hbin", "latin1");
    put(bin, { 8: binBytes });
    const header = Buffer.alloc(HEADER_BYTES);
    header.write("regf", "latin1");
    // Sequence numbers; version 1.5; the root's place; the length of all bins.
    put(header, { 4: 1, 8: 1, 20: 1, 24: 5, 32: 1, 36: rootKey, 40: binBytes, 44: 1 });
    put(header, { 508: checksumOf(header) });
    return Buffer.concat([header, bin, ...this.#cells, free]);
  }
}

function addKey(
  cells: Cells,
  { name, values = [], keys = [], list = "lh" }: TestKey,
  place: { parent: number; security: number; isRoot?: boolean },
): number {
  const content = Buffer.alloc(76 + name.length);
  content.write("nk", "latin1");
  content.writeUInt16LE(place.isRoot === true ? 0x2c : 0x20, 2);
  content.write(name, 76, "latin1");
  content.writeUInt16LE(name.length, 72);
  // Children name their parent, so its place must be known before they have theirs: the content is filled in last.
  const offset = cells.add(content);
  const children = keys.map((key) => addKey(cells, key, { parent: offset, security: place.security }));
  const subkeys = keys.length === 0 ? NONE : addList(cells, list, keys, children);
  const valueList =
    values.length === 0 ? NONE : cells.add(numbers(values.map((value) => addValue(cells, value))));
  put(content, {
    16: place.parent,
    20: keys.length,
    28: subkeys,
    32: NONE,
    36: values.length,
    40: valueList,
  });
  put(content, { 44: place.security, 48: NONE });
  cells.rewrite(offset, content);
  return offset;
}

function addList(cells: Cells, mark: string, keys: readonly TestKey[], offsets: readonly number[]): number {
  if (mark === "ri") {
    const half = Math.ceil(keys.length / 2);
    const halves = [
      addList(cells, "lh", keys.slice(0, half), offsets.slice(0, half)),
      addList(cells, "li", keys.slice(half), offsets.slice(half)),
    ];
    return cells.add(Buffer.concat([listHead("ri", 2), numbers(halves)]));
  }
  const entries = offsets.flatMap((offset, index) =>
    mark === "li" ? [offset] : [offset, hashOf(mark, keys[index]?.name ?? "")],
  );
  return cells.add(Buffer.concat([listHead(mark, offsets.length), numbers(entries)]));
}

function addValue(cells: Cells, { name, type, data }: TestValue): number {
  const content = Buffer.alloc(20 + name.length);
  content.write("vk", "latin1");
  content.writeUInt16LE(name.length, 2);
  content.writeUInt16LE(1, 16);
  content.write(name, 20, "latin1");
  put(content, { 4: data.length, 12: type });
  if (data.length <= 4) {
    put(content, { 4: 0x8000_0000 + data.length });
    data.copy(content, 8);
  } else put(content, { 8: addData(cells, data) });
  return cells.add(content);
}

function addData(cells: Cells, data: Buffer): number {
  if (data.length <= PIECE_BYTES) return cells.add(data);
  const count = Math.ceil(data.length / PIECE_BYTES);
  const pieces = Array.from({ length: count }, (_, index) =>
    cells.add(data.subarray(index * PIECE_BYTES, (index + 1) * PIECE_BYTES)),
  );
  return cells.add(Buffer.concat([listHead("db", count), numbers([cells.add(numbers(pieces))])]));
}

/** One descriptor for all keys, in a ring of its own. */
function securityCell(offset: number): Buffer {
  const content = Buffer.alloc(40);
  content.write("sk", "latin1");
  put(content, { 4: offset, 8: offset, 12: 1, 16: 20, 20: 0x8000_0001 });
  return content;
}

function listHead(mark: string, count: number): Buffer {
  const head = Buffer.alloc(4);
  head.write(mark, "latin1");
  head.writeUInt16LE(count, 2);
  return head;
}

function hashOf(mark: string, name: string): number {
  if (mark === "lf") return Buffer.from(name.slice(0, 4).padEnd(4, "\0"), "latin1").readUInt32LE();
  return [...name.toUpperCase()].reduce((hash, letter) => (hash * 37 + letter.charCodeAt(0)) % 2 ** 32, 0);
}

function numbers(list: readonly number[]): Buffer {
  const bytes = Buffer.alloc(list.length * 4);
  for (const [index, number] of list.entries()) bytes.writeUInt32LE(number, index * 4);
  return bytes;
}

function put(bytes: Buffer, at: Readonly<Record<number, number>>): void {
  for (const [offset, number] of Object.entries(at)) bytes.writeUInt32LE(number, Number(offset));
}

function inHive(
  bytes: Buffer,
  options: readonly string[],
  commands: readonly string[],
): { bytes: Buffer; output: string } {
  const folder = mkdtempSync(join(tmpdir(), "sheepfold-hive-"));
  const file = join(folder, "hive");
  try {
    writeFileSync(file, bytes);
    const output = execFileSync("hivexsh", [...options, file], {
      input: `${commands.join("\n")}\n`,
      env: { ...process.env, HOME: folder },
      stdio: "pipe",
      maxBuffer: 64 * 1024 * 1024,
    });
    return { bytes: readFileSync(file), output: output.toString() };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
