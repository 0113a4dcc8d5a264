// The neighbours below a node: what each lacks, and what it is handed.
import type { ChainPorts } from "./chain-ports.ts";
import { DEPTH_MAX } from "./demand.ts";
import type { Feeder } from "./feeder.ts";
import { type ConnectionId, PING_MS, SILENCE_MS_MAX } from "./uplink.ts";

export interface Child<Bytes> {
  readonly nodeId: string;
  readonly rank: number;
  readonly feeder: Feeder<Bytes>;
  heardAt: number;
  saidAt: number;
}

export class Children<Bytes> {
  readonly #ports: ChainPorts<Bytes>;
  /** Called when one has gone: what is wanted below is different now. */
  readonly #onGone: () => void;
  readonly #children = new Map<ConnectionId, Child<Bytes>>();

  constructor(ports: ChainPorts<Bytes>, onGone: () => void) {
    this.#ports = ports;
    this.#onGone = onGone;
  }

  get count(): number {
    return this.#children.size;
  }

  get ids(): string[] {
    return [...this.#children.values()].map(({ nodeId }) => nodeId);
  }

  /** Every one has room for more. */
  get areRoomy(): boolean {
    return [...this.#children.values()].every(({ feeder }) => feeder.isRoomy);
  }

  /** By neighbour: pages it lacks that could be sent to it at once. */
  backlogs(): Record<string, number> {
    return Object.fromEntries(
      [...this.#children.values()].map(({ nodeId, feeder }) => [nodeId, feeder.demand.servable]),
    );
  }

  all(): Iterable<[ConnectionId, Child<Bytes>]> {
    return this.#children;
  }

  get(connection: ConnectionId): Child<Bytes> | undefined {
    return this.#children.get(connection);
  }

  add(connection: ConnectionId, child: Child<Bytes>): void {
    this.#children.set(connection, child);
  }

  drop(connection: ConnectionId): void {
    this.#ports.close(connection);
    this.closed(connection);
  }

  dropWhere(isOut: (child: Child<Bytes>) => boolean): void {
    for (const [connection, child] of this.#children) if (isOut(child)) this.drop(connection);
  }

  closed(connection: ConnectionId): void {
    if (this.#children.delete(connection)) this.#onGone();
  }

  servableChanged(page: number, canServe: boolean): void {
    for (const { feeder } of this.#children.values()) feeder.demand.servableChanged(page, canServe);
  }

  /** How deep below this node the deepest one stands that lacks the page; 0 when none does. */
  depthOf(page: number): number {
    let depth = 0;
    for (const { feeder } of this.#children.values()) depth = Math.max(depth, feeder.demand.depthOf(page));
    return Math.min(DEPTH_MAX - 1, depth);
  }

  /** Those that fell silent are let go; the others hear from this side. */
  tick(now: number, isStarved: boolean): void {
    this.dropWhere(({ heardAt }) => now - heardAt >= SILENCE_MS_MAX);
    for (const [connection, child] of this.#children) {
      if (now - child.saidAt < PING_MS) continue;
      child.saidAt = now;
      this.#ports.status(connection, isStarved);
    }
  }
}
