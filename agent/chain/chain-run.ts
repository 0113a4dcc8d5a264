// Takes part in a chain: looks at the disk, takes pages from the neighbour above, writes what is lacking, forwards. What to do
// with whom is decided by lib/chain; here are the sockets, the disk and the clock.

import { totalmem } from "node:os";
import type { Duplex } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { ChainNode } from "#lib/chain/chain-node.ts";
import type { ChainLimits } from "#lib/chain/feeder.ts";
import { AT } from "#lib/chain/holdings.ts";
import { PING_MS } from "#lib/chain/uplink.ts";
import { PAGE_BYTES } from "#lib/page/page.ts";
import type {
  ChainOffer,
  ChainReportRequest,
  ChainReportResponse,
  ChainTraffic,
} from "#lib/protocol/control.ts";
import { forEachParallel } from "../parallel.ts";
import { Neighbours } from "./neighbours.ts";
import type { ChainPage, Elsewhere, PageStore } from "./page-store.ts";

const REPORT_MS = 500;
/** Without a word of the coordinator for so long, nobody could tell this PC to stop: it stops by itself. */
const OUTAGE_MS_MAX = 60_000;
/** While it waits for its first place. */
const WAITING_REPORT_MS = 100;
const SCANS_IN_FLIGHT = 2;
/** Pages looked at first, spread over the disk: enough to tell a blank PC from one that lacks little. */
const SAMPLE_PAGES = 64;
const MIB = 1024 * 1024;

/** Pages that may wait for a disk that stalls: the more, the fewer have to come twice. Each is kept as it travelled and as it
 *  is, so a sixteenth of the memory is an eighth at worst. */
const WRITES_MAX = Math.max(32, Math.min(512, Math.floor(totalmem() / 16 / PAGE_BYTES)));

const LIMITS: ChainLimits = {
  forwardBytesMax: 32 * MIB,
  windowBytes: 2 * MIB,
  readsMax: 8,
  writesMax: WRITES_MAX,
};

/** The chain cannot go on, through no fault of this PC's disk: the gateway has the rest. */
export class ChainBroken extends Error {}

/** The way to the coordinator and to the source. */
export interface ChainServer {
  /** This PC's address on the way there: its neighbours find it by that. */
  readonly localAddress: string;
  connect(): Promise<Duplex>;
  report(report: ChainReportRequest): Promise<ChainReportResponse>;
}

export interface ChainRunOptions {
  readonly offer: ChainOffer;
  readonly store: PageStore;
  readonly server: ChainServer;
  readonly signal: AbortSignal;
  /** Called with the length of each page that is on the disk now. */
  readonly onPage?: (lengthBytes: number) => void;
  readonly limits?: ChainLimits;
}

export class ChainRun {
  readonly #signal: AbortSignal;
  readonly #server: ChainServer;
  readonly #disk: PageStore;
  readonly #onPage: (lengthBytes: number) => void;
  readonly #node: ChainNode<ChainPage>;
  readonly #neighbours: Neighbours;
  readonly #stop = new AbortController();
  #estimate = Number.NaN;
  #writtenBytes = 0;
  #isScanned = false;
  #isDone = false;
  #isReleased = false;
  #heardAt = performance.now();
  #failure: unknown = null;
  readonly #paused: (() => void)[] = [];
  readonly #onDisk = new Set<Promise<void>>();
  #wake: () => void = () => undefined;

