// ManifestBuilder turns the pages of one image, settled in any order, into a manifest.
//
// A leaf is written as soon as its 64 pages are settled, so memory holds only the leaves under way. A leaf whose
// content equals the parent snapshot's leaf at the same place is the parent's node: nothing is read or written for it.
// Other nodes are deduplicated like blocks, by their hash: clones share manifests, too.
import { assert } from "#lib/model/assert.ts";
import { contentHashOf, contentRootFromTop, INNER_CHILDREN, LEAF_PAGES } from "#lib/page/content-root.ts";
import { PAGE_HASH_BYTES, pageCountOf, pageLength, sameHash } from "#lib/page/page.ts";
import {
  type ChildEntry,
  encodeInner,
  encodeLeaf,
  nodeHashOf,
  type PageEntry,
} from "../format/node-format.ts";
import type { ManifestRoot } from "../format/snapshot-format.ts";
import { hashOfEntry, type ImageTree, type LeafChild } from "../restore/image-tree.ts";
import { ABSENT, type BlockStore } from "../store/block-store.ts";
import type { SegmentBuilder } from "../store/segment-builder.ts";

/** Node segments are read for a few neighbouring nodes: small ones cost less to decode. */
export const NODE_SEGMENT_BYTES = 64 * 1024;

/** The page is the parent's page at the same offset. */
export const TAKEN_OVER = "taken-over";
export type Settled = PageEntry | typeof TAKEN_OVER;

/** What of the parent image may be used again. */
export interface ParentManifest {
  readonly tree: ImageTree;
  readonly suspectPages: ReadonlySet<number>;
}

interface GrowingLeaf {
  readonly entries: (Settled | undefined)[];
  readonly hashes: Uint8Array;
  missing: number;
}

export class ManifestBuilder {
  readonly pageCount: number;
  readonly #sizeBytes: number;
  readonly #store: BlockStore;
  readonly #nodes: SegmentBuilder;
  #parent: ImageTree | null = null;
  /** Leaves of the parent with a page that lies in a bad pack: not used again, though their content be the same. */
  #suspectLeaves: ReadonlySet<number> = new Set();
  readonly #growing = new Map<number, GrowingLeaf>();
  readonly #leaves: (ChildEntry | undefined)[];
  #settledCount = 0;

  constructor(store: BlockStore, sizeBytes: number, parent: ParentManifest | null) {
    this.#store = store;
    this.#sizeBytes = sizeBytes;
    if (parent !== null) this.compareWith(parent);
    this.pageCount = pageCountOf(sizeBytes);
    this.#leaves = new Array<ChildEntry | undefined>(Math.ceil(this.pageCount / LEAF_PAGES)).fill(undefined);
    this.#nodes = store.openBuilder({ rawBytesMax: NODE_SEGMENT_BYTES });
  }

  /** From now on pages may be taken over from this image. */
  compareWith({ tree, suspectPages }: ParentManifest): void {
    this.#parent = tree;
    this.#suspectLeaves = new Set([...suspectPages].map((page) => Math.floor(page / LEAF_PAGES)));
  }

  get settledCount(): number {
    return this.#settledCount;
  }

  get storedBytes(): number {
    return this.#nodes.storedBytes;
  }

  /** The hash of a settled page whose leaf is under way; null when not settled; "written" when the leaf is done. */
  settledHash(pageIndex: number): Uint8Array | null | "written" {
    const leafIndex = Math.floor(pageIndex / LEAF_PAGES);
    const growing = this.#growing.get(leafIndex);
    if (growing === undefined) return this.#leaves[leafIndex] === undefined ? null : "written";
    const within = pageIndex % LEAF_PAGES;
    if (growing.entries[within] === undefined) return null;
    return growing.hashes.subarray(within * PAGE_HASH_BYTES, (within + 1) * PAGE_HASH_BYTES);
  }

  /** Notes what the page is. Settling the last page of a leaf makes it ready for `writeReadyLeaves`. */
  settle(pageIndex: number, entry: Settled, hash: Uint8Array): void {
    const leafIndex = Math.floor(pageIndex / LEAF_PAGES);
    const leaf = this.#leafUnderWay(leafIndex);
    const within = pageIndex % LEAF_PAGES;
    assert(leaf.entries[within] === undefined, `page ${pageIndex} settled twice`);
    leaf.entries[within] = entry;
    leaf.hashes.set(hash, within * PAGE_HASH_BYTES);
    leaf.missing -= 1;
    this.#settledCount += 1;
  }

  #leafUnderWay(leafIndex: number): GrowingLeaf {
    const known = this.#growing.get(leafIndex);
    if (known !== undefined) return known;
    assert(this.#leaves[leafIndex] === undefined, `leaf ${leafIndex} is written already`);
    const count = Math.min(LEAF_PAGES, this.pageCount - leafIndex * LEAF_PAGES);
    const entries = new Array<Settled | undefined>(count).fill(undefined);
    const leaf: GrowingLeaf = { entries, hashes: new Uint8Array(count * PAGE_HASH_BYTES), missing: count };
    this.#growing.set(leafIndex, leaf);
    return leaf;
  }

