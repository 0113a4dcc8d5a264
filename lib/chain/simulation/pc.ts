// A simulated PC: the real ChainNode over a simulated disk and network. The disk outlives the process.
import type { Chance } from "#lib/model/chance.ts";
import { ChainNode } from "../chain-node.ts";
import type { ChainPorts } from "../chain-ports.ts";
import type { NodeReport, Place } from "../coordinator.ts";
import type { DemandRange } from "../demand.ts";
import type { ChainLimits } from "../feeder.ts";
import type { Peer } from "../uplink.ts";
import type { End, Machine, Network, Receiver } from "./network.ts";
import type { VirtualTime } from "./time.ts";

/** What travels as a page: damaged when a line or a memory damaged it. */
export interface SimulatedPage {
  readonly page: number;
  readonly isDamaged: boolean;
}

export type Message =
  | { readonly kind: "hello"; readonly nodeId: string; readonly rank: number }
  | { readonly kind: "welcome" | "ping" | "status" }
  | { readonly kind: "refuse" }
  | { readonly kind: "demand"; readonly ranges: readonly DemandRange[] }
  | { readonly kind: "page"; readonly page: SimulatedPage };

export interface Surroundings {
  readonly time: VirtualTime;
  readonly network: Network;
  readonly chance: Chance;
  readonly limits: ChainLimits;
  readonly pageBytes: number;
  /** The coordinator's answers take up to this long, and may overtake each other. */
  readonly answerMsMax: number;
  machineOf(nodeId: string): Machine;
  /** Null: the coordinator is not to be reached, or has no order yet. */
  report(report: NodeReport): Place | null;
  left(nodeId: string): void;
}

const CONTROL_BYTES = 64;
const REPORT_MS = 250;
const TICK_MS = 100;
const SCAN_PAGES = 16;

/** The disk: 1 is the target's content of a page, all else is not. */
export class SimulatedDisk {
  readonly content: Uint8Array;
  /** Bytes per millisecond. */
  rate: number;
  freeAt = 0;
  isBroken = false;
  writtenPages = 0;

  constructor(content: Uint8Array, rate: number) {
    this.content = content;
    this.rate = rate;
  }

  get isRight(): boolean {
    return this.content.every((value) => value === 1);
  }
}

export class Pc implements Receiver {
  readonly name: string;
  readonly machine: Machine;
  readonly disk: SimulatedDisk;
  readonly #around: Surroundings;
  readonly #ends = new Map<number, End>();
  node: ChainNode<SimulatedPage>;
  /** Grows with each start: what an earlier process began must not end in this one. */
  #life = 0;
  #isScanned = false;
  #receivedBytes = 0;
  isDone = false;
  isReleased = false;
  isFailed = false;
  hangsUntil = 0;
  doneAt: number | null = null;
  /** Pages each neighbour was sent. */
  damageRate = 0;

  constructor(name: string, machine: Machine, disk: SimulatedDisk, around: Surroundings) {
    this.name = name;
    this.machine = machine;
    this.disk = disk;
    this.#around = around;
    this.node = this.#newNode();
  }

  get isRunning(): boolean {
    return this.machine.receiver === this;
  }

  start(): void {
    if (this.isRunning || this.isReleased) return;
    this.#life += 1;
    this.#ends.clear();
    this.node = this.#newNode();
    this.#isScanned = false;
    this.#receivedBytes = 0;
    this.isDone = false;
    this.machine.receiver = this;
    this.#scan(0);
    this.#every(TICK_MS, () => this.node.tick(this.#now()));
    this.#every(REPORT_MS, () => this.#report());
  }

  /** The process is killed; the disk keeps what was written. */
  crash(): void {
    this.#life += 1;
    this.#around.network.reset(this.machine);
  }

  // ---- Receiver ----

  accepted(end: End): void {
    this.#ends.set(end.id, end);
  }

  message(end: End, message: unknown): void {
    this.#soon(() => this.#handle(end, message as Message));
  }

  closed(end: End): void {
    this.#ends.delete(end.id);
    this.#soon(() => this.node.closed(end.id, this.#now()));
  }

  taken(end: End, size: number): void {
    if (size >= this.#around.pageBytes) this.#soon(() => this.node.taken(end.id, size));
  }

  #handle(end: End, message: Message): void {
    const now = this.#now();
    const { id } = end;
    if (message.kind === "hello") this.node.childCame(id, message, now);
    else if (message.kind === "welcome") this.node.welcomed(id, now);
    else if (message.kind === "refuse") this.node.refused(id, now);
    else if (message.kind === "demand") this.node.demanded(id, message.ranges, now);
    else if (message.kind !== "page") this.node.heard(id, now);
    else {
      this.#receivedBytes += this.#around.pageBytes;
      if (message.page.isDamaged) this.node.badPage(id, now);
      else this.node.pageCame(id, message.page.page, message.page, now);
    }
  }

  // ---- The disk ----

