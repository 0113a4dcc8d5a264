// The chains of this worker: for each job and content one coordinator, one source of pages, and a key that its members prove
// themselves by. Nothing of it is kept: after a restart the key is derived anew, and the order is learnt from the reports.
import { createHash, hkdfSync } from "node:crypto";
import type { Duplex } from "node:stream";
import { chainCount, type LineSpeeds } from "#lib/chain/chain-count.ts";
import { Coordinator, type Move, type NodeReport, type Place } from "#lib/chain/coordinator.ts";
import { PageSpace } from "#lib/chain/page-space.ts";
import type { Repository } from "#lib/engine/repository.ts";
import { type FailureReport, failureReportOf } from "#lib/model/errors.ts";
import type { SnapshotRecord } from "#lib/model/snapshot.ts";
import type { ChainOffer } from "#lib/protocol/control.ts";
import type { GatewayLog } from "../gateway/gateway-log.ts";
import type { LeasedTask } from "../gateway/store.ts";
import { imagesToRestore } from "../gateway/task-images.ts";
import type { Throttle } from "../gateway/throttle.ts";
import { ChainSource } from "./chain-source.ts";

const SOURCE = { nodeId: "gateway", address: null };
/** A chain nobody reports to any more is forgotten: its readers keep a snapshot from being pruned. */
const UNUSED_MS_MAX = 120_000;

interface Chain {
  readonly chainId: string;
  readonly coordinator: Coordinator;
  readonly source: ChainSource;
  /** By node. */
  readonly taskIds: Map<string, string>;
  usedMs: number;
}

export interface ChainAnswer {
  readonly place: Place | null;
  readonly failure: FailureReport | null;
  /** Whose place has changed, in words for people. */
  readonly moves: readonly { readonly taskId: string; readonly words: string }[];
}

const MOVE_WORDS: Readonly<Record<Move["why"], string>> = {
  "slow-line": "Went to the end of the chain: its line is slower than the others'.",
  "came-back": "Came back after a silence, at the end of the chain.",
  "bad-neighbour": "Went to the end of the chain: pages it passed on were damaged.",
};

export interface ChainsOptions {
  readonly repository: Repository;
  readonly log: GatewayLog;
  /** Something secret that outlives this process. */
  readonly key: string;
  readonly lines: LineSpeeds;
  readonly throttle: Throttle;
}

export class Chains {
  readonly #repository: Repository;
  readonly #log: GatewayLog;
  readonly #key: string;
  readonly #lines: LineSpeeds;
  readonly #throttle: Throttle;
  readonly #chains = new Map<string, Chain>();

  constructor({ repository, log, key, lines, throttle }: ChainsOptions) {
    this.#repository = repository;
    this.#log = log;
    this.#key = key;
    this.#lines = lines;
    this.#throttle = throttle;
  }

  /** What a PC is told when others of its job get the same content; undefined when it is alone. */
  offerFor(task: LeasedTask, nodeId: string): ChainOffer | undefined {
    if (task.peers.length < 2) return undefined;
    const chainId = chainIdOf(task);
    const secret = Buffer.from(hkdfSync("sha256", this.#key, chainId, "sheepfold chain", 32)).toString("hex");
    return { chainId, secret, nodeId };
  }

  report(task: LeasedTask, report: NodeReport): ChainAnswer {
    const chain = this.#chainOf(task);
    chain.taskIds.set(report.nodeId, task.taskId);
    const now = performance.now();
    chain.coordinator.hearSource(chain.source.backlogs(), this.#lineRate, now);
    const place = chain.coordinator.report(report, now);
    const moves = chain.coordinator.takeMoves().map(({ nodeId, why }) => {
      this.#log.info("A PC of a chain goes to its end.", { chain: chain.chainId, nodeId, why });
      return { taskId: chain.taskIds.get(nodeId) ?? task.taskId, words: MOVE_WORDS[why] };
    });
    const { failure } = chain.source;
    return { place, failure: failure === null ? null : failureReportOf(failure), moves };
  }

  /** A PC's line to the source. */
  accept(task: LeasedTask, nodeId: string, socket: Duplex): void {
    this.#chainOf(task).source.accept(nodeId, socket);
  }

  /** The task has ended, however it did. */
  left(task: LeasedTask, nodeId: string): void {
    this.#chains.get(chainIdOf(task))?.coordinator.left(nodeId);
  }

  /** What the gateway should get rid of on each of its lines, in bytes a millisecond. */
  get #lineRate(): number {
    const { gatewayMbit, pcMbit } = this.#lines;
    const allowed = (this.#throttle.rate ?? Number.POSITIVE_INFINITY) / Math.max(1, this.#chains.size);
    return Math.min(allowed, (Math.min(gatewayMbit, pcMbit) * 1e6) / 8 / 1000);
  }

  closeUnused(): void {
    for (const chain of this.#chains.values()) {
      if (performance.now() - chain.usedMs > UNUSED_MS_MAX) this.#close(chain);
    }
  }

  closeAll(): void {
    for (const chain of this.#chains.values()) this.#close(chain);
  }

  #close(chain: Chain): void {
    this.#chains.delete(chain.chainId);
    chain.source.close();
  }

  #chainOf(task: LeasedTask): Chain {
    const chainId = chainIdOf(task);
    const known = this.#chains.get(chainId);
    if (known !== undefined) {
      known.usedMs = performance.now();
      return known;
    }
    const record = this.#recordOf(task);
    const images = imagesToRestore(record, task).map(({ message, name }) => ({ ...message, name }));
    const chain: Chain = {
      chainId,
      coordinator: new Coordinator({
        expected: task.peers,
        chains: chainCount(task.peers.length, this.#lines),
        source: SOURCE,
      }),
      source: new ChainSource(this.#repository, this.#log, this.#throttle, {
        ...{ chainId, record, space: new PageSpace(images) },
      }),
      taskIds: new Map(),
      usedMs: performance.now(),
    };
    this.#chains.set(chainId, chain);
    return chain;
  }

  #recordOf({ snapshotId }: LeasedTask): SnapshotRecord {
    return this.#repository.snapshot(snapshotId ?? "");
  }
}

/** Short and without the job's own id: it travels in the clear when a line is opened. */
function chainIdOf({ jobId, snapshotId }: LeasedTask): string {
  return createHash("sha256").update(`${jobId} ${snapshotId}`).digest("hex").slice(0, 32);
}
