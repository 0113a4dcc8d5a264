// ManifestSizes makes the manifests an archive would make, to know their sizes, and remembers each image's leaves: an
// unchanged page of the next image is the same record.
//
// Equal nodes are stored once, as in a repository, which also covers a parent's unchanged leaves (MF-2).
import { assert } from "#lib/model/assert.ts";
import { contentHashOf, INNER_CHILDREN, LEAF_PAGES } from "#lib/page/content-root.ts";
import { hashOfFill, PAGE_HASH_BYTES } from "#lib/page/page.ts";
import {
  type ChildEntry,
  decodeLeaf,
  encodeInner,
  encodeLeaf,
  nodeHashOf,
  type PageEntry,
} from "../format/node-format.ts";
import type { ManifestRoot } from "../format/snapshot-format.ts";
import { type MeasuredSegment, SegmentStream } from "./segment-stream.ts";

/** As in archive/manifest-builder.ts and repository-state.ts. */
const NODE_LAYOUT = { rawBytesMax: 64 * 1024, segmentIds: 64 };

/** An image's manifest, as encoded leaves: compact, and decoded where it is looked at. */
export class RememberedManifest {
  readonly leaves: Uint8Array[] = [];
  readonly #blocksPerPage: number;
  #last: { readonly index: number; readonly pages: PageEntry[] } | null = null;

  constructor(blocksPerPage: number) {
    this.#blocksPerPage = blocksPerPage;
  }

  page(index: number): PageEntry | null {
    const leafIndex = Math.floor(index / LEAF_PAGES);
    const leaf = this.leaves[leafIndex];
    if (leaf === undefined) return null;
    if (this.#last?.index !== leafIndex) {
      this.#last = { index: leafIndex, pages: decodeLeaf(leaf, this.#blocksPerPage) };
    }
    return this.#last.pages[index % LEAF_PAGES] ?? null;
  }
}

export class ManifestSizes {
  readonly #nodes: SegmentStream;
  /** Node ids by node hash. */
  readonly #known = new Map<string, number>();
  readonly #blocksPerPage: number;
  #entries: PageEntry[] = [];
  #hashes: Uint8Array[] = [];
  #children: ChildEntry[] = [];
  #manifest: RememberedManifest;

  constructor(blocksPerPage: number, measure: (segment: MeasuredSegment) => void) {
    this.#blocksPerPage = blocksPerPage;
    this.#nodes = new SegmentStream(NODE_LAYOUT, measure);
    this.#manifest = new RememberedManifest(blocksPerPage);
  }

  get nextNodeId(): number {
    return this.#nodes.nextId;
  }

  /** The next page of the image. */
  add(entry: PageEntry, lengthBytes: number): void {
    this.#entries.push(entry);
    this.#hashes.push(entry.fillByte === null ? entry.hash : hashOfFill(entry.fillByte, lengthBytes));
    if (this.#entries.length === LEAF_PAGES) this.#writeLeaf();
  }

  #writeLeaf(): void {
    const bytes = encodeLeaf(this.#entries);
    this.#manifest.leaves.push(bytes);
    this.#children.push(this.#node(bytes, contentHashOf(0, Buffer.concat(this.#hashes))));
    this.#entries = [];
    this.#hashes = [];
  }

  finish(): { readonly manifest: RememberedManifest; readonly root: ManifestRoot } {
    if (this.#entries.length > 0) this.#writeLeaf();
    let nodes = this.#children;
    let level = 0;
    while (nodes.length > 1) {
      level += 1;
      nodes = this.#level(level, nodes);
    }
    this.#nodes.flush();
    const [top] = nodes;
    assert(top !== undefined, "an image without pages");
    const manifest = this.#manifest;
    this.#children = [];
    this.#manifest = new RememberedManifest(this.#blocksPerPage);
    return { manifest, root: { nodeId: top.nodeId, hash: top.hash, level } };
  }

  #level(level: number, children: readonly ChildEntry[]): ChildEntry[] {
    const nodes: ChildEntry[] = [];
    for (let first = 0; first < children.length; first += INNER_CHILDREN) {
      const group = children.slice(first, first + INNER_CHILDREN);
      const contentHash = contentHashOf(level, Buffer.concat(group.map((child) => child.contentHash)));
      nodes.push(this.#node(encodeInner(level, group), contentHash));
    }
    return nodes;
  }

  #node(bytes: Uint8Array, contentHash: Uint8Array): ChildEntry {
    const hash = nodeHashOf(bytes, null); // It only has to tell nodes apart.
    const key = Buffer.from(hash.buffer, hash.byteOffset, PAGE_HASH_BYTES).toString("latin1");
    let nodeId = this.#known.get(key);
    if (nodeId === undefined) {
      const stored = new Uint8Array(4 + bytes.length);
      new DataView(stored.buffer).setUint32(0, bytes.length, true);
      stored.set(bytes, 4);
      nodeId = this.#nodes.add(stored, false);
      this.#known.set(key, nodeId);
    }
    return { nodeId, hash, contentHash };
  }
}
