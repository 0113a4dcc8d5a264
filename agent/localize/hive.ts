// Reads a registry hive, Windows' file of keys and values. Reading is exact where hivexsh's listing is not (types, bytes after a
// text's end), which matters because hivexsh can only replace all values of a key together. Writing is hivexsh's alone
// (change-hive.ts). Every offset is checked: a hive comes off a disk and may be damaged.
// Facts: the regf format as libregf's documentation and M. Suhanov's "Windows registry file format specification" describe it.
import { recipeRefused } from "./refusal.ts";

export interface HiveValue {
  /** "" is the key's default value. */
  readonly name: string;
  readonly type: number;
  readonly data: Buffer;
}

/** Where a key's node lies. */
export type HiveKey = number & { readonly hiveKey: true };

const CELLS_AT = 0x1000;
const HEADER = { sequenceBegun: 4, sequenceEnded: 8, rootKey: 0x24, checksum: 0x1fc } as const;
const KEY = {
  mark: 0,
  flags: 2,
  subkeyCount: 20,
  subkeys: 28,
  valueCount: 36,
  values: 40,
  nameBytes: 72,
  name: 76,
} as const;
const VALUE = { mark: 0, nameBytes: 2, dataBytes: 4, data: 8, type: 12, flags: 16, name: 20 } as const;
const KEY_NAME_IS_LATIN = 0x20;
const VALUE_NAME_IS_LATIN = 0x1;
/** Data of up to four bytes lie in the place of their offset. */
const DATA_IS_INLINE = 0x8000_0000;
/** Longer data are a list of pieces of this size. */
const PIECE_BYTES = 16_344;
/** Of a list of keys, by its mark. */
const ENTRY_BYTES: Readonly<Record<string, number | undefined>> = { lf: 8, lh: 8, li: 4, ri: 4 };
/** Lists of lists are one level deep in every hive that Windows wrote. */
const LIST_DEPTH_MAX = 3;
const UNDAMAGED_HINT =
  "Start the PC once with that snapshot, shut Windows down completely (shutdown /s /t 0), and make a new snapshot.";

export class Hive {
  readonly #bytes: Buffer;
  readonly #path: string;

  /** Refuses what is no hive, is damaged, or has changes that are still in its log: Windows would write those over ours. */
  constructor(bytes: Buffer, path: string) {
    this.#bytes = bytes;
    this.#path = path;
    if (bytes.length < 2 * CELLS_AT || bytes.toString("latin1", 0, 4) !== "regf") {
      throw recipeRefused(
        `${path} is no registry hive.`,
        "Correct the recipe: name a hive such as Windows/System32/config/SOFTWARE.",
      );
    }
    const begun = bytes.readUInt32LE(HEADER.sequenceBegun);
    const ended = bytes.readUInt32LE(HEADER.sequenceEnded);
    if (begun !== ended) {
      throw recipeRefused(
        `${path} was not written to its end by Windows (sequence numbers ${begun} and ${ended}).`,
        UNDAMAGED_HINT,
      );
    }
    if (bytes.readUInt32LE(HEADER.checksum) !== checksumOf(bytes))
      throw this.#damaged("its checksum is wrong");
  }

  get root(): HiveKey {
    return this.#key(this.#bytes.readUInt32LE(HEADER.rootKey));
  }

