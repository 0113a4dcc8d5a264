// The edge upwards. The coordinator says which neighbours to try, nearest first, the gateway last. A neighbour that closes the
// connection, falls silent or refuses is left for the next one, at once; a better one that a new order names is attached
// first and only then is the old one left.
export type ConnectionId = number;

/** Whom to dial: an agent, or the gateway. */
export interface Peer {
  readonly nodeId: string;
  /** Null: the gateway, at the address the agent knows it by. */
  readonly address: { readonly host: string; readonly port: number } | null;
}

/** A node's place. Orders of an older epoch are ignored; a rank only ever grows. */
export interface Order {
  readonly epoch: number;
  readonly rank: number;
  /** Nearest first; each has a lower rank than this node. */
  readonly upstreams: readonly Peer[];
}

export interface UplinkPorts {
  dial(peer: Peer): ConnectionId;
  close(connection: ConnectionId): void;
  ping(connection: ConnectionId): void;
}

/** Whom a node gave up on, and why: for the coordinator and for people. */
export interface Loss {
  readonly nodeId: string;
  readonly why: "closed" | "silent" | "refused" | "unreachable" | "bad-pages";
}

export const PING_MS = 500;
/** A live neighbour says something every PING_MS. */
export const SILENCE_MS_MAX = 2_000;
export const ATTACH_MS_MAX = 1_000;
const RETRY_MS = 300;

interface Line {
  readonly connection: ConnectionId;
  readonly peer: Peer;
  readonly since: number;
  heardAt: number;
  pingedAt: number;
}

export class Uplink {
  readonly #ports: UplinkPorts;
  #order: Order = { epoch: -1, rank: -1, upstreams: [] };
  /** Attached: pages come from here. */
  #current: Line | null = null;
  /** Dialled, not attached yet. */
  #candidate: (Line & { readonly index: number }) | null = null;
  #retryAt = Number.POSITIVE_INFINITY;
  readonly #losses: Loss[] = [];

  constructor(ports: UplinkPorts) {
    this.#ports = ports;
  }

  get order(): Order {
    return this.#order;
  }

  get attachedTo(): Peer | null {
    return this.#current?.peer ?? null;
  }

  /** The losses since the last call. */
  takeLosses(): Loss[] {
    return this.#losses.splice(0);
  }

  isCurrent(connection: ConnectionId): boolean {
    return this.#current?.connection === connection;
  }

  get current(): ConnectionId | null {
    return this.#current?.connection ?? null;
  }

  /** True when it was newer than what was known. */
  setOrder(order: Order, now: number): boolean {
    // A coordinator that began anew may not know this node's rank yet: it learns it from the next report.
    if (order.epoch <= this.#order.epoch || order.rank < this.#order.rank) return false;
    this.#order = order;
    const first = order.upstreams[0];
    if (first === undefined || samePeer(first, this.#current?.peer) || samePeer(first, this.#candidate?.peer))
      return true;
    this.#dropCandidate();
    this.#dial(0, now);
    return true;
  }

  /** True when this connection is now the one pages come from: everything must be asked for anew. */
  welcomed(connection: ConnectionId, now: number): boolean {
    if (this.#candidate?.connection !== connection) return false;
    if (this.#current !== null) this.#ports.close(this.#current.connection);
    this.#current = { ...this.#candidate, heardAt: now };
    this.#candidate = null;
    return true;
  }

  heard(connection: ConnectionId, now: number): void {
    if (this.#current?.connection === connection) this.#current.heardAt = now;
  }

  /** True when it was the one pages came from. */
  closed(connection: ConnectionId, why: Loss["why"], now: number): boolean {
    if (this.#candidate?.connection === connection) {
      const { peer, index } = this.#candidate;
      this.#candidate = null;
      this.#losses.push({ nodeId: peer.nodeId, why: why === "closed" ? "unreachable" : why });
      this.#dialAfter(index, now);
      return false;
    }
    if (this.#current?.connection !== connection) return false;
    const { peer } = this.#current;
    this.#current = null;
    this.#losses.push({ nodeId: peer.nodeId, why });
    if (this.#candidate === null) {
      this.#dialAfter(
        this.#order.upstreams.findIndex((upstream) => samePeer(upstream, peer)),
        now,
      );
    }
    return true;
  }

  /** Gives up on the neighbour pages come from. */
  leave(why: Loss["why"], now: number): void {
    const current = this.#current;
    if (current === null) return;
    this.#ports.close(current.connection);
    this.closed(current.connection, why, now);
  }

  /** Call it several times per PING_MS. True when the neighbour pages came from was given up. */
  tick(now: number): boolean {
    let lost = false;
    const { candidate, current } = { candidate: this.#candidate, current: this.#current };
    if (candidate !== null && now - candidate.since >= ATTACH_MS_MAX) {
      this.#ports.close(candidate.connection);
      this.closed(candidate.connection, "unreachable", now);
    }
    if (current !== null && now - current.heardAt >= SILENCE_MS_MAX) {
      this.#ports.close(current.connection);
      lost = this.closed(current.connection, "silent", now);
    } else if (current !== null && now - current.pingedAt >= PING_MS) {
      current.pingedAt = now;
      this.#ports.ping(current.connection);
    }
    if (now >= this.#retryAt && this.#candidate === null && this.#current === null) this.#dial(0, now);
    return lost;
  }

  /** For good: no order brings it back. */
  close(): void {
    this.#order = { ...this.#order, epoch: Number.POSITIVE_INFINITY, upstreams: [] };
    this.#retryAt = Number.POSITIVE_INFINITY;
    this.#dropCandidate();
    if (this.#current !== null) this.#ports.close(this.#current.connection);
    this.#current = null;
  }

  #dialAfter(index: number, now: number): void {
    if (index + 1 < this.#order.upstreams.length) this.#dial(index + 1, now);
    else if (this.#current === null) this.#retryAt = now + RETRY_MS;
  }

  #dial(index: number, now: number): void {
    this.#retryAt = Number.POSITIVE_INFINITY;
    const peer = this.#order.upstreams[index];
    // The one pages come from need not be dialled again: it is the best that answers.
    if (peer === undefined || samePeer(peer, this.#current?.peer)) return;
    const connection = this.#ports.dial(peer);
    this.#candidate = { connection, peer, index, since: now, heardAt: now, pingedAt: now };
  }

  #dropCandidate(): void {
    if (this.#candidate !== null) this.#ports.close(this.#candidate.connection);
    this.#candidate = null;
  }
}

function samePeer(left: Peer | undefined, right: Peer | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  return (
    left.nodeId === right.nodeId &&
    left.address?.host === right.address?.host &&
    left.address?.port === right.address?.port
  );
}
