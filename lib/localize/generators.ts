// Values for many PCs at once: names counted by seat, addresses from a range, licences from a pool. Each generator answers a value
// for every PC, or says why it cannot. Pure.
import { CodedError } from "#lib/model/errors.ts";

export interface Seat {
  readonly nodeId: string;
  readonly name: string;
  /** Its place in the room; null when nobody gave it one. */
  readonly seat: number | null;
}

export interface Generated {
  readonly nodeId: string;
  readonly value: string;
}

/** "LAB-A-{seat:02}": `{seat}`, `{index}` (1, 2, … in the order given) and `{node}`, numbers with leading zeros by ":0N". */
export function fromPattern(pattern: string, seats: readonly Seat[]): Generated[] {
  return seats.map(({ nodeId, name, seat }, at) => ({
    nodeId,
    value: pattern.replace(/\{([^}]*)\}/g, (_, inside: string) => {
      const [word = "", format = ""] = inside.split(":");
      if (word === "node" && format === "") return name;
      if (word === "index") return inDigits(at + 1, format, inside);
      if (word !== "seat") throw unknownPart(inside);
      if (seat === null) {
        throw new CodedError("input-invalid", `${name} has no seat number.`, {
          hint: "Give it one on its page, or use {index}, which counts the PCs in their order.",
        });
      }
      return inDigits(seat, format, inside);
    }),
  }));
}

function inDigits(number: number, format: string, inside: string): string {
  if (format === "") return String(number);
  if (!/^0[1-9]$/.test(format)) throw unknownPart(inside);
  return String(number).padStart(Number(format), "0");
}

function unknownPart(inside: string): CodedError {
  return new CodedError(
    "input-invalid",
    `{${inside.slice(0, 40)}} is none of the parts a pattern may have.`,
    {
      hint: "There are {seat}, {seat:02}, {index}, {index:03} and {node}.",
    },
  );
}

/** One after the other from "10.1.0.10-10.1.0.60", those in `taken` left out. */
export function fromAddressRange(
  range: string,
  seats: readonly Seat[],
  taken: ReadonlySet<string> = new Set(),
): Generated[] {
  const [from = "", to = from] = range.split("-").map((end) => end.trim());
  const [first, last] = [numberOfAddress(from), numberOfAddress(to)];
  if (first > last) {
    throw new CodedError("input-invalid", `${range} ends before it begins.`, {
      hint: "Give the lower address first.",
    });
  }
  const free: string[] = [];
  for (let number = first; number <= last && free.length < seats.length; number += 1) {
    const address = addressOfNumber(number);
    if (!taken.has(address)) free.push(address);
  }
  return dealOut(free, seats, `${range} has`, "addresses");
}

/** The next free of a pool, by its order; a value that stands there twice may be given twice. */
export function fromPool(
  pool: readonly string[],
  seats: readonly Seat[],
  taken: readonly string[] = [],
): Generated[] {
  return dealOut(freeOfPool(pool, taken), seats, "The pool has", "values");
}

/** What nobody has, in the pool's order. */
export function freeOfPool(pool: readonly string[], taken: readonly string[]): string[] {
  const used = new Map<string, number>();
  for (const value of taken) used.set(value, (used.get(value) ?? 0) + 1);
  return pool.filter((value) => {
    const count = used.get(value) ?? 0;
    if (count > 0) used.set(value, count - 1);
    return count === 0;
  });
}

function dealOut(free: readonly string[], seats: readonly Seat[], has: string, what: string): Generated[] {
  if (free.length < seats.length) {
    throw new CodedError(
      "input-invalid",
      `${has} ${free.length} free ${what}, and ${seats.length} PCs need one.`,
      {
        hint: "Add some, or choose fewer PCs. Nothing was changed.",
      },
    );
  }
  return seats.map(({ nodeId }, at) => ({ nodeId, value: free[at] ?? "" }));
}

function numberOfAddress(text: string): number {
  const parts = text.split(".").map((part) => (/^\d{1,3}$/.test(part) ? Number(part) : 256));
  if (parts.length !== 4 || parts.some((part) => part > 255)) {
    throw new CodedError("input-invalid", `"${text.slice(0, 40)}" is no IPv4 address.`, {
      hint: "Give a range such as 10.1.0.10-10.1.0.60.",
    });
  }
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}

function addressOfNumber(number: number): string {
  return [24, 16, 8, 0].map((bits) => Math.floor(number / 2 ** bits) % 256).join(".");
}
