// The lines of a PC in a chain: to the neighbour above or the gateway, and those that neighbours below dialled. What comes is
// told to the node; pages are checked one after the other before.
import type { Duplex } from "node:stream";
import type { ChainNode } from "#lib/chain/chain-node.ts";
import type { ChainPorts } from "#lib/chain/chain-ports.ts";
import { ChainConnection } from "#lib/chain/connection.ts";
import type { ConnectionId, Peer } from "#lib/chain/uplink.ts";
import { CHAIN_VERSION, type ChainMessage } from "#lib/chain/wire.ts";
import type { ChainOffer } from "#lib/protocol/control.ts";
import { dial, type Listener, listen } from "./lines.ts";
import type { ChainPage } from "./page-store.ts";

/** Pages that came and were not checked yet; more are left to the network. */
const CHECKS_WAITING_MAX = 16;

type NetworkPorts = Omit<ChainPorts<ChainPage>, "write" | "read">;

export interface NeighboursOptions {
  readonly offer: ChainOffer;
  /** A line to the gateway. */
  readonly connect: () => Promise<Duplex>;
  /** Checks a page that came; null when its content is not what it shall be. */
  readonly open: (frame: Buffer) => Promise<{ readonly page: number; readonly content: ChainPage } | null>;
  /** Resolves when the disk has room again. */
  readonly room: () => Promise<void>;
  /** Something the run may wait for has happened. */
  readonly onNews: () => void;
}

export class Neighbours {
  readonly traffic = { fromGatewayBytes: 0, fromNeighboursBytes: 0, sentBytes: 0, copiedBytes: 0 };
  readonly #options: NeighboursOptions;
  readonly #connections = new Map<ConnectionId, ChainConnection>();
  readonly #dialling = new Set<ConnectionId>();
  /** Pages come one after the other through the check, each connection in its own order. */
  readonly #checking = new Map<ConnectionId, { done: Promise<void>; waiting: number }>();
  #node: ChainNode<ChainPage> | null = null;
  #listener: Listener | null = null;
  #nextConnection = 1;
  #isClosed = false;

  constructor(options: NeighboursOptions) {
    this.#options = options;
  }

  /** Where the neighbours reach this PC; 0 before `listen`. */
  get port(): number {
    return this.#listener?.port ?? 0;
  }

  ports(): NetworkPorts {
    const send = (id: ConnectionId, message: ChainMessage) => this.#connections.get(id)?.send(message);
    return {
      dial: (peer) => this.#dial(peer),
      close: (id) => this.#drop(id),
      ping: (id) => send(id, { kind: "ping" }),
      status: (id, starved) => send(id, { kind: "status", starved }),
      welcome: (id) => send(id, { kind: "welcome" }),
      refuse: (id, refusal) => send(id, { kind: "refuse", refusal }),
      demand: (id, ranges) => send(id, { kind: "demand", ranges }),
      page: (id, _page, { frame }) => {
        this.traffic.sentBytes += frame.length;
        send(id, { kind: "page", frame });
      },
      sizeOf: ({ frame }) => frame.length,
    };
  }

  async listen(node: ChainNode<ChainPage>, address: string): Promise<void> {
    this.#node = node;
    this.#listener = await listen(this.#options.offer, address, (socket) =>
      this.#attach(this.#newId(), socket, node),
    );
  }

  close(): void {
    this.#isClosed = true;
    this.#listener?.close();
    for (const connection of this.#connections.values()) connection.close();
    this.#connections.clear();
  }

  #dial(peer: Peer): ConnectionId {
    const { offer, connect } = this.#options;
    const id = this.#newId();
    const connected = (socket: Duplex) => {
      // Given up meanwhile.
      if (this.#isClosed || this.#node === null || !this.#dialling.delete(id)) {
        socket.destroy();
        return;
      }
      const connection = this.#attach(id, socket, this.#node);
      const { rank } = this.#node.order;
      connection.send({ kind: "hello", version: CHAIN_VERSION, nodeId: offer.nodeId, rank });
    };
    const lost = () => {
      if (this.#dialling.delete(id)) this.#node?.closed(id, performance.now());
    };
    this.#dialling.add(id);
    if (peer.address === null) {
      connect().then(connected, lost);
    } else {
      const socket = dial(offer, peer.address, connected);
      socket.on("error", lost);
      socket.once("close", lost);
    }
    return id;
  }

  #attach(id: ConnectionId, socket: Duplex, node: ChainNode<ChainPage>): ChainConnection {
    const connection = new ChainConnection(socket, {
      message: (message) => this.#heard(node, id, message),
      closed: () => {
        this.#connections.delete(id);
        node.closed(id, performance.now());
      },
      taken: (size) => node.taken(id, size),
    });
    this.#connections.set(id, connection);
    return connection;
  }

  #drop(id: ConnectionId): void {
    this.#dialling.delete(id);
    this.#checking.delete(id);
    this.#connections.get(id)?.close();
    this.#connections.delete(id);
  }

  #heard(node: ChainNode<ChainPage>, id: ConnectionId, message: ChainMessage): void {
    const now = performance.now();
    node.heard(id, now);
    if (message.kind === "hello") node.childCame(id, message, now);
    else if (message.kind === "welcome") node.welcomed(id, now);
    else if (message.kind === "refuse") node.refused(id, now);
    else if (message.kind === "demand") node.demanded(id, message.ranges, now);
    else if (message.kind === "page") this.#check(node, id, message.frame);
  }

  #check(node: ChainNode<ChainPage>, id: ConnectionId, frame: Buffer): void {
    const line = this.#checking.get(id) ?? { done: Promise.resolve(), waiting: 0 };
    this.#checking.set(id, line);
    line.waiting += 1;
    if (line.waiting >= CHECKS_WAITING_MAX) this.#connections.get(id)?.pause();
    line.done = line.done.then(async () => {
      try {
        while (node.shouldPause && !this.#isClosed) await this.#options.room();
        if (node.attachedTo?.address === null) this.traffic.fromGatewayBytes += frame.length;
        else this.traffic.fromNeighboursBytes += frame.length;
        const opened = await this.#options.open(frame);
        const now = performance.now();
        if (opened === null) node.badPage(id, now);
        else node.pageCame(id, opened.page, opened.content, now);
        this.#options.onNews();
      } catch {
        // Not a page of this clone, or not to be unpacked: whoever sends that is left.
        node.badPage(id, performance.now());
      }
      line.waiting -= 1;
      if (line.waiting < CHECKS_WAITING_MAX / 2) this.#connections.get(id)?.resume();
    });
  }

  #newId(): ConnectionId {
    const id = this.#nextConnection;
    this.#nextConnection += 1;
    return id;
  }
}
