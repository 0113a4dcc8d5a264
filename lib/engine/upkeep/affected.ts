// Which pages of which images lie, in whole or in part, in given packs: what a damaged pack costs, and whom.
import { CodedError } from "#lib/model/errors.ts";
import { LEAF_PAGES } from "#lib/page/content-root.ts";
import { PAGE_BYTES } from "#lib/page/page.ts";
import type { PageEntry } from "../format/node-format.ts";
import type { RepositoryState } from "../repository-state.ts";
import { ImageTree } from "../restore/image-tree.ts";
import { NodeCache } from "../restore/node-cache.ts";
import type { BlockStore } from "../store/block-store.ts";
import type { AffectedImage } from "../types.ts";

/** Enough to look at by hand; the count says how many there are. */
const PAGES_NAMED_MAX = 16;

type Hits = Map<string, { pageCount: number; readonly firstPages: number[] }>;

/** By pack. Walks every manifest. */
export async function affectedBy(
  state: RepositoryState,
  packs: ReadonlySet<string>,
  check: () => void,
): Promise<ReadonlyMap<string, readonly AffectedImage[]>> {
  const found = new Map<string, AffectedImage[]>();
  const nodes = new NodeCache(state.nodes, PAGE_BYTES / state.info.blockSize);
  for (const snapshot of [...state.stored]) {
    const release = state.holds.take(snapshot);
    try {
      for (const [index, image] of snapshot.record.images.entries()) {
        const root = snapshot.roots[index];
        if (root === undefined) continue;
        const tree = new ImageTree(nodes, root, image.sizeBytes, `${snapshot.record.id}, ${image.partition}`);
        for (const [pack, hit] of await hitsIn(state, tree, packs, check)) {
          const list = found.get(pack) ?? [];
          list.push({ snapshotId: snapshot.record.id, partition: image.partition, ...hit });
          found.set(pack, list);
        }
      }
    } finally {
      release();
    }
  }
  return found;
}

async function hitsIn(
  state: RepositoryState,
  tree: ImageTree,
  packs: ReadonlySet<string>,
  check: () => void,
): Promise<Hits> {
  const hits: Hits = new Map();
  const note = (pack: string, page: number) => {
    const hit = hits.get(pack) ?? { pageCount: 0, firstPages: [] };
    hit.pageCount += 1;
    if (hit.firstPages.length < PAGES_NAMED_MAX) hit.firstPages.push(page);
    hits.set(pack, hit);
  };
  for (let leafIndex = 0; leafIndex < tree.leafCount; leafIndex++) {
    check();
    const firstPage = leafIndex * LEAF_PAGES;
    const leaf = await leafOrPack(tree, leafIndex);
    if (typeof leaf === "string") {
      // The manifest itself cannot be read: none of the leaf's pages can.
      const count = Math.min(LEAF_PAGES, tree.pageCount - firstPage);
      if (packs.has(leaf)) for (let page = firstPage; page < firstPage + count; page++) note(leaf, page);
      continue;
    }
    for (const [within, page] of leaf.entries()) {
      for (const pack of packsOf(state.data, page)) if (packs.has(pack)) note(pack, firstPage + within);
    }
  }
  return hits;
}

/** The leaf, or the pack that keeps it from being read. */
async function leafOrPack(tree: ImageTree, leafIndex: number): Promise<PageEntry[] | string> {
  try {
    return await tree.leaf(leafIndex);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return typeof error.facts.file === "string" ? error.facts.file : "";
  }
}

function packsOf(store: BlockStore, page: PageEntry): ReadonlySet<string> {
  const names = new Set<string>();
  if (page.fillByte !== null) return names;
  for (let at = 0; at < page.runs.length; at += 2) {
    const start = page.runs[at] as number;
    const end = start + (page.runs[at + 1] as number);
    for (let id = start; start >= 0 && id < end; id = store.segments.endOfRow(id)) {
      const row = store.segments.rowOf(id);
      const name = row < 0 ? store.packs.expectedPackOf(id) : store.packs.nameOf(store.segments.packOf(row));
      if (name !== null) names.add(name);
    }
  }
  return names;
}
