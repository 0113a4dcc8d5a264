// The words of the command line for how images are stored: technique, compression and block sizes.
import { InvalidArgumentError } from "commander";
import type { Technique } from "#lib/engine/repository.ts";
import { type Compression, parseCompression } from "#lib/model/compression.ts";
import { TECHNIQUES } from "#lib/model/snapshot.ts";

export function parseTechnique(text: string): Technique {
  const technique = TECHNIQUES.find((known) => known === text.trim());
  if (technique === undefined) throw new InvalidArgumentError(`It must be one of ${TECHNIQUES.join(", ")}.`);
  return technique;
}

export function parseCompressionOption(text: string): Compression {
  const compression = parseCompression(text);
  if (compression !== null) return compression;
  throw new InvalidArgumentError("It must be none, gzip, gzip:1 to gzip:9, zstd, or zstd:1 to zstd:19.");
}

/** Accepts "4096", "4k", "64KiB" and "4M". */
export function parseBlockSize(text: string, minBytes: number, maxBytes: number): number {
  const match = /^(\d+)\s*(?:(k|m)(?:i|ib)?)?$/i.exec(text.trim());
  const unit = { k: 1024, m: 1024 * 1024 }[match?.[2]?.toLowerCase() ?? ""] ?? 1;
  const bytes = match === null ? Number.NaN : Number(match[1]) * unit;
  const isPowerOfTwo = Number.isSafeInteger(bytes) && bytes > 0 && Number.isInteger(Math.log2(bytes));
  if (isPowerOfTwo && bytes >= minBytes && bytes <= maxBytes) return bytes;
  throw new InvalidArgumentError(`It must be a power of two from ${minBytes} to ${maxBytes}.`);
}
