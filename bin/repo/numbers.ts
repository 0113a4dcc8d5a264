// Numbers a person types: counts, seconds, and sizes with or without a unit.
import { InvalidArgumentError } from "commander";

const UNIT_BYTES: Readonly<Record<string, number>> = {
  "": 1,
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  t: 2 ** 40,
};

/** A whole number, 0 or more. */
export function parseCount(text: string): number {
  const value = Number(text.trim());
  if (/^\d+$/.test(text.trim()) && Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError("It must be a whole number, 0 or more.");
}

/** "4096", "512k", "10G", "10 GiB": binary units. */
export function parseByteCount(text: string): number {
  const match = /^(\d+)\s*([kmgt]?)(?:i?b)?$/i.exec(text.trim());
  const bytes =
    match === null
      ? Number.NaN
      : Number(match[1]) * (UNIT_BYTES[(match[2] ?? "").toLowerCase()] ?? Number.NaN);
  if (Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  throw new InvalidArgumentError("It must be a number of bytes above 0, such as 4096, 512k or 10G.");
}
