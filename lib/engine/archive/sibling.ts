// The sibling of an image that has no parent: another PC's image of the same partition that most of its pages equal.
// PCs are cloned from one master, so the first archive of a clone has one nearly always. Pages read here that equal the
// sibling's at the same place are taken over like a parent's, and changed ones are patched against it.
//
// It is found by its pages alone, while the first of them are taken in. An agent is never spared a page for it: knowing
// a hash opens only a node's own past (AR-1).
import { CodedError } from "#lib/model/errors.ts";
import { PAGE_BYTES, sameHash } from "#lib/page/page.ts";
import type { PageEntry } from "../format/node-format.ts";
import type { RepositoryState } from "../repository-state.ts";
import { hashOfEntry, type ImageTree } from "../restore/image-tree.ts";
import type { ParentImage } from "./image-context.ts";
import type { StoredImage } from "./technique.ts";

const CANDIDATES_MAX = 8;
/** Pages looked at before the best candidate is taken, and before the search is given up. */
const PAGES_TO_DECIDE = 16;
const PAGES_MAX = 256;
const HITS_MIN = 4;

interface Candidate {
  readonly image: StoredImage;
  readonly tree: ImageTree;
  hits: number;
  isHeld: boolean;
}

/** The session: what it refers to must stay as long as it is open. */
export interface SiblingHolder {
  /** Holds the image's snapshot from this turn on; false when it was pruned meanwhile: what it needs may be freed already. */
  hold(image: StoredImage): boolean;
  /** Null when it cannot be read. */
  open(image: StoredImage): Promise<ParentImage | null>;
}

/** Newest images of other nodes with the same partition and size, and different contents. */
export function siblingCandidates(
  state: RepositoryState,
  node: string,
  partition: string,
  sizeBytes: number,
): StoredImage[] {
  const found: StoredImage[] = [];
  const nodesSeen = new Set([node]);
  const rootsSeen = new Set<string>();
  for (let at = state.stored.length - 1; at >= 0 && found.length < CANDIDATES_MAX; at--) {
    const snapshot = state.stored[at];
    if (snapshot === undefined || nodesSeen.has(snapshot.record.node)) continue;
    const index = snapshot.record.images.findIndex((image) => image.partition === partition);
    const image = snapshot.record.images[index];
    if (image === undefined) continue;
    nodesSeen.add(snapshot.record.node);
    const fits = image.sizeBytes === sizeBytes && image.technique === "repository";
    if (!fits || rootsSeen.has(image.contentRoot)) continue;
    rootsSeen.add(image.contentRoot);
    found.push({ snapshot, index });
  }
  return found;
}

export class SiblingSearch {
  #candidates: Candidate[];
  #pagesSeen = 0;
  readonly #holder: SiblingHolder;

  constructor(state: RepositoryState, images: readonly StoredImage[], holder: SiblingHolder) {
    this.#holder = holder;
    this.#candidates = images.map((image) => ({
      image,
      tree: state.treeOf(image.snapshot, image.index),
      hits: 0,
      isHeld: false,
    }));
  }

  /** Takes note of a page that is not fill. Answers the sibling once it is clear which it is; then the search is over. */
  async note(pageIndex: number, hash: Uint8Array): Promise<ParentImage | null> {
    if (this.#candidates.length === 0) return null;
    this.#pagesSeen += 1;
    for (const candidate of [...this.#candidates]) {
      if (await this.#hasPage(candidate, pageIndex, hash)) candidate.hits += 1;
    }
    const best = this.#best();
    const isDecided = this.#pagesSeen >= PAGES_TO_DECIDE && best !== null && best.hits >= HITS_MIN;
    if (!isDecided && this.#pagesSeen < PAGES_MAX) return null;
    this.#candidates = [];
    return isDecided && this.#isHeld(best) ? this.#holder.open(best.image) : null;
  }

  /** What the most likely image has at this place. A file system begins with its tables, which differ on every page a little:
   *  they are patched against it before it is clear that it is the sibling. */
  async pageBefore(pageIndex: number): Promise<PageEntry | null> {
    const best = this.#best();
    if (best === null || !this.#isHeld(best)) return null;
    try {
      return await best.tree.page(pageIndex);
    } catch (error) {
      if (error instanceof CodedError) return null;
      throw error;
    }
  }

  #best(): Candidate | null {
    let best: Candidate | null = null;
    for (const each of this.#candidates) if (best === null || each.hits > best.hits) best = each;
    return best;
  }

  #isHeld(candidate: Candidate): boolean {
    candidate.isHeld ||= this.#holder.hold(candidate.image);
    return candidate.isHeld;
  }

  /** Reads one leaf for 64 neighbouring pages; a candidate that cannot be read is none. */
  async #hasPage(candidate: Candidate, pageIndex: number, hash: Uint8Array): Promise<boolean> {
    try {
      const entry = await candidate.tree.page(pageIndex);
      return entry !== null && sameHash(hashOfEntry(entry, PAGE_BYTES), hash);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.#candidates = this.#candidates.filter((each) => each !== candidate);
      return false;
    }
  }
}
