// What every route of the gateway is given.
import type { Repository } from "#lib/engine/repository.ts";
import type { Chains } from "../chain/chains.ts";
import type { ArchiveSessions } from "./archive-sessions.ts";
import type { GatewayLog } from "./gateway-log.ts";
import type { Leases } from "./leases.ts";
import type { NewKeyRate } from "./new-key-rate.ts";
import type { GatewayStore } from "./store.ts";
import type { Throttle } from "./throttle.ts";
import type { Wakes } from "./wakes.ts";

export interface GatewayContext {
  readonly repository: Repository;
  readonly store: GatewayStore;
  readonly log: GatewayLog;
  readonly leases: Leases;
  readonly archives: ArchiveSessions;
  readonly chains: Chains;
  /** Of all pages that leave the server. */
  readonly throttle: Throttle;
  readonly wakes: Wakes;
  readonly newKeys: NewKeyRate;
  /** Aborted when the gateway closes. */
  readonly closing: AbortController;
}
