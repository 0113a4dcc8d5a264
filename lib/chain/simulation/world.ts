// A simulated classroom: PCs, the gateway and the coordinator in virtual time, with faults thrown in. After every event the
// invariants are looked at; at the end every PC that could finish has, byte for byte.
import { strict as assert } from "node:assert";
import { Chance } from "#lib/model/chance.ts";
import { ChainNode } from "../chain-node.ts";
import { Coordinator, type NodeReport, type Place } from "../coordinator.ts";
import type { ChainLimits } from "../feeder.ts";
import { type End, Machine, Network, type Receiver } from "./network.ts";
import { type Message, Pc, SimulatedDisk, type SimulatedPage, type Surroundings } from "./pc.ts";
import { VirtualTime } from "./time.ts";

export interface ClassroomOptions {
  readonly seed: number;
  readonly pageCount: number;
  /** Of each PC: the share of pages that differ from the target, 0 to 1. */
  readonly lacking: readonly number[];
  readonly chains?: number;
  /** Bytes per millisecond. */
  readonly lineRate?: number;
  readonly sourceRate?: number;
  readonly diskRate?: number;
  readonly limits?: ChainLimits;
  readonly answerMsMax?: number;
  /** PCs that come later, by index: after so many milliseconds. */
  readonly lateMs?: ReadonlyMap<number, number>;
}

const PAGE_BYTES = 1000;
const SOURCE = "gateway";
/** With lines of 100 bytes a millisecond, ten pages take 100 ms. */
export const DEFAULT_LIMITS: ChainLimits = {
  forwardBytesMax: 16 * PAGE_BYTES,
  windowBytes: 4 * PAGE_BYTES,
  readsMax: 4,
  writesMax: 8,
};

export class Classroom {
  readonly time = new VirtualTime();
  readonly network = new Network(this.time);
  readonly chance: Chance;
  readonly pcs: Pc[] = [];
  readonly source: Machine;
  readonly sourceNode: ChainNode<SimulatedPage>;
  readonly #options: ClassroomOptions;
  readonly #limits: ChainLimits;
  readonly #lineRate: number;
  coordinator: Coordinator;
  isCoordinatorAway = false;
  readonly trace: string[] = [];

  constructor(options: ClassroomOptions) {
    this.#options = options;
    this.chance = new Chance(options.seed);
    this.#limits = options.limits ?? DEFAULT_LIMITS;
    const { pageCount, lineRate = 100, sourceRate = lineRate, diskRate = 300 } = options;
    this.#lineRate = Math.min(lineRate, sourceRate);
    this.source = new Machine(SOURCE, sourceRate);
    this.sourceNode = this.#makeSource();
    const around: Surroundings = {
      time: this.time,
      network: this.network,
      chance: this.chance,
      limits: this.#limits,
      pageBytes: PAGE_BYTES,
      answerMsMax: options.answerMsMax ?? 300,
      machineOf: (nodeId) => this.#machineOf(nodeId),
      report: (report) => this.#report(report),
      left: (nodeId) => this.coordinator.left(nodeId),
    };
    for (const [index, share] of options.lacking.entries()) {
      const content = new Uint8Array(pageCount).map(() => (this.chance.happens(share) ? 0 : 1));
      const name = `pc-${String(index).padStart(3, "0")}`;
      this.pcs.push(new Pc(name, new Machine(name, lineRate), new SimulatedDisk(content, diskRate), around));
    }
    this.coordinator = this.#newCoordinator();
    for (const [index, pc] of this.pcs.entries())
      this.time.after(options.lateMs?.get(index) ?? 0, () => pc.start());
  }

  restartCoordinator(): void {
    this.coordinator = this.#newCoordinator();
  }

  /** Runs until every PC is released, or all that still run have failed; throws when that takes longer than `msMax`. */
  run(msMax: number, beforeEvent: (index: number) => void = () => undefined): number {
    for (let index = 0; this.time.now < msMax; index += 1) {
      beforeEvent(index);
      if (!this.time.step()) break;
      this.#checkEdges();
      if (this.pcs.every((pc) => pc.isReleased || pc.isFailed || !this.#comesBack(pc))) return this.time.now;
    }
    throw new Error(`Not at its end after ${msMax} ms: ${this.#stateInWords()}`);
  }

  /** PCs that will not run again: the script says which. */
  readonly gone = new Set<Pc>();

  assertRight(): void {
    for (const pc of this.pcs) {
      if (pc.isFailed || this.gone.has(pc)) continue;
      assert.ok(pc.disk.isRight, `${pc.name} ended with wrong pages`);
      assert.ok(pc.isDone, `${pc.name} is not done`);
    }
  }

  note(words: string): void {
    this.trace.push(`${this.time.now.toFixed(1)} ${words}`);
  }

  #comesBack(pc: Pc): boolean {
    return !this.gone.has(pc);
  }

  #newCoordinator(): Coordinator {
    return new Coordinator({
      expected: this.pcs.map((pc) => pc.name),
      chains: this.#options.chains ?? 1,
      source: { nodeId: SOURCE, address: null },
    });
  }

