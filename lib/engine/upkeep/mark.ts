// Mark walks manifests and notes every node and block they need. What two snapshots share is walked once, so it costs as
// much as there are distinct nodes. One bit a block: 32 MB for a terabyte.
import { CodedError } from "#lib/model/errors.ts";
import { PAGE_BYTES } from "#lib/page/page.ts";
import type { Pace } from "../foreground.ts";
import type { PageEntry } from "../format/node-format.ts";
import type { StoredSnapshot } from "../format/snapshot-format.ts";
import type { RepositoryState } from "../repository-state.ts";
import { NodeCache } from "../restore/node-cache.ts";
import type { BlockStore } from "../store/block-store.ts";

interface NodeToWalk {
  readonly nodeId: number;
  readonly hash: Uint8Array;
  readonly level: number;
}

/** Which blocks of one kind are needed, by pack. */
export class LiveBlocks {
  readonly #store: BlockStore;
  /** By pack index: a bit for each place of the pack's digest column. */
  readonly #bits = new Map<number, Uint8Array>();
  readonly #counts = new Map<number, number>();

  constructor(store: BlockStore) {
    this.#store = store;
  }

  countIn(packIndex: number): number {
    return this.#counts.get(packIndex) ?? 0;
  }

  has(id: number): boolean {
    const row = this.#store.segments.rowOf(id);
    if (row < 0) return false;
    return this.isLive(this.#store.segments.packOf(row), this.#store.segments.digestPosition(row, id));
  }

  /** The block at this place of the pack's digest column. */
  isLive(packIndex: number, position: number): boolean {
    const bits = this.#bits.get(packIndex);
    return bits !== undefined && ((bits[position >> 3] ?? 0) & (1 << (position & 7))) !== 0;
  }

  /** Notes `count` blocks from `firstId` on. Those in no readable pack are passed over: they cannot be removed either. */
  mark(firstId: number, count: number): void {
    for (let id = firstId; id < firstId + count; ) {
      const row = this.#store.segments.rowOf(id);
      if (row < 0) {
        id += 1;
        continue;
      }
      const place = this.#store.segments.place(row);
      const end = Math.min(firstId + count, this.#store.segments.endOfRow(id));
      this.#set(place.packIndex, place.digestStart + id - place.firstId, end - id);
      id = end;
    }
  }

  #set(packIndex: number, first: number, count: number): void {
    const bits = this.#bitsOf(packIndex, first + count);
    let added = 0;
    for (let at = first; at < first + count; at++) {
      const mask = 1 << (at & 7);
      if (((bits[at >> 3] as number) & mask) !== 0) continue;
      bits[at >> 3] = (bits[at >> 3] as number) | mask;
      added += 1;
    }
    this.#counts.set(packIndex, this.countIn(packIndex) + added);
  }

  #bitsOf(packIndex: number, bitCount: number): Uint8Array {
    const known = this.#bits.get(packIndex) ?? new Uint8Array(0);
    if (known.length * 8 >= bitCount) return known;
    const larger = new Uint8Array(Math.max(2 * known.length, Math.ceil(bitCount / 8)));
    larger.set(known);
    this.#bits.set(packIndex, larger);
    return larger;
  }
}

export class Marking {
  readonly data: LiveBlocks;
  readonly nodes: LiveBlocks;
  readonly #nodeCache: NodeCache;
  readonly #walked = new Set<StoredSnapshot>();
  readonly #check: () => void;
  readonly #pace: Pace;

  /** `check` is called often and may throw to stop the walk. */
  constructor(state: RepositoryState, check: () => void) {
    this.data = new LiveBlocks(state.data);
    this.nodes = new LiveBlocks(state.nodes);
    // Its own: a walk over everything must not drive out what restores are reading.
    this.#nodeCache = new NodeCache(state.nodes, PAGE_BYTES / state.info.blockSize);
    this.#check = check;
    this.#pace = state.foreground.pace(check);
  }

  get snapshotCount(): number {
    return this.#walked.size;
  }

  has(snapshot: StoredSnapshot): boolean {
    return this.#walked.has(snapshot);
  }

  async walk(snapshot: StoredSnapshot): Promise<void> {
    for (const root of snapshot.roots) {
      try {
        await this.#walkFrom(root);
      } catch (error) {
        throw unmarkable(snapshot.record.id, error);
      }
    }
    this.#walked.add(snapshot);
  }

  async #walkFrom(root: NodeToWalk): Promise<void> {
    const left = [root];
    for (let node = left.pop(); node !== undefined; node = left.pop()) {
      this.#check();
      await this.#pace.turn();
      if (this.nodes.has(node.nodeId)) continue;
      if (node.level === 0) for (const page of await this.#nodeCache.leaf(node)) this.#markPage(page);
      else {
        const level = node.level - 1;
        const children = await this.#nodeCache.inner(node);
        left.push(...children.map(({ nodeId, hash }) => ({ nodeId, hash, level })).reverse());
      }
      this.nodes.mark(node.nodeId, 1);
    }
  }

  #markPage(page: PageEntry): void {
    if (page.fillByte !== null) return;
    for (let at = 0; at < page.runs.length; at += 2) {
      const start = page.runs[at] as number;
      if (start >= 0) this.data.mark(start, page.runs[at + 1] as number);
    }
  }
}

/** A manifest that cannot be read may need anything: nothing may be removed before it is healed or pruned. */
function unmarkable(snapshotId: string, cause: unknown): unknown {
  if (!(cause instanceof CodedError) || cause.code === "job-cancelled") return cause;
  return new CodedError(
    cause.code,
    `Nothing was freed: what snapshot ${snapshotId} needs cannot be told. ${cause.message}`,
    {
      hint: "Put the damaged file back from a copy of the repository, or prune the snapshots that need it.",
      retry: cause.retry,
      facts: cause.facts,
      cause,
    },
  );
}