  constructor({ offer, store, server, signal, onPage = () => undefined, limits = LIMITS }: ChainRunOptions) {
    this.#signal = signal;
    this.#server = server;
    this.#disk = store;
    this.#onPage = onPage;
    this.#neighbours = new Neighbours({
      offer,
      connect: () => server.connect(),
      open: (frame) => store.open(frame),
      room: () => this.#written(),
      onNews: () => this.#wake(),
    });
    this.#node = new ChainNode<ChainPage>({
      pageCount: store.pageCount,
      limits,
      ports: {
        ...this.#neighbours.ports(),
        write: (page, content) => this.#track(this.#write(page, content)),
        read: (page) => this.#track(this.#read(page)),
      },
      heldPages: store.firstPages,
    });
  }

  get traffic(): ChainTraffic {
    return this.#neighbours.traffic;
  }

  /** Until every page but the first ones is on the disk. Answers those that are still to be written; throws ChainBroken when
   *  the chain cannot go on: the caller then takes the rest from the gateway. */
  async fill(): Promise<ReadonlyMap<number, ChainPage>> {
    const signal = this.#signal;
    await this.#listen();
    this.#tickForEver();
    this.#reportForEver();
    await this.#sample();
    await this.#scan();
    while (this.#node.missing > 0) {
      signal.throwIfAborted();
      if (this.#failure !== null) throw this.#failure;
      await this.#woken();
    }
    return this.#node.heldPages();
  }

  /** The disk is whole and was read back: serves the neighbours until nobody needs it any more. */
  async serve(): Promise<void> {
    this.#isDone = true;
    while (!this.#isReleased && this.#failure === null) {
      this.#signal.throwIfAborted();
      await this.#woken();
    }
  }

  /** Resolves when nothing of it touches the disk any more. */
  async close(): Promise<void> {
    this.#stop.abort();
    for (const resume of this.#paused.splice(0)) resume();
    this.#node.leave();
    this.#neighbours.close();
    await Promise.allSettled(this.#onDisk);
  }

  /** At the address the server is reached from: the neighbours are where that is. */
  async #listen(): Promise<void> {
    try {
      await this.#neighbours.listen(this.#node, this.#server.localAddress);
    } catch (cause) {
      throw new ChainBroken("This PC cannot take connections of its neighbours.", { cause });
    }
  }

  // ---- The disk ----

  async #sample(): Promise<void> {
    const { pageCount } = this.#disk;
    const count = Math.min(SAMPLE_PAGES, pageCount);
    let lacking = 0;
    await forEachParallel(count, SCANS_IN_FLIGHT, async (index) => {
      const page = Math.floor((index * pageCount) / count);
      const { isThere } = await this.#disk.scan(page, 1, false);
      if (isThere[0] !== true) lacking += 1;
    });
    this.#estimate = Math.round((lacking / count) * pageCount) * this.#pageBytes;
  }

  async #scan(): Promise<void> {
    const { batches } = this.#disk;
    await forEachParallel(batches.length, SCANS_IN_FLIGHT, async (index) => {
      const batch = batches[index];
      if (batch === undefined) return;
      this.#signal.throwIfAborted();
      if (this.#failure !== null) throw this.#failure;
      const { isThere, elsewhere } = await this.#disk.scan(batch.first, batch.count, true);
      for (const place of elsewhere) await this.#copy(place, batch);
      for (const [at, there] of isThere.entries()) {
        const page = batch.first + at;
        // What came by meanwhile was counted when it was written.
        if (there && this.#node.placeOf(page) === AT.unknown) this.#advance(page);
      }
      this.#node.scanned(batch.first, isThere);
    });
    this.#isScanned = true;
  }

  /** Before it is asked for, and before where it lies is written over. */
  async #copy({ page, from }: Elsewhere, batch: { first: number; count: number }): Promise<void> {
    const lacks = [AT.unknown, AT.lacking].some((place) => place === this.#node.placeOf(page));
    const isThere =
      this.#node.placeOf(from) === AT.disk || (from >= batch.first && from < batch.first + batch.count);
    if (!lacks || !isThere) return;
    const content = await this.#disk.copyOf(page, from).catch(() => null);
    if (content === null) return;
    this.#neighbours.traffic.copiedBytes += this.#disk.lengthOf(page);
    this.#node.found(page, content);
  }

  async #write(page: number, content: ChainPage): Promise<void> {
    try {
      this.#signal.throwIfAborted();
      this.#stop.signal.throwIfAborted();
      await this.#disk.write(page, content);
      this.#writtenBytes += this.#disk.lengthOf(page);
      this.#advance(page);
      this.#node.written(page);
      for (const resume of this.#paused.splice(0)) resume();
      this.#wake();
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  /** A disk that cannot be read there does not have the page: it is asked for and written again. */
  async #read(page: number): Promise<void> {
    const content = await this.#disk.read(page).catch(() => null);
    this.#node.readDone(page, content);
  }

  /** What was begun ends before the disk is let go. */
  #track(work: Promise<void>): void {
    this.#onDisk.add(work);
    void work.finally(() => this.#onDisk.delete(work));
  }

  #advance(page: number): void {
    this.#onPage(this.#disk.lengthOf(page));
  }

  // ---- The clock and the coordinator ----

  async #tickForEver(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      this.#node.tick(performance.now());
      this.#wake();
      await delay(PING_MS / 4, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  async #reportForEver(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      // The order of the chain depends on who lacks how much.
      if (!Number.isNaN(this.#estimate)) await this.#report();
      const pause = this.#node.order.epoch < 0 ? WAITING_REPORT_MS : REPORT_MS;
      await delay(pause, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  async #report(): Promise<void> {
    const { order, attachedTo } = this.#node;
    const report = {
      port: this.#neighbours.port,
      host: this.#server.localAddress,
      epoch: order.epoch,
      rank: order.rank,
      lackingBytes: this.#isScanned ? this.#node.missing * this.#pageBytes : this.#estimate,
      isScanned: this.#isScanned,
      isDone: this.#isDone,
      attachedTo: attachedTo?.nodeId ?? null,
      childIds: this.#node.childIds,
      backlogs: this.#node.backlogs(),
      receivedBytes: this.traffic.fromGatewayBytes + this.traffic.fromNeighboursBytes,
      sentBytes: this.traffic.sentBytes,
      writtenBytes: this.#writtenBytes,
      isDiskBehind: this.#node.isDiskBehind,
      losses: this.#node.takeLosses(),
    };
    try {
      const { place, failure } = await this.#server.report(report);
      this.#heardAt = performance.now();
      if (failure !== null) this.#fail(new ChainBroken(failure.message));
      if (place !== null) {
        this.#node.setOrder(place, performance.now());
        this.#isReleased ||= place.isReleased && this.#isDone;
      }
    } catch (thrown) {
      // The stream goes on without the coordinator; not for ever, since nobody would tell us to stop.
      if (performance.now() - this.#heardAt > OUTAGE_MS_MAX)
        this.#fail(new ChainBroken("The server is away.", { cause: thrown }));
    }
    this.#wake();
  }

  #fail(thrown: unknown): void {
    if (this.#stop.signal.aborted) return;
    this.#failure ??= thrown;
    this.#wake();
  }

  /** Something has reached the disk. */
  #written(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#paused.push(resolve);
    return promise;
  }

  #woken(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    return promise;
  }

  get #pageBytes(): number {
    return this.#disk.lengthOf(0);
  }
}
