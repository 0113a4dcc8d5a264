// What the golden repository holds, remade from a seed: two nodes, a life of a few snapshots each, with all a
// manifest can say: blocks, fill bytes, zero pages, moved and shared blocks, growth, shrinking, odd sizes.
//
// These bytes are part of the promise that format 1 opens for ever. Never change this file for a format that
// has been released; a new format gets contents of its own.
import { Chance } from "#lib/model/chance.ts";
import type { RepositoryKey } from "../types.ts";

/** A golden repository: its folder here, and what opens it. */
export interface Golden {
  readonly folder: string;
  readonly formatVersion: number;
  readonly keys: readonly RepositoryKey[];
}

export const GOLDENS: readonly Golden[] = [
  { folder: "repository-v1", formatVersion: 1, keys: [] },
  {
    folder: "repository-v2-encrypted",
    formatVersion: 2,
    keys: [
      { kind: "key-file", bytes: Uint8Array.from({ length: 32 }, (_, index) => 3 * index) },
      { kind: "passphrase", passphrase: "golden fleece, état 2026" },
    ],
  },
];

export interface GoldenSnapshot {
  readonly node: string;
  readonly comment: string;
  readonly images: Readonly<Record<string, Uint8Array>>;
}

const PAGE = 256 * 1024;

export function goldenSnapshots(): GoldenSnapshot[] {
  const chance = new Chance(1);
  const layout = diskLayout(chance);
  const first = firstSystem(chance);
  const changed = changedSystem(first, chance);
  const moved = movedSystem(changed);
  return [
    { node: "room1-pc01", comment: "installed", images: { "disk-layout": layout, sda1: first } },
    { node: "room1-pc02", comment: "cloned, odd size", images: { sda1: withTail(first, chance.text(777)) } },
    { node: "room1-pc01", comment: "changed", images: { "disk-layout": layout, sda1: changed } },
    { node: "room1-pc02", comment: "shrunk", images: { sda1: first.slice(0, PAGE + 12_345) } },
    { node: "room1-pc01", comment: "moved and grown", images: { "disk-layout": layout, sda1: moved } },
  ];
}

/** Smaller than a block is a partition too. */
function diskLayout(chance: Chance): Uint8Array {
  return withTail(chance.bytes(446), Uint8Array.of(...new Array<number>(64).fill(0), 0x55, 0xaa));
}

/** Three and a half pages: files, a page of 0xff, zeros, and a page half full. */
function firstSystem(chance: Chance): Uint8Array {
  const bytes = new Uint8Array(3.5 * PAGE);
  bytes.set(chance.text(40_000), 0);
  bytes.set(chance.bytes(9000), 65_536);
  bytes.fill(0xff, PAGE, 2 * PAGE);
  bytes.set(chance.text(12_288), 3 * PAGE + 4096);
  bytes.fill(0xf6, 3 * PAGE + 32_768, 3 * PAGE + 65_536);
  return bytes;
}

function changedSystem(before: Uint8Array, chance: Chance): Uint8Array {
  const bytes = new Uint8Array(before);
  bytes.set(chance.text(5000), 20_000);
  bytes.fill(0, 65_536, 69_632);
  return bytes;
}

/** What a defragmentation does, and a partition that has grown by a page and a bit. */
function movedSystem(before: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(before.length + PAGE + 4096);
  bytes.set(before);
  bytes.copyWithin(2 * PAGE, 0, 32_768);
  bytes.set(before.subarray(0, 8192), before.length + PAGE - 4096);
  return bytes;
}

function withTail(bytes: Uint8Array, tail: Uint8Array): Uint8Array {
  return Uint8Array.from([...bytes, ...tail]);
}