  #scan(first: number): void {
    const { content } = this.disk;
    const end = Math.min(first + SCAN_PAGES, content.length);
    this.#onDisk((end - first) * this.#around.pageBytes, () => {
      this.node.scanned(
        first,
        Array.from(content.subarray(first, end), (value) => value === 1),
      );
      if (end < content.length) this.#scan(end);
      else this.#isScanned = true;
    });
  }

  #written(page: number): void {
    if (this.disk.isBroken) {
      this.#fail();
      return;
    }
    this.disk.content[page] = 1;
    this.disk.writtenPages += 1;
    this.node.written(page);
  }

  /** As an agent that reports its task as failed. */
  #fail(): void {
    this.isFailed = true;
    this.node.leave();
    this.#around.left(this.name);
  }

  /** What makes the disk look whole goes last; then everything is read back. */
  #finish(): void {
    for (const page of this.node.heldPages().keys()) this.disk.content[page] = 1;
    const wrong = [...this.disk.content.entries()].filter(([, value]) => value !== 1).map(([page]) => page);
    if (wrong.length > 0) this.node.turnedBad(wrong);
    else {
      this.isDone = true;
      this.doneAt = this.#now();
    }
  }

  #onDisk(size: number, then: () => void): void {
    const { time } = this.#around;
    this.disk.freeAt = Math.max(this.disk.freeAt, time.now) + size / this.disk.rate;
    const life = this.#life;
    time.at(this.disk.freeAt, () => {
      if (life === this.#life) this.#soon(then);
    });
  }

  // ---- The rest ----

  #report(): void {
    if (this.#isScanned && !this.isDone && this.node.missing === 0 && !this.isFailed) this.#finish();
    const { order, attachedTo } = this.node;
    const lacking = this.disk.content.filter((value) => value !== 1).length;
    const place = this.#around.report({
      nodeId: this.name,
      address: { host: this.name, port: 1 },
      epoch: order.epoch,
      rank: order.rank,
      lackingBytes: lacking * this.#around.pageBytes,
      isScanned: this.#isScanned,
      isDone: this.isDone,
      attachedTo: attachedTo?.nodeId ?? null,
      childIds: this.node.childIds,
      backlogs: this.node.backlogs(),
      receivedBytes: this.#receivedBytes,
      ...{ sentBytes: 0, writtenBytes: 0 },
      losses: this.node.takeLosses(),
    });
    if (place === null) return;
    // Answers may overtake each other.
    const life = this.#life;
    this.#around.time.after(this.#around.chance.between(0, this.#around.answerMsMax), () => {
      if (life === this.#life) this.#soon(() => this.#place(place));
    });
  }

  #place(place: Place): void {
    if (place.isReleased && this.isDone) {
      this.isReleased = true;
      this.node.leave();
    }
    this.node.setOrder(place, this.#now());
  }

  #every(ms: number, work: () => void): void {
    const life = this.#life;
    const again = () => {
      if (life !== this.#life || this.isReleased || this.isFailed) return;
      this.#soon(work);
      this.#around.time.after(ms, again);
    };
    this.#around.time.after(this.#around.chance.between(0, ms), again);
  }

  /** At once, or when the machine wakes up again. */
  #soon(work: () => void): void {
    const life = this.#life;
    if (this.#now() >= this.hangsUntil) work();
    else
      this.#around.time.at(this.hangsUntil, () => {
        if (life === this.#life) work();
      });
  }

  #now(): number {
    return this.#around.time.now;
  }

  #newNode(): ChainNode<SimulatedPage> {
    const { limits } = this.#around;
    const pageCount = this.disk.content.length;
    return new ChainNode({ pageCount, limits, ports: this.#ports(), heldPages: [0] });
  }

  #send(id: number, message: Message, size = CONTROL_BYTES): void {
    const end = this.#ends.get(id);
    if (end !== undefined) this.#around.network.send(end, size, message);
  }

  #ports(): ChainPorts<SimulatedPage> {
    const { network, pageBytes, chance } = this.#around;
    return {
      dial: (peer: Peer) => {
        const end = network.dial(this.machine, this.#around.machineOf(peer.nodeId));
        this.#ends.set(end.id, end);
        const { rank } = this.node.order;
        // The real one says hello once it is connected.
        this.#around.time.after(1, () => this.#send(end.id, { kind: "hello", nodeId: this.name, rank }));
        return end.id;
      },
      close: (id) => {
        const end = this.#ends.get(id);
        this.#ends.delete(id);
        if (end !== undefined) network.close(end);
      },
      ping: (id) => this.#send(id, { kind: "ping" }),
      status: (id) => this.#send(id, { kind: "status" }),
      welcome: (id) => this.#send(id, { kind: "welcome" }),
      refuse: (id) => this.#send(id, { kind: "refuse" }),
      demand: (id, ranges) => this.#send(id, { kind: "demand", ranges }, CONTROL_BYTES + 12 * ranges.length),
      page: (id, page) => {
        const isDamaged = chance.happens(this.damageRate);
        this.#send(id, { kind: "page", page: { page, isDamaged } }, pageBytes);
      },
      write: (page) =>
        this.#onDisk(pageBytes, () => {
          this.#written(page);
        }),
      read: (page) =>
        this.#onDisk(pageBytes, () =>
          this.node.readDone(page, this.disk.content[page] === 1 ? { page, isDamaged: false } : null),
        ),
      sizeOf: () => pageBytes,
    };
  }
}
