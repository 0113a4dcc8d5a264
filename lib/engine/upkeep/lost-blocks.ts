// Which blocks snapshots need that lie in packs known to be bad, or gone; and where pages with the same content are.
//
// A page's hash proves all its blocks. So whoever archives a PC again after a pack went bad has stored, under new ids, what the
// old ids stood for: a page of the same hash gives every block the broken one had.
import { CodedError } from "#lib/model/errors.ts";
import { LEAF_PAGES } from "#lib/page/content-root.ts";
import { PAGE_BYTES, pageLength } from "#lib/page/page.ts";
import { idsOfRuns } from "../archive/page-blocks.ts";
import { hexOf } from "../format/bytes.ts";
import type { PageEntry, RunsPage } from "../format/node-format.ts";
import { readPatch } from "../format/patch-format.ts";
import type { StoredSnapshot } from "../format/snapshot-format.ts";
import type { RepositoryState } from "../repository-state.ts";
import { ImageTree } from "../restore/image-tree.ts";
import { NodeCache } from "../restore/node-cache.ts";

/** A page of a snapshot all of whose blocks lie in good packs. */
export interface DonorPage {
  readonly snapshot: StoredSnapshot;
  readonly imageIndex: number;
  readonly pageIndex: number;
}

export interface LostBlock {
  readonly id: number;
  readonly lengthBytes: number;
  /** A page that has the block `at` bytes from its start, if there is one. */
  donor: { readonly page: DonorPage; readonly at: number } | null;
}

export interface LostBlocks {
  /** In ascending order of their ids. */
  readonly blocks: readonly LostBlock[];
  /** Some manifest could not be read whole: what its pages need is not known. */
  readonly isIncomplete: boolean;
}

interface BrokenPage {
  readonly entry: RunsPage;
  readonly lengthBytes: number;
}

export async function findLostBlocks(state: RepositoryState, check: () => void): Promise<LostBlocks> {
  const { blockSize } = state.info;
  const lost = new Map<number, LostBlock>();
  const broken = new Map<string, BrokenPage[]>();
  const isBroken = (entry: RunsPage) => idsIn(entry).some((id) => id >= 0 && state.data.isDistrusted(id));
  const isComplete = await walkPages(state, check, ({ entry, lengthBytes }) => {
    if (entry.fillByte !== null || !isBroken(entry)) return;
    for (const [index, id] of idsIn(entry).entries()) {
      if (id < 0 || lost.has(id) || !state.data.isDistrusted(id)) continue;
      const length = Math.min(blockSize, lengthBytes - index * blockSize);
      lost.set(id, { id, lengthBytes: length, donor: null });
    }
    const hash = hexOf(entry.hash);
    broken.set(hash, [...(broken.get(hash) ?? []), { entry, lengthBytes }]);
  });
  if (broken.size > 0) {
    await walkPages(state, check, ({ entry, donor }) => {
      if (entry.fillByte !== null || broken.size === 0) return;
      const hash = hexOf(entry.hash);
      const pages = broken.get(hash);
      if (pages === undefined || isBroken(entry)) return;
      for (const page of pages) giveDonor(page, donor, lost, blockSize);
      broken.delete(hash);
    });
  }
  return { blocks: [...lost.values()].sort((a, b) => a.id - b.id), isIncomplete: !isComplete };
}

function giveDonor(
  { entry, lengthBytes }: BrokenPage,
  page: DonorPage,
  lost: ReadonlyMap<number, LostBlock>,
  blockSize: number,
): void {
  const patched = patchedBytes(entry, lengthBytes);
  for (const [index, id] of idsIn(entry).entries()) {
    const block = lost.get(id);
    const at = index * blockSize;
    // Where a patch lies, the page does not show what the block was.
    if (block !== undefined && !patched.subarray(at, at + blockSize).includes(1))
      block.donor ??= { page, at };
  }
}

/** 1 for each byte of the page that its patch overwrites. */
function patchedBytes({ patch }: RunsPage, lengthBytes: number): Uint8Array {
  const marks = new Uint8Array(lengthBytes);
  if (patch === undefined) return marks;
  const zeros = new Uint8Array(lengthBytes);
  const ones = new Uint8Array(lengthBytes).fill(0xff);
  readPatch(patch, lengthBytes, zeros);
  readPatch(patch, lengthBytes, ones);
  return marks.map((_, at) => (zeros[at] === ones[at] ? 1 : 0));
}

function idsIn({ runs }: RunsPage): readonly number[] {
  return idsOfRuns(runs);
}

interface VisitedPage {
  readonly entry: PageEntry;
  readonly lengthBytes: number;
  readonly donor: DonorPage;
}

/** Every page of every snapshot; of leaves that several share, once. False when some could not be read. */
async function walkPages(
  state: RepositoryState,
  check: () => void,
  visit: (page: VisitedPage) => void,
): Promise<boolean> {
  const nodes = new NodeCache(state.nodes, PAGE_BYTES / state.info.blockSize);
  const pace = state.foreground.pace(check);
  const seen = new Set<number>();
  let isComplete = true;
  // The newest first: what was archived after the damage is most likely to be whole.
  for (const snapshot of [...state.stored].reverse()) {
    const release = state.holds.take(snapshot);
    try {
      for (const [imageIndex, image] of snapshot.record.images.entries()) {
        const root = snapshot.roots[imageIndex];
        if (root === undefined) continue;
        const what = `${snapshot.record.id}, partition ${image.partition}`;
        const tree = new ImageTree(nodes, root, image.sizeBytes, what);
        for (let leafIndex = 0; leafIndex < tree.leafCount; leafIndex++) {
          check();
          await pace.turn();
          const leaf = await unseenLeaf(tree, leafIndex, seen);
          if (leaf === "unreadable") isComplete = false;
          else {
            for (const [within, entry] of leaf.entries()) {
              const pageIndex = leafIndex * LEAF_PAGES + within;
              const lengthBytes = pageLength(image.sizeBytes, pageIndex);
              visit({ entry, lengthBytes, donor: { snapshot, imageIndex, pageIndex } });
            }
          }
        }
      }
    } finally {
      release();
    }
  }
  return isComplete;
}

/** Empty when it was seen. */
async function unseenLeaf(
  tree: ImageTree,
  leafIndex: number,
  seen: Set<number>,
): Promise<PageEntry[] | "unreadable"> {
  try {
    const { nodeId } = await tree.leafChild(leafIndex);
    if (seen.has(nodeId)) return [];
    const pages = await tree.leaf(leafIndex);
    seen.add(nodeId);
    return pages;
  } catch (error) {
    if (error instanceof CodedError && error.code !== "job-cancelled") return "unreadable";
    throw error;
  }
}
