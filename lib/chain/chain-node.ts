// A node of the chain: an agent with a disk to fill, or the gateway, which has every page. It knows, for each page, whether it
// is on the own disk; it asks the neighbour above for what it and those below lack, writes what it lacks itself, and
// forwards. All that is real comes through ports; time is an argument.
import { Asking } from "./asking.ts";
import type { ChainPorts, Refusal } from "./chain-ports.ts";
import { type Child, Children } from "./children.ts";
import type { DemandRange } from "./demand.ts";
import { type ChainLimits, Feeder } from "./feeder.ts";
import { AT, Holdings, type Place } from "./holdings.ts";
import { type ConnectionId, type Loss, type Order, type Peer, PING_MS, Uplink } from "./uplink.ts";

export interface ChainNodeOptions<Bytes> {
  readonly pageCount: number;
  readonly limits: ChainLimits;
  readonly ports: ChainPorts<Bytes>;
  /** Pages written at the very end: kept in memory until `takeHeld`. */
  readonly heldPages?: readonly number[];
  /** The gateway: it has every page and asks nobody. */
  readonly isSource?: boolean;
}

const CHILDREN_MAX = 4;
/** Ranges per message: the receiver bounds what it takes. */
export const RANGES_MAX = 1024;

export class ChainNode<Bytes> {
  readonly #pageCount: number;
  readonly #limits: ChainLimits;
  readonly #ports: ChainPorts<Bytes>;
  readonly #isSource: boolean;
  readonly #uplink: Uplink;
  readonly #children: Children<Bytes>;
  readonly #pages: Holdings<Bytes>;
  readonly #asking: Asking;
  /** Came by and went, wanted here or below: asked for again when there is room. */
  readonly #later = new Set<number>();
  readonly #holds: ReadonlySet<number>;
  readonly #reads = new Map<number, ConnectionId[]>();
  #writesRunning = 0;
  #lastPageAt = 0;
  #isLeaving = false;

  constructor({ pageCount, limits, ports, heldPages = [], isSource = false }: ChainNodeOptions<Bytes>) {
    this.#pageCount = pageCount;
    this.#limits = limits;
    this.#ports = ports;
    this.#isSource = isSource;
    this.#holds = new Set(heldPages);
    this.#pages = new Holdings(pageCount, isSource);
    this.#asking = new Asking(pageCount);
    this.#children = new Children(ports, () => this.#asking.allChanged());
    this.#uplink = new Uplink(ports);
  }

  /** Pages that are neither on the disk nor held for the end. 0: this node has what it came for. */
  get missing(): number {
    return this.#pages.missing;
  }

  get order(): Order {
    return this.#uplink.order;
  }

  get attachedTo(): Peer | null {
    return this.#uplink.attachedTo;
  }

  get childIds(): string[] {
    return this.#children.ids;
  }

  /** By neighbour below: pages it lacks that could be sent to it at once. */
  backlogs(): Record<string, number> {
    return this.#children.backlogs();
  }

  /** The disk is behind and nobody waits below: better to leave pages to the network than to have them sent twice. */
  get shouldPause(): boolean {
    return this.#children.count === 0 && this.#writesRunning >= this.#limits.writesMax;
  }

  /** Pages wait for the disk, or went by because they could not. */
  get isDiskBehind(): boolean {
    return this.#writesRunning >= this.#limits.writesMax || this.#later.size > 0;
  }

  get laterCount(): number {
    return this.#later.size;
  }

  get writesRunning(): number {
    return this.#writesRunning;
  }

  takeLosses(): Loss[] {
    return this.#uplink.takeLosses();
  }

  /** The pages to write at the end, once nothing else is missing. */
  heldPages(): ReadonlyMap<number, Bytes> {
    return this.#pages.held;
  }

  placeOf(page: number): Place {
    return this.#pages.placeOf(page);
  }

  // ---- From the coordinator ----

