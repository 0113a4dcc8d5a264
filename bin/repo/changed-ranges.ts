// The file behind --changed-ranges: which bytes of a source may differ since an earlier archive, as whoever keeps track of
// writes (a hypervisor, dm-era, thin_delta) tells it. Lines of `offset length` in bytes, or the same as JSON.
import { open } from "node:fs/promises";
import type { ChangedRange } from "#lib/engine/repository.ts";
import { CodedError } from "#lib/model/errors.ts";

/** A million ranges with long numbers, and room to spare. */
const FILE_BYTES_MAX = 64 * 1024 * 1024;

export interface ChangedRanges {
  readonly ranges: readonly ChangedRange[];
  /** Since which snapshot; only JSON can say it. */
  readonly since?: string;
}

export async function readChangedRanges(path: string): Promise<ChangedRanges> {
  return parseChangedRanges(await textOf(path), path);
}

/** The engine checks that the ranges fit the source; here only that they are ranges. */
export function parseChangedRanges(text: string, path: string): ChangedRanges {
  const trimmed = text.trim();
  return /^[[{]/.test(trimmed) ? fromJson(trimmed, path) : { ranges: fromLines(trimmed, path) };
}

async function textOf(path: string): Promise<string> {
  let bytes: Buffer;
  try {
    const handle = await open(path, "r");
    try {
      bytes = Buffer.alloc(Math.min((await handle.stat()).size, FILE_BYTES_MAX + 1));
      bytes = bytes.subarray(0, (await handle.read(bytes, 0, bytes.length, 0)).bytesRead);
    } finally {
      await handle.close();
    }
  } catch (cause) {
    throw new CodedError("input-invalid", `The list of changed ranges ${path} cannot be read.`, {
      hint: "Check its name, or archive without it.",
      cause,
    });
  }
  if (bytes.length > FILE_BYTES_MAX) throw refused(path, "is larger than 64 MiB");
  return bytes.toString("utf8");
}

function fromLines(text: string, path: string): ChangedRange[] {
  const ranges: ChangedRange[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    const words = line.trim();
    if (words === "" || words.startsWith("#")) continue;
    const match = /^(\d+)[ \t]+(\d+)$/.exec(words);
    if (match === null) throw refused(path, `has no \`offset length\` in line ${index + 1}`);
    ranges.push({ offsetBytes: Number(match[1]), lengthBytes: Number(match[2]) });
  }
  return ranges;
}

function fromJson(text: string, path: string): ChangedRanges {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw refused(path, "is not JSON, though it begins so");
  }
  const { ranges, since } = Array.isArray(value) ? { ranges: value, since: undefined } : membersOf(value);
  if (!Array.isArray(ranges)) throw refused(path, "has no array of ranges");
  if (since !== undefined && typeof since !== "string") throw refused(path, "names no snapshot as `since`");
  return { ranges: ranges.map((range: unknown, index) => rangeOf(range, index, path)), since };
}

function rangeOf(range: unknown, index: number, path: string): ChangedRange {
  const { offset, length } = Array.isArray(range) ? { offset: range[0], length: range[1] } : membersOf(range);
  if (
    typeof offset === "number" &&
    typeof length === "number" &&
    !(Array.isArray(range) && range.length !== 2)
  ) {
    return { offsetBytes: offset, lengthBytes: length };
  }
  throw refused(path, `has no offset and length in range ${index + 1}`);
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function refused(path: string, what: string): CodedError {
  return new CodedError("input-invalid", `The list of changed ranges ${path} ${what}.`, {
    hint: "Give lines of `offset length` in bytes, in order, or a JSON array of [offset, length].",
  });
}
