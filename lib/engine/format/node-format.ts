// Manifest nodes: page records in leaves, children above (docs/repository-format.md §5).
//
// A page's blocks are a flat list of runs, two numbers each, so that a leaf of 64 pages costs a few hundred
// numbers and not thousands of objects. Decoding trusts nothing: a node may come from a damaged file.
import { createHash } from "node:crypto";
import { INNER_CHILDREN, LEAF_PAGES } from "#lib/page/content-root.ts";
import { PAGE_BYTES, PAGE_HASH_BYTES } from "#lib/page/page.ts";
import { digestOf, type RepositoryKeys } from "../encryption/repository-keys.ts";
import { ByteReader, ByteWriter, ensure, FormatError } from "./bytes.ts";
import { PATCH_BYTES_MAX, readPatch } from "./patch-format.ts";

/** 64 · 256^6 pages are more than any number we can count to. */
export const INNER_LEVEL_MAX = 6;
/** A leaf of 64 patched pages of 512-byte blocks, each in its own run, stays below this. */
export const NODE_BYTES_MAX = 768 * 1024;
export const ID_MAX = 2 ** 48;

/** A page of one repeated byte. */
export interface FillPage {
  readonly fillByte: number;
}

/** A page with stored blocks. `runs` holds pairs: (first block id, count) for stored blocks, or
 *  (−1 − fill byte, count) for blocks that are one repeated byte. */
export interface RunsPage {
  readonly fillByte: null;
  readonly hash: Uint8Array;
  readonly runs: readonly number[];
  /** What differs from these blocks (patch-format.ts). */
  readonly patch?: Uint8Array;
}

export type PageEntry = FillPage | RunsPage;

export interface ChildEntry {
  readonly nodeId: number;
  readonly hash: Uint8Array;
  readonly contentHash: Uint8Array;
}

const NODE_DOMAIN = Buffer.from("sheepfold-node-v1\0", "ascii");
const ZERO_PAGE = 0;
const FILL_PAGE = 1;
const RUNS_PAGE = 2;
const PATCHED_PAGE = 3;

/** By which its parent, or the snapshot file, and the pack's digests know a node. */
export function nodeHashOf(bytes: Uint8Array, keys: RepositoryKeys | null): Uint8Array {
  return digestOf(createHash("sha256").update(NODE_DOMAIN).update(bytes).digest(), keys);
}

export function encodeLeaf(pages: readonly PageEntry[]): Uint8Array {
  const out = new ByteWriter();
  out.u8(0);
  out.u16(pages.length);
  let previousEnd = 0;
  for (const page of pages) {
    if (page.fillByte === 0) {
      out.u8(ZERO_PAGE);
    } else if (page.fillByte !== null) {
      out.u8(FILL_PAGE);
      out.u8(page.fillByte);
    } else {
      out.u8(page.patch === undefined ? RUNS_PAGE : PATCHED_PAGE);
      out.bytes(page.hash);
      previousEnd = encodeRuns(out, page.runs, previousEnd);
      if (page.patch === undefined) continue;
      out.varint(page.patch.length);
      out.bytes(page.patch);
    }
  }
  return out.finish();
}

function encodeRuns(out: ByteWriter, runs: readonly number[], endBefore: number): number {
  let previousEnd = endBefore;
  out.varint(runs.length / 2);
  for (let at = 0; at < runs.length; at += 2) {
    const start = runs[at] as number;
    const count = runs[at + 1] as number;
    if (start < 0) {
      out.varint(2 * count + 1);
      out.u8(-1 - start);
    } else {
      out.varint(2 * count);
      out.signedVarint(start - previousEnd);
      previousEnd = start + count;
    }
  }
  return previousEnd;
}

/** FormatError unless the bytes are a whole leaf. `blocksPerPageMax` bounds what a page may claim. */
export function decodeLeaf(bytes: Uint8Array, blocksPerPageMax: number): PageEntry[] {
  const from = new ByteReader(bytes);
  ensure(from.u8() === 0, "is not a leaf");
  const count = from.u16();
  ensure(count >= 1 && count <= LEAF_PAGES, `a leaf of ${count} pages`);
  const pages: PageEntry[] = [];
  const position = { previousEnd: 0 };
  for (let index = 0; index < count; index++) pages.push(decodePage(from, position, blocksPerPageMax));
  from.end();
  return pages;
}

function decodePage(from: ByteReader, position: { previousEnd: number }, blocksMax: number): PageEntry {
  const kind = from.u8();
  if (kind === ZERO_PAGE) return { fillByte: 0 };
  if (kind === FILL_PAGE) return { fillByte: from.u8() };
  if (kind !== RUNS_PAGE && kind !== PATCHED_PAGE) throw new FormatError(`unknown page kind ${kind}`);
  const hash = new Uint8Array(from.bytes(PAGE_HASH_BYTES));
  const runCount = from.varint();
  ensure(runCount >= 1 && runCount <= blocksMax, `a page of ${runCount} runs`);
  const runs: number[] = [];
  let blocks = 0;
  for (let index = 0; index < runCount; index++) {
    const head = from.varint();
    const count = Math.floor(head / 2);
    blocks += count;
    ensure(count >= 1 && blocks <= blocksMax, `a page of ${blocks} blocks`);
    runs.push(head % 2 === 1 ? -1 - from.u8() : decodeStart(from, position, count), count);
  }
  return kind === RUNS_PAGE
    ? { fillByte: null, hash, runs }
    : { fillByte: null, hash, runs, patch: decodePatch(from) };
}

function decodePatch(from: ByteReader): Uint8Array {
  const length = from.varint();
  ensure(length <= PATCH_BYTES_MAX, `a patch of ${length} bytes`);
  const patch = new Uint8Array(from.bytes(length));
  readPatch(patch, PAGE_BYTES, null);
  return patch;
}

function decodeStart(from: ByteReader, position: { previousEnd: number }, count: number): number {
  const start = position.previousEnd + from.signedVarint();
  ensure(start >= 0 && start + count <= ID_MAX, `block id ${start} is impossible`);
  position.previousEnd = start + count;
  return start;
}

export function encodeInner(level: number, children: readonly ChildEntry[]): Uint8Array {
  const out = new ByteWriter();
  out.u8(level);
  out.u16(children.length);
  for (const child of children) {
    out.u48(child.nodeId);
    out.bytes(child.hash);
    out.bytes(child.contentHash);
  }
  return out.finish();
}

export function decodeInner(bytes: Uint8Array, level: number): ChildEntry[] {
  const from = new ByteReader(bytes);
  ensure(from.u8() === level, `is not a node of level ${level}`);
  const count = from.u16();
  ensure(count >= 1 && count <= INNER_CHILDREN, `a node of ${count} children`);
  const children: ChildEntry[] = [];
  for (let index = 0; index < count; index++) {
    const nodeId = from.u48();
    const hash = new Uint8Array(from.bytes(PAGE_HASH_BYTES));
    children.push({ nodeId, hash, contentHash: new Uint8Array(from.bytes(PAGE_HASH_BYTES)) });
  }
  from.end();
  return children;
}