  #report(report: NodeReport): Place | null {
    const pc = this.pcs.find(({ name }) => name === report.nodeId);
    if (this.isCoordinatorAway || pc === undefined || pc.machine.isCutOff) return null;
    this.coordinator.hearSource(this.sourceNode.backlogs(), this.#lineRate, this.time.now);
    return this.coordinator.report(report, this.time.now);
  }

  /** Demands cannot run in circles: whoever is above has the lower rank. */
  #checkEdges(): void {
    for (const pc of this.pcs) {
      if (!pc.isRunning) continue;
      assert.ok(pc.node.writesRunning <= this.#limits.writesMax, `${pc.name} has too many writes`);
      for (const childId of pc.node.childIds) {
        const child = this.pcs.find(({ name }) => name === childId);
        // What a neighbour believes to hang below it may be a process that is gone.
        if (child?.node.attachedTo?.nodeId !== pc.name) continue;
        assert.ok(
          child.node.order.rank > pc.node.order.rank || child.node.order.rank === -1,
          `${childId} hangs below ${pc.name} but has no higher rank`,
        );
      }
    }
  }

  #machineOf(nodeId: string): Machine {
    if (nodeId === SOURCE) return this.source;
    const pc = this.pcs.find(({ name }) => name === nodeId);
    if (pc === undefined) throw new Error(`Nobody is called ${nodeId}`);
    return pc.machine;
  }

  #makeSource(): ChainNode<SimulatedPage> {
    const ends = new Map<number, End>();
    const send = (id: number, message: Message, size = 64) => {
      const end = ends.get(id);
      if (end !== undefined) this.network.send(end, size, message);
    };
    const node: ChainNode<SimulatedPage> = new ChainNode({
      pageCount: this.#options.pageCount,
      limits: this.#limits,
      isSource: true,
      ports: {
        dial: () => {
          throw new Error("The gateway dials nobody");
        },
        close: (id) => {
          const end = ends.get(id);
          ends.delete(id);
          if (end !== undefined) this.network.close(end);
        },
        ping: () => undefined,
        status: (id) => send(id, { kind: "status" }),
        welcome: (id) => send(id, { kind: "welcome" }),
        refuse: (id) => send(id, { kind: "refuse" }),
        demand: () => undefined,
        page: (id, page) => send(id, { kind: "page", page: { page, isDamaged: false } }, PAGE_BYTES),
        write: () => undefined,
        read: (page) => this.time.after(1, () => node.readDone(page, { page, isDamaged: false })),
        sizeOf: () => PAGE_BYTES,
      },
    });
    const receiver: Receiver = {
      accepted: (end) => void ends.set(end.id, end),
      closed: (end) => {
        ends.delete(end.id);
        node.closed(end.id, this.time.now);
      },
      taken: (end, size) => {
        if (size >= PAGE_BYTES) node.taken(end.id, size);
      },
      message: (end, message) => {
        const heard = message as Message;
        if (heard.kind === "hello") node.childCame(end.id, heard, this.time.now);
        else if (heard.kind === "demand") node.demanded(end.id, heard.ranges, this.time.now);
        else node.heard(end.id, this.time.now);
      },
    };
    this.source.receiver = receiver;
    const tick = () => {
      node.tick(this.time.now);
      this.time.after(100, tick);
    };
    tick();
    return node;
  }

  #stateInWords(): string {
    return this.pcs
      .map(
        (pc) =>
          `${pc.name}: rank ${pc.node.order.rank} epoch ${pc.node.order.epoch}, misses ${pc.node.missing}, later ${pc.node.laterCount}, ` +
          `at ${pc.node.attachedTo?.nodeId ?? "nobody"}, above ${pc.node.childIds.join("+") || "nobody"}` +
          `${pc.isDone ? ", done" : ""}${pc.isFailed ? ", failed" : ""}${pc.isRunning ? "" : ", off"}`,
      )
      .join("\n");
  }
}