  /** Names are compared as Windows does, without regard to case. */
  child(parent: HiveKey, name: string): HiveKey | null {
    const node = this.#cell(parent);
    if (node.readUInt32LE(KEY.subkeyCount) === 0) return null;
    for (const offset of this.#subkeys(node.readUInt32LE(KEY.subkeys), 1)) {
      const key = this.#key(offset);
      if (this.#keyName(key).toUpperCase() === name.toUpperCase()) return key;
    }
    return null;
  }

  /** As far as the names lead: `key` is null when the last `missing` of them are not there. */
  find(names: readonly string[]): { key: HiveKey | null; missing: number } {
    let key = this.root;
    for (const [index, name] of names.entries()) {
      const next = this.child(key, name);
      if (next === null) return { key: null, missing: names.length - index };
      key = next;
    }
    return { key, missing: 0 };
  }

  values(key: HiveKey): HiveValue[] {
    const node = this.#cell(key);
    const count = node.readUInt32LE(KEY.valueCount);
    if (count === 0) return [];
    const list = this.#cell(node.readUInt32LE(KEY.values));
    if (count * 4 > list.length) throw this.#damaged("a list of values is cut off");
    return Array.from({ length: count }, (_, index) => this.#value(list.readUInt32LE(index * 4)));
  }

  #key(offset: number): HiveKey {
    const cell = this.#cell(offset, KEY.name);
    if (markOf(cell) !== "nk") throw this.#damaged(`there is no key at ${offset}`);
    return offset as HiveKey; // Checked on the line above.
  }

  #keyName(key: HiveKey): string {
    const cell = this.#cell(key);
    return this.#name(
      cell,
      KEY.name,
      cell.readUInt16LE(KEY.nameBytes),
      cell.readUInt16LE(KEY.flags) & KEY_NAME_IS_LATIN,
    );
  }

  *#subkeys(listOffset: number, depth: number): Generator<number> {
    const list = this.#cell(listOffset);
    const mark = markOf(list);
    const stride = ENTRY_BYTES[mark];
    if (stride === undefined || depth > LIST_DEPTH_MAX)
      throw this.#damaged(`there is no list of keys at ${listOffset}`);
    const count = list.readUInt16LE(2);
    if (4 + count * stride > list.length) throw this.#damaged("a list of keys is cut off");
    for (let index = 0; index < count; index += 1) {
      const offset = list.readUInt32LE(4 + index * stride);
      if (mark === "ri") yield* this.#subkeys(offset, depth + 1);
      else yield offset;
    }
  }

  #value(offset: number): HiveValue {
    const cell = this.#cell(offset, VALUE.name);
    if (markOf(cell) !== "vk") throw this.#damaged(`there is no value at ${offset}`);
    const isLatin = cell.readUInt16LE(VALUE.flags) & VALUE_NAME_IS_LATIN;
    return {
      name: this.#name(cell, VALUE.name, cell.readUInt16LE(VALUE.nameBytes), isLatin),
      type: cell.readUInt32LE(VALUE.type),
      data: this.#data(cell),
    };
  }

  #data(value: Buffer): Buffer {
    const size = value.readUInt32LE(VALUE.dataBytes);
    const dataBytes = size & ~DATA_IS_INLINE;
    if ((size & DATA_IS_INLINE) !== 0) return value.subarray(VALUE.data, VALUE.data + Math.min(dataBytes, 4));
    if (dataBytes === 0) return Buffer.alloc(0);
    const cell = this.#cell(value.readUInt32LE(VALUE.data));
    if (dataBytes <= PIECE_BYTES || markOf(cell) !== "db") {
      if (cell.length < dataBytes) throw this.#damaged("a value is cut off");
      return cell.subarray(0, dataBytes);
    }
    if (cell.length < 8) throw this.#damaged("a long value is cut off");
    const pieces = this.#cell(cell.readUInt32LE(4));
    const count = cell.readUInt16LE(2);
    if (count * 4 > pieces.length || count * PIECE_BYTES < dataBytes)
      throw this.#damaged("a long value is cut off");
    const parts = Array.from({ length: count }, (_, index) =>
      this.#cell(pieces.readUInt32LE(index * 4)).subarray(0, PIECE_BYTES),
    );
    return Buffer.concat(parts).subarray(0, dataBytes);
  }

  #name(cell: Buffer, at: number, nameBytes: number, isLatin: number): string {
    if (at + nameBytes > cell.length) throw this.#damaged("a name is cut off");
    return cell.toString(isLatin === 0 ? "utf16le" : "latin1", at, at + nameBytes);
  }

  /** The content of a cell in use, without its length, which is negative then. */
  #cell(offset: number, bytesMin = 4): Buffer {
    const start = CELLS_AT + offset;
    if (start + 4 > this.#bytes.length) throw this.#damaged(`a place beyond its end is named (${offset})`);
    const length = -this.#bytes.readInt32LE(start);
    if (length < 4 + bytesMin || start + length > this.#bytes.length)
      throw this.#damaged(`there is nothing in use at ${offset}`);
    return this.#bytes.subarray(start + 4, start + length);
  }

  #damaged(what: string): Error {
    return recipeRefused(`The registry hive ${this.#path} is damaged: ${what}.`, UNDAMAGED_HINT);
  }
}

function markOf(cell: Buffer): string {
  return cell.toString("latin1", 0, 2);
}

/** All words before it, XORed; two results stand for others. */
export function checksumOf(header: Buffer): number {
  let sum = 0;
  for (let at = 0; at < HEADER.checksum; at += 4) sum = (sum ^ header.readUInt32LE(at)) >>> 0;
  if (sum === 0) return 1;
  return sum === 0xffff_ffff ? 0xffff_fffe : sum;
}