  setOrder(order: Order, now: number): void {
    if (!this.#uplink.setOrder(order, now)) return;
    this.#children.dropWhere(({ rank }) => rank <= order.rank);
    this.#say();
  }

  /** It is done and released, or has failed: nobody is to depend on it any more. */
  leave(): void {
    this.#isLeaving = true;
    this.#children.dropWhere(() => true);
    this.#uplink.close();
  }

  // ---- From the own disk ----

  /** What the scan found: `isThere` of each page from `first` on. What has come meanwhile knows better. */
  scanned(first: number, isThere: readonly boolean[]): void {
    for (const [index, there] of isThere.entries()) {
      const page = first + index;
      if (this.placeOf(page) === AT.unknown) this.#move(page, there ? AT.disk : AT.lacking);
    }
    this.#pumpAll();
    this.#say();
  }

  /** A page that this node found by itself: zeros, or content that lies elsewhere on the same disk. */
  found(page: number, bytes: Bytes): void {
    this.#arrived(page, bytes);
    this.#say();
  }

  written(page: number): void {
    this.#writesRunning -= 1;
    if (this.placeOf(page) === AT.writing) this.#move(page, AT.disk);
    this.#askLaterOnes();
    this.#pumpAll();
    this.#say();
  }

  /** Reading everything back found these wrong. */
  turnedBad(pages: readonly number[]): void {
    for (const page of pages) {
      this.#move(page, AT.lacking);
    }
    this.#say();
  }

  /** Null: the disk could not be read there, or did not hold what it should. */
  readDone(page: number, bytes: Bytes | null): void {
    const asking = this.#reads.get(page) ?? [];
    this.#reads.delete(page);
    if (bytes === null && !this.#isSource && this.placeOf(page) === AT.disk) this.#move(page, AT.lacking);
    for (const connection of asking) {
      const child = this.#children.get(connection);
      if (child === undefined) continue;
      if (bytes === null) this.#lacks(child, page, 1, true);
      else {
        child.feeder.sent(this.#ports.sizeOf(bytes));
        this.#send(connection, child, page, bytes);
      }
    }
    this.#pumpAll();
    this.#say();
  }

  // ---- From the neighbour above ----

  welcomed(connection: ConnectionId, now: number): void {
    if (!this.#uplink.welcomed(connection, now)) return;
    this.#lastPageAt = now;
    this.#askAnew();
  }

  refused(connection: ConnectionId, now: number): void {
    this.#ports.close(connection);
    if (this.#uplink.closed(connection, "refused", now)) this.#askAnew();
  }

  /** A page whose hash was checked. */
  pageCame(connection: ConnectionId, page: number, bytes: Bytes, now: number): void {
    this.#uplink.heard(connection, now);
    if (!this.#uplink.isCurrent(connection)) return;
    this.#lastPageAt = now;
    this.#asking.came(page);
    this.#arrived(page, bytes);
    this.#say();
  }

  /** A page whose hash was wrong: memory or network of the neighbour above. It is asked for again, of another neighbour. */
  badPage(connection: ConnectionId, now: number): void {
    if (!this.#uplink.isCurrent(connection)) return;
    this.#uplink.leave("bad-pages", now);
    this.#askAnew();
  }

  // ---- From the neighbours below ----

  /** A neighbour dialled and proved itself. */
  childCame(connection: ConnectionId, child: { nodeId: string; rank: number }, now: number): void {
    // One that dials again has lost its old connection, whatever this side believes.
    this.#children.dropWhere(({ nodeId }) => nodeId === child.nodeId);
    const refusal = this.#refusalOf(child.rank);
    if (refusal !== null) {
      this.#ports.refuse(connection, refusal);
      return;
    }
    const feeder = new Feeder<Bytes>(this.#pageCount, (page) => this.#pages.canServe(page), this.#limits);
    this.#children.add(connection, { ...child, feeder, heardAt: now, saidAt: now });
    this.#ports.welcome(connection);
  }

  demanded(connection: ConnectionId, ranges: readonly DemandRange[], now: number): void {
    const child = this.#children.get(connection);
    if (child === undefined) return;
    child.heardAt = now;
    // Stretches do not overlap: more pages than there are is no wish but an attack on this PC's time.
    if (ranges.reduce((sum, { count }) => sum + count, 0) > this.#pageCount) {
      this.#children.drop(connection);
      return;
    }
    for (const { first, count, depth, again } of ranges) {
      const end = Math.min(first + count, this.#pageCount);
      for (let page = first; page < end; page += 1) this.#lacks(child, page, depth, again);
    }
    this.#pump(connection, child);
    this.#say();
  }

  // ---- From both ----

  heard(connection: ConnectionId, now: number): void {
    this.#uplink.heard(connection, now);
    const child = this.#children.get(connection);
    if (child !== undefined) child.heardAt = now;
  }

  /** The network took that much of what was handed to the connection. */
  taken(connection: ConnectionId, size: number): void {
    const child = this.#children.get(connection);
    if (child === undefined) return;
    child.feeder.taken(size);
    this.#pump(connection, child);
    this.#askLaterOnes();
    this.#say();
  }

  closed(connection: ConnectionId, now: number): void {
    this.#children.closed(connection);
    if (this.#uplink.closed(connection, "closed", now)) this.#askAnew();
    this.#say();
  }

  /** Several times per PING_MS. */
  tick(now: number): void {
    if (this.#uplink.tick(now)) this.#askAnew();
    this.#children.tick(now, !this.#isSource && now - this.#lastPageAt > PING_MS);
    this.#askLaterOnes();
    this.#say();
  }

  // ---- Inside ----

  #refusalOf(rank: number): Refusal | null {
    if (this.#isLeaving) return "leaving";
    if (rank <= this.#uplink.order.rank) return "order";
    // Children of an old order that have not noticed yet must not keep the right one out for long: they are few.
    return this.#children.count >= CHILDREN_MAX && !this.#isSource ? "full" : null;
  }

  #arrived(page: number, bytes: Bytes): void {
    const size = this.#ports.sizeOf(bytes);
    let leftOver = false;
    for (const [connection, child] of this.#children.all()) {
      if (!child.feeder.offer(page, bytes, size)) leftOver = true;
      this.#pump(connection, child);
    }
    if (this.#takesMyself(page, bytes)) leftOver = false;
    else if (this.placeOf(page) === AT.spilled) leftOver = true;
    // On the disk, a neighbour that had no room gets it from there.
    if (leftOver) this.#later.add(page);
    this.#asking.changed(page);
  }

  /** True when it will be on the disk. */
  #takesMyself(page: number, bytes: Bytes): boolean {
    if (this.#pages.has(page)) return true;
    if (this.#holds.has(page)) {
      this.#move(page, AT.held, bytes);
      return true;
    }
    if (this.#writesRunning >= this.#limits.writesMax) {
      this.#move(page, AT.spilled);
      return false;
    }
    this.#move(page, AT.writing);
    this.#writesRunning += 1;
    this.#ports.write(page, bytes);
    return true;
  }

  /** There is room again: what went by is asked for once more, no more at once than the disk has room for. */
  #askLaterOnes(): void {
    if (this.#later.size === 0 || this.#writesRunning > this.#limits.writesMax / 2) return;
    if (!this.#children.areRoomy) return;
    let room = Math.max(1, Math.floor(this.#limits.writesMax / 2));
    for (const page of this.#later) {
      if (room === 0) return;
      room -= 1;
      this.#later.delete(page);
      if (this.placeOf(page) === AT.spilled) this.#move(page, AT.lacking);
      this.#asking.changed(page);
    }
  }

  #lacks(child: Child<Bytes>, page: number, depth: number, again: boolean): void {
    child.feeder.lacks(page, depth, again);
    this.#asking.changed(page);
  }

  #pumpAll(): void {
    for (const [connection, child] of this.#children.all()) this.#pump(connection, child);
  }

  #pump(connection: ConnectionId, child: Child<Bytes>): void {
    for (;;) {
      const next = child.feeder.next(this.#reads.size);
      if (next === null) return;
      if (next.kind === "send") this.#send(connection, child, next.page, next.bytes);
      else this.#fetch(connection, child, next.page);
    }
  }

  #fetch(connection: ConnectionId, child: Child<Bytes>, page: number): void {
    const held = this.#pages.held.get(page);
    if (held !== undefined) {
      child.feeder.sent(this.#ports.sizeOf(held));
      this.#send(connection, child, page, held);
      return;
    }
    const asking = this.#reads.get(page);
    if (asking !== undefined) {
      asking.push(connection);
      return;
    }
    this.#reads.set(page, [connection]);
    this.#ports.read(page);
  }

  #send(connection: ConnectionId, child: Child<Bytes>, page: number, bytes: Bytes): void {
    this.#ports.page(connection, page, bytes);
    this.#asking.changed(page);
    child.saidAt = Math.max(child.saidAt, this.#lastPageAt);
  }

  #move(page: number, to: Place, bytes?: Bytes): void {
    const could = this.#pages.canServe(page);
    if (bytes === undefined) this.#pages.move(page, to);
    else this.#pages.hold(page, bytes);
    const can = this.#pages.canServe(page);
    if (can !== could) this.#children.servableChanged(page, can);
    this.#asking.changed(page);
  }

  /** How deep below the neighbour above the deepest node stands that lacks the page; 0 when none does, or it is here. */
  #wantOf(page: number): number {
    if (this.#pages.has(page) || this.#later.has(page)) return 0;
    // What was not looked at yet is not asked for: it may be there.
    const below = this.#children.depthOf(page);
    if (below > 0) return below + 1;
    return this.placeOf(page) === AT.lacking ? 1 : 0;
  }

  #askAnew(): void {
    this.#asking.beginAnew();
    this.#say();
  }

  /** Tells the neighbour above what has changed in what is lacked here and below. */
  #say(): void {
    const { current } = this.#uplink;
    if (this.#isSource || current === null || !this.#asking.hasNews) return;
    const ranges = this.#asking.takeNews((page) => this.#wantOf(page));
    for (let at = 0; at < ranges.length; at += RANGES_MAX)
      this.#ports.demand(current, ranges.slice(at, at + RANGES_MAX));
  }
}
