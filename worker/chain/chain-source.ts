// The gateway's end of a chain: it has every page, and reads those that are asked for in groups, since a segment of the
// repository holds many.
import type { Duplex } from "node:stream";
import { ChainNode } from "#lib/chain/chain-node.ts";
import { ChainConnection } from "#lib/chain/connection.ts";
import type { ChainLimits } from "#lib/chain/feeder.ts";
import { chainTag, type PageSpace, type SpaceImage } from "#lib/chain/page-space.ts";
import { type ConnectionId, PING_MS } from "#lib/chain/uplink.ts";
import type { ImageReader, PageRecord, Repository } from "#lib/engine/repository.ts";
import type { SnapshotRecord } from "#lib/model/snapshot.ts";
import { encodeFill, encodePage } from "#lib/protocol/frames.ts";
import type { GatewayLog } from "../gateway/gateway-log.ts";
import type { Throttle } from "../gateway/throttle.ts";

const MIB = 1024 * 1024;
const LIMITS: ChainLimits = { forwardBytesMax: 4 * MIB, windowBytes: 4 * MIB, readsMax: 48, writesMax: 0 };

export interface SourceContent {
  readonly chainId: string;
  readonly record: SnapshotRecord;
  readonly space: PageSpace<SpaceImage & { readonly name: string }>;
}

export class ChainSource {
  readonly #repository: Repository;
  readonly #log: GatewayLog;
  readonly #throttle: Throttle;
  readonly #content: SourceContent;
  readonly #node: ChainNode<Buffer>;
  readonly #connections = new Map<ConnectionId, ChainConnection>();
  readonly #readers = new Map<number, Promise<ImageReader>>();
  readonly #timer: NodeJS.Timeout;
  #wanted: number[] = [];
  #isReading = false;
  #nextId = 1;
  /** What ended it: a page that the repository could not give. */
  failure: unknown = null;

  constructor(repository: Repository, log: GatewayLog, throttle: Throttle, content: SourceContent) {
    this.#repository = repository;
    this.#log = log;
    this.#throttle = throttle;
    this.#content = content;
    this.#node = new ChainNode<Buffer>({
      pageCount: content.space.pageCount,
      limits: LIMITS,
      isSource: true,
      ports: {
        dial: () => {
          throw new Error("The source asks nobody.");
        },
        close: (id) => {
          this.#connections.get(id)?.close();
          this.#connections.delete(id);
        },
        ping: () => undefined,
        status: (id, starved) => this.#connections.get(id)?.send({ kind: "status", starved }),
        welcome: (id) => this.#connections.get(id)?.send({ kind: "welcome" }),
        refuse: (id, refusal) => this.#connections.get(id)?.send({ kind: "refuse", refusal }),
        demand: () => undefined,
        page: (id, _page, frame) => this.#connections.get(id)?.send({ kind: "page", frame }),
        write: () => undefined,
        read: (page) => this.#want(page),
        sizeOf: (frame) => frame.length,
      },
    });
    this.#timer = setInterval(() => this.#node.tick(performance.now()), PING_MS / 2);
    this.#timer.unref();
  }

  /** By neighbour: pages that wait for its line. */
  backlogs(): Record<string, number> {
    return this.#node.backlogs();
  }

  accept(nodeId: string, socket: Duplex): void {
    const id = this.#nextId;
    this.#nextId += 1;
    const connection = new ChainConnection(socket, {
      message: (message) => {
        const now = performance.now();
        // Its key says who it is, whatever it says itself.
        if (message.kind === "hello") this.#node.childCame(id, { ...message, nodeId }, now);
        else if (message.kind === "demand") this.#node.demanded(id, message.ranges, now);
        else this.#node.heard(id, now);
      },
      closed: () => {
        this.#connections.delete(id);
        this.#node.closed(id, performance.now());
      },
      taken: (size) => this.#node.taken(id, size),
    });
    this.#connections.set(id, connection);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#node.leave();
    for (const connection of this.#connections.values()) connection.close();
    this.#connections.clear();
    for (const reader of this.#readers.values()) {
      void reader.then(
        (opened) => opened.close(),
        () => undefined,
      );
    }
    this.#readers.clear();
  }

  #want(page: number): void {
    this.#wanted.push(page);
    if (this.#isReading) return;
    this.#isReading = true;
    // What is asked for in the same turn is read together.
    setImmediate(() => void this.#readAll());
  }

  async #readAll(): Promise<void> {
    try {
      while (this.#wanted.length > 0 && this.failure === null) {
        const pages = this.#wanted.splice(0);
        const byImage = Map.groupBy(pages, (page) => this.#content.space.placeOf(page).position);
        for (const [position, mine] of byImage) await this.#readOf(position, mine);
      }
    } catch (thrown) {
      this.failure = thrown;
      this.#log.error("A chain's pages cannot be read.", {
        snapshot: this.#content.record.id,
        error: String(thrown),
      });
      this.#node.leave();
    } finally {
      this.#isReading = false;
    }
  }

  async #readOf(position: number, pages: readonly number[]): Promise<void> {
    const { space } = this.#content;
    const reader = await this.#readerOf(position);
    const indexes = pages.map((page) => space.placeOf(page).pageIndex).sort((left, right) => left - right);
    const stored: number[] = [];
    for (const index of indexes) {
      const [record] = await reader.pageRecords(index, 1);
      if (record === undefined) throw new Error(`The image has no page ${index}.`);
      if (record.fillByte === null) stored.push(index);
      else await this.#done(position, record, encodeFill(this.#headerOf(position, record), record.fillByte));
    }
    if (stored.length === 0) return;
    await reader.readPages(stored, async (record, bytes) =>
      this.#done(position, record, await encodePage(this.#headerOf(position, record), bytes)),
    );
  }

  async #done(position: number, { index }: PageRecord, frame: Buffer): Promise<void> {
    await this.#throttle.take(frame.length);
    this.#node.readDone(this.#content.space.pageAt(position, index), frame);
  }

  #headerOf(position: number, { index, lengthBytes, contentHash }: PageRecord) {
    const imageTag = chainTag(this.#content.chainId, position);
    return { imageTag, pageIndex: index, lengthBytes, contentHash };
  }

  #readerOf(position: number): Promise<ImageReader> {
    const known = this.#readers.get(position);
    if (known !== undefined) return known;
    const name = this.#content.space.images[position]?.name ?? "";
    const reader = this.#repository.openImage(this.#content.record.id, name);
    this.#readers.set(position, reader);
    return reader;
  }
}
