// NodeCache reads manifest nodes by their numbers, checks each against the hash its parent promised, and keeps the
// last few decoded node segments, since neighbours in a tree are neighbours in a segment.
import { CodedError } from "#lib/model/errors.ts";
import { sameHash } from "#lib/page/page.ts";
import { ByteReader, ensure, FormatError } from "../format/bytes.ts";
import {
  type ChildEntry,
  decodeInner,
  decodeLeaf,
  NODE_BYTES_MAX,
  nodeHashOf,
  type PageEntry,
} from "../format/node-format.ts";
import type { ManifestRoot } from "../format/snapshot-format.ts";
import type { BlockStore } from "../store/block-store.ts";
import { corruptPack } from "../store/pack-reader.ts";

const SEGMENTS_KEPT = 32;

export class NodeCache {
  readonly #store: BlockStore;
  readonly #blocksPerPage: number;
  /** By first id; insertion order is age. */
  readonly #segments = new Map<number, Promise<Uint8Array[]>>();

  constructor(store: BlockStore, blocksPerPage: number) {
    this.#store = store;
    this.#blocksPerPage = blocksPerPage;
  }

  async inner(root: ManifestRoot): Promise<ChildEntry[]> {
    return this.#decoded(root, (bytes) => decodeInner(bytes, root.level));
  }

  async leaf(child: { readonly nodeId: number; readonly hash: Uint8Array }): Promise<PageEntry[]> {
    return this.#decoded(child, (bytes) => decodeLeaf(bytes, this.#blocksPerPage));
  }

  async #decoded<Value>(
    node: { readonly nodeId: number; readonly hash: Uint8Array },
    decode: (bytes: Uint8Array) => Value,
  ): Promise<Value> {
    const place = this.#store.placeOf(node.nodeId);
    const name = this.#store.packs.nameOf(place.packIndex);
    try {
      const bytes = (await this.#segment(node.nodeId))[node.nodeId - place.firstId];
      ensure(bytes !== undefined, `manifest node ${node.nodeId} is not where it should be`);
      ensure(
        sameHash(nodeHashOf(bytes, this.#store.identity.keys), node.hash),
        `manifest node ${node.nodeId} has another hash than expected`,
      );
      return decode(bytes);
    } catch (error) {
      if (error instanceof FormatError) throw corruptPack(name, error);
      throw error;
    }
  }

  #segment(nodeId: number): Promise<Uint8Array[]> {
    const place = this.#store.placeOf(nodeId);
    const known = this.#segments.get(place.firstId);
    if (known !== undefined) return known;
    const reading = this.#store.readSegment(place).then((raw) => splitNodes(raw, place.count));
    this.#segments.set(place.firstId, reading);
    reading.catch(() => this.#segments.delete(place.firstId)); // The caller gets the error; the next one tries again.
    for (const oldest of this.#segments.keys()) {
      if (this.#segments.size <= SEGMENTS_KEPT) break;
      this.#segments.delete(oldest);
    }
    return reading;
  }
}

/** A decoded node segment as its nodes. FormatError unless it is exactly `count` of them. */
export function splitNodes(raw: Uint8Array, count: number): Uint8Array[] {
  const from = new ByteReader(raw);
  const nodes: Uint8Array[] = [];
  for (let index = 0; index < count; index++) {
    const length = from.u32();
    ensure(length <= NODE_BYTES_MAX, `a manifest node of ${length} bytes`);
    nodes.push(from.bytes(length));
  }
  from.end();
  return nodes;
}

/** Names snapshot and partition in an error met while reading it. */
export function unreadableImage(what: string, cause: unknown): unknown {
  if (!(cause instanceof CodedError)) return cause;
  return new CodedError(cause.code, `${what} cannot be read whole: ${cause.message}`, {
    hint: cause.hint ?? undefined,
    retry: cause.retry,
    facts: cause.facts,
    cause,
  });
}
