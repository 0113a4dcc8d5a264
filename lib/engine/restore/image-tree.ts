// ImageTree walks the manifest of one image: from its root to the leaves and their page records.
//
// Leaves are found through the inner nodes on the way; only those asked for are read. The shape of a tree follows
// from the image's size alone, so a node that has another number of children than it must is damage.
import { CodedError } from "#lib/model/errors.ts";
import { INNER_CHILDREN, LEAF_PAGES } from "#lib/page/content-root.ts";
import { hashOfFill, PAGE_HASH_BYTES, pageCountOf, pageLength } from "#lib/page/page.ts";
import type { ChildEntry, PageEntry } from "../format/node-format.ts";
import type { ManifestRoot } from "../format/snapshot-format.ts";
import type { NodeCache } from "./node-cache.ts";

/** Leaves read side by side: they lie in few segments, which several threads decode. */
const LEAVES_AT_ONCE = 64;

/** Where a leaf is; the content hash is known from its parent, so not of a leaf that is the root. */
export interface LeafChild {
  readonly nodeId: number;
  readonly hash: Uint8Array;
  readonly contentHash: Uint8Array | null;
}

export class ImageTree {
  readonly root: ManifestRoot;
  readonly sizeBytes: number;
  readonly pageCount: number;
  readonly leafCount: number;
  readonly #nodes: NodeCache;
  readonly #what: string;
  /** The children of the last node visited on each level: walking forward reads each inner node once. */
  readonly #path = new Map<number, { readonly index: number; readonly children: Promise<ChildEntry[]> }>();
  #lastLeaf: { readonly index: number; readonly pages: PageEntry[] } | null = null;

  constructor(nodes: NodeCache, root: ManifestRoot, sizeBytes: number, what: string) {
    this.#nodes = nodes;
    this.root = root;
    this.sizeBytes = sizeBytes;
    this.pageCount = pageCountOf(sizeBytes);
    this.leafCount = Math.ceil(this.pageCount / LEAF_PAGES);
    this.#what = what;
    if (root.level !== topLevelOf(sizeBytes)) throw this.#damaged(`a root of level ${root.level}`);
  }

  /** Number, hash and (unless it is the root) content hash of a leaf's node. */
  async leafChild(leafIndex: number): Promise<LeafChild> {
    if (this.root.level === 0) return { nodeId: this.root.nodeId, hash: this.root.hash, contentHash: null };
    return this.#childAt(0, leafIndex);
  }

  async leaf(leafIndex: number): Promise<PageEntry[]> {
    const pages = await this.#nodes.leaf(await this.leafChild(leafIndex));
    const expected = Math.min(LEAF_PAGES, this.pageCount - leafIndex * LEAF_PAGES);
    if (pages.length !== expected)
      throw this.#damaged(`leaf ${leafIndex} has ${pages.length} pages instead of ${expected}`);
    return pages;
  }

  /** The record of one page, null beyond the end. Of neighbours, the leaf is decoded once. */
  async page(pageIndex: number): Promise<PageEntry | null> {
    if (pageIndex >= this.pageCount) return null;
    const leafIndex = Math.floor(pageIndex / LEAF_PAGES);
    if (this.#lastLeaf?.index !== leafIndex) {
      this.#lastLeaf = { index: leafIndex, pages: await this.leaf(leafIndex) };
    }
    return this.#lastLeaf.pages[pageIndex % LEAF_PAGES] ?? null;
  }

  /** The records of `count` neighbouring pages. */
  async pages(first: number, count: number): Promise<PageEntry[]> {
    const pages: PageEntry[] = [];
    for (let page = first; page < first + count; page++) {
      const entry = await this.page(page);
      if (entry === null) throw this.#damaged(`page ${page} is missing`);
      pages.push(entry);
    }
    return pages;
  }

  /** Hashes of all pages, 32 bytes each; zeros, the hash of nothing, for those `isWanted` refuses. */
  async pageHashes(isWanted: (page: PageEntry, pageIndex: number) => boolean): Promise<Uint8Array> {
    const hashes = new Uint8Array(this.pageCount * PAGE_HASH_BYTES);
    for (let first = 0; first < this.leafCount; first += LEAVES_AT_ONCE) {
      const count = Math.min(LEAVES_AT_ONCE, this.leafCount - first);
      const leaves = await Promise.all(Array.from({ length: count }, (_, index) => this.leaf(first + index)));
      for (const [index, page] of leaves.flat().entries()) {
        const pageIndex = first * LEAF_PAGES + index;
        if (!isWanted(page, pageIndex)) continue;
        hashes.set(hashOfEntry(page, pageLength(this.sizeBytes, pageIndex)), pageIndex * PAGE_HASH_BYTES);
      }
    }
    return hashes;
  }

  /** Entry of node `index` of `level`, from its parent. */
  async #childAt(level: number, index: number): Promise<ChildEntry> {
    const children = await this.#childrenOf(level + 1, Math.floor(index / INNER_CHILDREN));
    const child = children[index % INNER_CHILDREN];
    if (child === undefined) throw this.#damaged(`node ${index} of level ${level} is missing`);
    return child;
  }

  async #childrenOf(level: number, index: number): Promise<ChildEntry[]> {
    const known = this.#path.get(level);
    if (known !== undefined && known.index === index) return known.children;
    const children = this.#readChildren(level, index);
    this.#path.set(level, { index, children });
    return children;
  }

  async #readChildren(level: number, index: number): Promise<ChildEntry[]> {
    const node = level === this.root.level ? this.root : await this.#childAt(level, index);
    return this.#nodes.inner({ nodeId: node.nodeId, hash: node.hash, level });
  }

  #damaged(detail: string): CodedError {
    return new CodedError("repository-corrupt", `The manifest of ${this.#what} is damaged: ${detail}.`, {
      hint: "Verify the repository; restore another snapshot meanwhile.",
    });
  }
}

export function topLevelOf(sizeBytes: number): number {
  let level = 0;
  for (let count = Math.ceil(pageCountOf(sizeBytes) / LEAF_PAGES); count > 1; level++) {
    count = Math.ceil(count / INNER_CHILDREN);
  }
  return level;
}

export function hashOfEntry(page: PageEntry, lengthBytes: number): Uint8Array {
  return page.fillByte === null ? page.hash : hashOfFill(page.fillByte, lengthBytes);
}
