// What every route of the gateway is given.
import type { Repository } from "#lib/engine/types.ts";
import type { ArchiveSessions } from "./archive-sessions.ts";
import type { GatewayLog } from "./gateway.ts";
import type { Leases } from "./leases.ts";
import type { GatewayStore } from "./store.ts";
import type { Wakes } from "./wakes.ts";

export interface GatewayContext {
  readonly repository: Repository;
  readonly store: GatewayStore;
  readonly log: GatewayLog;
  readonly leases: Leases;
  readonly archives: ArchiveSessions;
  readonly wakes: Wakes;
  /** Aborted when the gateway closes. */
  readonly closing: AbortController;
}
