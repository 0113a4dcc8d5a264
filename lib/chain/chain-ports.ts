// All that is real for a node of the chain: connections and a disk. Sockets and files in the product, virtual ones in the simulation.
import type { DemandRange } from "./demand.ts";
import type { ConnectionId, Peer } from "./uplink.ts";

export type Refusal = "order" | "full" | "leaving";

export interface ChainPorts<Bytes> {
  dial(peer: Peer): ConnectionId;
  close(connection: ConnectionId): void;
  ping(connection: ConnectionId): void;
  /** Says that this side is alive; `starved`: nothing comes from above. */
  status(connection: ConnectionId, starved: boolean): void;
  welcome(connection: ConnectionId): void;
  refuse(connection: ConnectionId, refusal: Refusal): void;
  demand(connection: ConnectionId, ranges: readonly DemandRange[]): void;
  page(connection: ConnectionId, page: number, bytes: Bytes): void;
  /** Answered by `written`; a node whose disk fails leaves the chain. */
  write(page: number, bytes: Bytes): void;
  /** Answered by `readDone`. */
  read(page: number): void;
  sizeOf(bytes: Bytes): number;
}
