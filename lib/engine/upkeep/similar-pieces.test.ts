import { expect, test } from "vitest";
import { Chance } from "#lib/model/chance.ts";
import { joined, noise } from "../test-bench.ts";
import { PIECE_BYTES, SimilarPieces } from "./similar-pieces.ts";

function orderOf(pieces: readonly Uint8Array[], expectedBytes = pieces.length * PIECE_BYTES): number[] {
  const similar = new SimilarPieces(expectedBytes);
  for (const piece of pieces) similar.add(piece);
  return similar.order();
}

const piece = (seed: number) => noise(PIECE_BYTES, seed);
/** The same content, moved by an odd number of bytes and with another beginning. */
const moved = (seed: number) => joined(noise(1001, 1000 + seed), piece(seed).subarray(0, PIECE_BYTES - 1001));

test("content that moved lies beside what it was", () => {
  const pieces = [piece(1), piece(2), piece(3), moved(2), moved(1), moved(3)];
  expect(orderOf(pieces)).toEqual([0, 4, 1, 3, 2, 5]);
});

test("a third version joins the group through the second", () => {
  const second = joined(piece(1).subarray(0, PIECE_BYTES / 2), noise(PIECE_BYTES / 2, 7));
  const third = joined(noise(PIECE_BYTES / 2, 8), noise(PIECE_BYTES / 2, 7));
  expect(orderOf([piece(1), piece(2), second, third])).toEqual([0, 2, 3, 1]);
});

test("what has nothing in common stays as it came", () => {
  expect(orderOf(Array.from({ length: 50 }, (_, index) => piece(index + 1)))).toEqual(
    Array.from({ length: 50 }, (_, index) => index),
  );
});

test("pieces of one byte, shorter than a window, and empty ones are taken", () => {
  const pieces = [new Uint8Array(PIECE_BYTES), new Uint8Array(63).fill(7), new Uint8Array(), piece(1)];
  expect(orderOf([...pieces, ...pieces]).toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});

test("however small the table, every piece comes once", () => {
  for (const seed of [1, 2, 3]) {
    const chance = new Chance(seed);
    const pieces = Array.from({ length: 300 }, () => piece(chance.between(1, 200)));
    const order = orderOf(pieces, 0);
    expect(order.toSorted((a, b) => a - b)).toEqual(pieces.map((_, index) => index));
  }
});