  /** Writes leaves that are complete. Call one at a time. */
  async writeReadyLeaves(): Promise<void> {
    for (const [leafIndex, leaf] of this.#growing) {
      if (leaf.missing > 0) continue;
      this.#leaves[leafIndex] = await this.#writeLeaf(leafIndex, leaf);
      this.#growing.delete(leafIndex);
    }
  }

  firstMissingPage(): number | null {
    for (const [leafIndex, written] of this.#leaves.entries()) {
      if (written !== undefined) continue;
      const within = this.#growing.get(leafIndex)?.entries.indexOf(undefined) ?? 0;
      if (within >= 0) return leafIndex * LEAF_PAGES + within;
    }
    return null;
  }

  async #writeLeaf(leafIndex: number, leaf: GrowingLeaf): Promise<ChildEntry> {
    const contentHash = contentHashOf(0, leaf.hashes);
    const parentLeaf = await this.#parentLeafOf(leafIndex, leaf.entries.length);
    if (
      parentLeaf !== null &&
      parentLeaf.contentHash !== null &&
      sameHash(parentLeaf.contentHash, contentHash)
    ) {
      return { nodeId: parentLeaf.nodeId, hash: parentLeaf.hash, contentHash };
    }
    const pages = await this.#resolved(leafIndex, leaf);
    return { ...(await this.#writeNode(encodeLeaf(pages))), contentHash };
  }

  /** The parent's leaf at the same place, if it covers as many pages. */
  async #parentLeafOf(leafIndex: number, pageCount: number): Promise<LeafChild | null> {
    const parent = this.#parent;
    if (parent === null || leafIndex >= parent.leafCount || this.#suspectLeaves.has(leafIndex)) return null;
    const parentPages = Math.min(LEAF_PAGES, parent.pageCount - leafIndex * LEAF_PAGES);
    return parentPages === pageCount ? parent.leafChild(leafIndex) : null;
  }

  async #resolved(leafIndex: number, leaf: GrowingLeaf): Promise<PageEntry[]> {
    const parentPages = leaf.entries.includes(TAKEN_OVER) ? await this.#parent?.leaf(leafIndex) : [];
    return leaf.entries.map((entry, within) => {
      const page = entry === TAKEN_OVER ? parentPages?.[within] : entry;
      assert(page !== undefined, `page ${within} of leaf ${leafIndex} is not settled`);
      const length = pageLength(this.#sizeBytes, leafIndex * LEAF_PAGES + within);
      const hash = leaf.hashes.subarray(within * PAGE_HASH_BYTES, (within + 1) * PAGE_HASH_BYTES);
      assert(
        sameHash(hashOfEntry(page, length), hash),
        `page ${within} of leaf ${leafIndex} is another page`,
      );
      return page;
    });
  }

  /** Inner nodes up to the root. All leaves must be written. */
  async finish(): Promise<{ root: ManifestRoot; contentRoot: Uint8Array }> {
    let level = 0;
    let nodes = this.#leaves.map((leaf, index) => {
      assert(leaf !== undefined, `leaf ${index} is missing`);
      return leaf;
    });
    while (nodes.length > 1) {
      level += 1;
      nodes = await this.#writeLevel(level, nodes);
    }
    await this.#nodes.close();
    const top = nodes[0];
    assert(top !== undefined, "an image without pages");
    const contentRoot = contentRootFromTop(top.contentHash, this.#sizeBytes);
    return { root: { nodeId: top.nodeId, hash: top.hash, level }, contentRoot };
  }

  async #writeLevel(level: number, children: readonly ChildEntry[]): Promise<ChildEntry[]> {
    const nodes: ChildEntry[] = [];
    for (let first = 0; first < children.length; first += INNER_CHILDREN) {
      const group = children.slice(first, first + INNER_CHILDREN);
      const contentHash = contentHashOf(level, Buffer.concat(group.map((child) => child.contentHash)));
      nodes.push({ ...(await this.#writeNode(encodeInner(level, group))), contentHash });
    }
    return nodes;
  }

  async #writeNode(bytes: Uint8Array): Promise<{ nodeId: number; hash: Uint8Array }> {
    const hash = nodeHashOf(bytes, this.#store.identity.keys);
    await this.#store.room();
    const known = await this.#store.findLoading(hash, 0, -1);
    if (known !== ABSENT) return { nodeId: known, hash };
    const stored = new Uint8Array(4 + bytes.length);
    new DataView(stored.buffer).setUint32(0, bytes.length, true);
    stored.set(bytes, 4);
    return { nodeId: this.#nodes.add(stored, hash, 0, false), hash };
  }

  /** Gives up the stream of nodes; what it wrote is garbage nobody refers to. */
  async abandon(): Promise<void> {
    await this.#nodes.close();
  }
}
